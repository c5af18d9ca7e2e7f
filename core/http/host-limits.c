/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/host-limits.h"

/* How long after a refusal one connection more is tried. Each time that this was too early, the
 * next waits twice as long. */
#define FIRST_PATIENCE ((gint64) 30 * G_USEC_PER_SEC)
#define LONGEST_PATIENCE ((gint64) 30 * 60 * G_USEC_PER_SEC)

/* A limit that has grown to this is none any more. */
#define LIMIT_MAX 64

#define LONGEST_SERVER_WAIT ((gint64) 60 * 60)

/* Hosts that nobody uses are remembered up to this number. */
#define IDLE_HOSTS_MAX 256

typedef struct
{
  char *origin;
  GPtrArray *shares; /* of DrayHostShare, in the order in which they came */
  guint n_open;
  guint limit;     /* DRAY_HOST_UNLIMITED for none */
  gint64 patience; /* how long until it grows by one */
  gint64 grows_at;
  gboolean grown;     /* since the last refusal */
  gint64 quiet_until; /* nothing new is asked before */
} Host;

struct _DrayHostLimits
{
  GHashTable *hosts; /* from the origin to its Host */
};

struct _DrayHostShare
{
  DrayHostLimits *limits;
  Host *host;
  guint n_open;
  guint n_wanted;
};

static void
host_free (Host *host)
{
  g_assert (host->shares->len == 0);

  g_ptr_array_unref (host->shares);
  g_free (host->origin);
  g_free (host);
}

/* What is no URL with a host is a host of its own, by its text. */
static char *
get_origin (const char *url)
{
  const GUriFlags flags = G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE;
  g_autoptr (GUri) uri = g_uri_parse (url, flags, NULL);
  g_autofree char *name = NULL;

  if (uri == NULL || g_uri_get_host (uri) == NULL)
    return g_strdup (url);

  name = g_ascii_strdown (g_uri_get_host (uri), -1);
  return g_strdup_printf ("%s://%s:%d", g_uri_get_scheme (uri), name, g_uri_get_port (uri));
}

static Host *
find_host (DrayHostLimits *self, const char *url)
{
  g_autofree char *origin = get_origin (url);
  Host *host = g_hash_table_lookup (self->hosts, origin);

  if (host != NULL)
    return host;

  host = g_new0 (Host, 1);
  host->origin = g_steal_pointer (&origin);
  host->shares = g_ptr_array_new ();
  host->limit = DRAY_HOST_UNLIMITED;
  host->patience = FIRST_PATIENCE;
  g_hash_table_insert (self->hosts, host->origin, host);
  return host;
}

static gint64
get_expiry (const Host *host)
{
  return MAX (host->grows_at, host->quiet_until);
}

/* The idle host whose lesson matters least. */
static Host *
find_stalest (DrayHostLimits *self, guint *n_idle)
{
  GHashTableIter iter;
  gpointer value;
  Host *stalest = NULL;

  *n_idle = 0;
  g_hash_table_iter_init (&iter, self->hosts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Host *host = value;

      if (host->shares->len > 0)
        continue;
      (*n_idle)++;
      if (stalest == NULL || get_expiry (host) < get_expiry (stalest))
        stalest = host;
    }

  return stalest;
}

/* Takes a share away from its host. A host that has refused nothing need not be remembered. */
static void
leave (DrayHostShare *share)
{
  DrayHostLimits *self = share->limits;
  Host *host = share->host;
  guint n_idle;

  host->n_open -= share->n_open;
  g_ptr_array_remove (host->shares, share);
  if (host->shares->len > 0)
    return;

  if (host->limit == DRAY_HOST_UNLIMITED && host->quiet_until == 0)
    {
      g_hash_table_remove (self->hosts, host->origin);
      return;
    }

  host = find_stalest (self, &n_idle);
  if (n_idle > IDLE_HOSTS_MAX)
    g_hash_table_remove (self->hosts, host->origin);
}

static void
join (DrayHostShare *share, const char *url)
{
  share->host = find_host (share->limits, url);
  share->host->n_open += share->n_open;
  g_ptr_array_add (share->host->shares, share);
}

/* Forgets what the time that has passed makes doubtful. */
static void
forget (Host *host, gint64 now)
{
  while (host->limit != DRAY_HOST_UNLIMITED && now >= host->grows_at)
    {
      host->limit++;
      host->grown = TRUE;
      host->grows_at += host->patience;
      if (host->limit > LIMIT_MAX)
        {
          host->limit = DRAY_HOST_UNLIMITED;
          host->patience = FIRST_PATIENCE;
        }
    }
}

/* How many shares still want more than @level connections, and how many connections those that want
 * no more leave to them. */
static guint
count_above (Host *host, guint level, guint *n_left)
{
  guint n_above = 0;

  *n_left = host->limit;
  for (guint i = 0; i < host->shares->len; i++)
    {
      const DrayHostShare *share = g_ptr_array_index (host->shares, i);

      if (share->n_wanted > level)
        n_above++;
      *n_left -= MIN (*n_left, MIN (share->n_wanted, level));
    }

  return n_above;
}

/* Each gets the same, but none more than it wants; what cannot be divided goes to those who came
 * first. */
static guint
divide (Host *host, const DrayHostShare *wanted)
{
  guint level = 0;
  guint n_left;
  guint n_above;

  while ((n_above = count_above (host, level, &n_left)) > 0 && n_left >= n_above)
    level++;

  for (guint i = 0; i < host->shares->len; i++)
    {
      const DrayHostShare *share = g_ptr_array_index (host->shares, i);
      gboolean one_more = share->n_wanted > level && n_left > 0;

      if (share == wanted)
        return MIN (share->n_wanted, level) + (one_more ? 1 : 0);
      if (one_more)
        n_left--;
    }

  g_assert_not_reached ();
}

/**
 * dray_host_limits_new:
 *
 * Returns: (transfer full): what is known of no host yet
 */
DrayHostLimits *
dray_host_limits_new (void)
{
  DrayHostLimits *self = g_new0 (DrayHostLimits, 1);

  self->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) host_free);
  return self;
}

/**
 * dray_host_limits_free:
 * @limits: (transfer full): limits of which no share is left
 */
void
dray_host_limits_free (DrayHostLimits *limits)
{
  g_hash_table_unref (limits->hosts);
  g_free (limits);
}

/**
 * dray_host_share_new:
 * @limits: the limits; must outlive the share
 * @url: what a transfer will ask for
 *
 * Returns: (transfer full): the transfer's share of what the host of @url takes; it wants as many
 *   connections as it can get and has none
 */
DrayHostShare *
dray_host_share_new (DrayHostLimits *limits, const char *url)
{
  DrayHostShare *share = g_new0 (DrayHostShare, 1);

  share->limits = limits;
  share->n_wanted = LIMIT_MAX;
  join (share, url);

  return share;
}

/**
 * dray_host_share_free:
 * @share: (transfer full): a share
 *
 * Leaves what it had to the others, its open connections included.
 */
void
dray_host_share_free (DrayHostShare *share)
{
  leave (share);
  g_free (share);
}

/**
 * dray_host_share_move:
 * @share: a share
 * @url: what the transfer asks for from now on, as after a redirect
 *
 * Counts the connections, those that are open too, at the host of @url.
 */
void
dray_host_share_move (DrayHostShare *share, const char *url)
{
  g_autofree char *origin = get_origin (url);

  if (g_str_equal (origin, share->host->origin))
    return;

  leave (share);
  join (share, url);
}

/**
 * dray_host_share_set_wanted:
 * @share: a share
 * @n_wanted: how many connections the transfer would have; 0 while it asks for nothing
 *
 * What it does not want, the others get.
 */
void
dray_host_share_set_wanted (DrayHostShare *share, guint n_wanted)
{
  share->n_wanted = MIN (n_wanted, LIMIT_MAX);
}

/**
 * dray_host_share_get_limit:
 * @share: a share
 * @now: the monotonic time
 *
 * A transfer that has more connections open than this lets some end: others wait for them.
 *
 * Returns: how many connections the transfer may have, 0 where others have come first to a host
 *   that takes fewer than there are transfers; %DRAY_HOST_UNLIMITED if the host has refused none
 */
guint
dray_host_share_get_limit (DrayHostShare *share, gint64 now)
{
  forget (share->host, now);

  return share->host->limit == DRAY_HOST_UNLIMITED ? DRAY_HOST_UNLIMITED
                                                   : divide (share->host, share);
}

/**
 * dray_host_share_get_wait:
 * @share: a share
 * @now: the monotonic time
 *
 * Returns: for how long the host wants to be asked for nothing more, by any transfer, in
 *   microseconds; 0 if it may be asked
 */
gint64
dray_host_share_get_wait (DrayHostShare *share, gint64 now)
{
  Host *host = share->host;

  if (host->quiet_until <= now)
    host->quiet_until = 0;

  return MAX (0, host->quiet_until - now);
}

/**
 * dray_host_share_may_open:
 * @share: a share
 * @now: the monotonic time
 *
 * Returns: whether the transfer may ask with one connection more: the host does not want to be left
 *   in peace, and neither the transfer's part nor the host's limit is used up
 */
gboolean
dray_host_share_may_open (DrayHostShare *share, gint64 now)
{
  return dray_host_share_get_wait (share, now) == 0
         && share->n_open < dray_host_share_get_limit (share, now)
         && share->host->n_open < share->host->limit;
}

/**
 * dray_host_share_open:
 * @share: a share
 *
 * Counts a connection that is about to ask.
 */
void
dray_host_share_open (DrayHostShare *share)
{
  share->n_open++;
  share->host->n_open++;
}

/**
 * dray_host_share_close:
 * @share: a share
 *
 * A connection that was counted has ended, and not by a refusal.
 */
void
dray_host_share_close (DrayHostShare *share)
{
  g_return_if_fail (share->n_open > 0);

  share->n_open--;
  share->host->n_open--;
}

/**
 * dray_host_share_refuse:
 * @share: a share
 * @now: the monotonic time
 * @server_wait: seconds that the host asks to wait; 0 or less where it does not say
 *
 * A connection that was counted has ended because the host refused it, with 429, 503 or 403, or
 * by not accepting it. While others of that host are open, it takes no more than those; a refusal
 * of the only one says nothing of how many.
 */
void
dray_host_share_refuse (DrayHostShare *share, gint64 now, gint64 server_wait)
{
  Host *host = share->host;

  dray_host_share_close (share);
  forget (host, now);

  if (server_wait > 0)
    host->quiet_until = MAX (host->quiet_until,
                             now + MIN (server_wait, LONGEST_SERVER_WAIT) * G_USEC_PER_SEC);
  if (host->n_open == 0)
    return;

  if (host->limit != DRAY_HOST_UNLIMITED && host->grown)
    host->patience = MIN (2 * host->patience, LONGEST_PATIENCE);
  host->grown = FALSE;
  host->limit = MIN (host->limit, MIN (host->n_open, LIMIT_MAX));
  host->grows_at = now + host->patience;
}
