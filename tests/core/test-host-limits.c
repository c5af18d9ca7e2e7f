/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/host-limits.h"

#define SECOND ((gint64) G_USEC_PER_SEC)
#define START (1000 * SECOND)
#define URL "https://a.example/m.gguf"

static void
open_some (DrayHostShare *share, guint n)
{
  for (guint i = 0; i < n; i++)
    dray_host_share_open (share);
}

static void
test_unknown (void)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autoptr (DrayHostShare) share = dray_host_share_new (limits, URL);

  for (guint i = 0; i < 1000; i++)
    {
      g_assert_cmpuint (dray_host_share_get_limit (share, START), ==, DRAY_HOST_UNLIMITED);
      g_assert_true (dray_host_share_may_open (share, START));
      dray_host_share_open (share);
    }
}

/* Which links are of one host. */
static void
test_hosts (void)
{
  static const struct
  {
    const char *url;
    gboolean same;
  } rows[] = {
    { "https://a.example/other", TRUE },   { "https://A.Example:443/", TRUE },
    { "HTTPS://a.example", TRUE },         { "https://user@a.example/?x", TRUE },
    { "http://a.example/m.gguf", FALSE },  { "https://a.example:8443/m.gguf", FALSE },
    { "https://b.example/m.gguf", FALSE }, { "https://a.example.b.example/m.gguf", FALSE },
    { "no link at all", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
      g_autoptr (DrayHostShare) share = dray_host_share_new (limits, URL);
      g_autoptr (DrayHostShare) other = dray_host_share_new (limits, rows[i].url);

      open_some (share, 1);
      dray_host_share_refuse (share, START, 10);
      g_assert_cmpint (dray_host_share_get_wait (other, START), ==, rows[i].same ? 10 * SECOND : 0);
    }
}

/* A refusal teaches how many others there were, and only if there were any. */
static void
test_refusals (void)
{
  static const struct
  {
    guint n_open;
    guint n_refused;
    guint limit;
  } rows[] = {
    { 1, 1, DRAY_HOST_UNLIMITED },
    { 2, 1, 1 },
    { 2, 2, 1 },
    { 16, 1, 15 },
    { 16, 12, 4 },
    { 16, 15, 1 },
    { 16, 16, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
      g_autoptr (DrayHostShare) share = dray_host_share_new (limits, URL);

      open_some (share, rows[i].n_open);
      for (guint j = 0; j < rows[i].n_refused; j++)
        dray_host_share_refuse (share, START, -1);

      g_assert_cmpuint (dray_host_share_get_limit (share, START), ==, rows[i].limit);
      g_assert_cmpint (dray_host_share_get_wait (share, START), ==, 0);
    }
}

/* The connections of another transfer are others, too. */
static void
test_refused_beside_another (void)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autoptr (DrayHostShare) first = dray_host_share_new (limits, URL);
  g_autoptr (DrayHostShare) second = dray_host_share_new (limits, URL);

  open_some (first, 3);
  open_some (second, 1);
  dray_host_share_refuse (second, START, -1);

  g_assert_cmpuint (dray_host_share_get_limit (first, START), ==, 2);
  g_assert_cmpuint (dray_host_share_get_limit (second, START), ==, 1);
  g_assert_false (dray_host_share_may_open (first, START));
  g_assert_false (dray_host_share_may_open (second, START));

  dray_host_share_close (first);
  g_assert_false (dray_host_share_may_open (first, START));
  g_assert_true (dray_host_share_may_open (second, START));
  dray_host_share_open (second);
  g_assert_false (dray_host_share_may_open (second, START));
}

/* Teaches a host's limit of @limit connections. */
static void
learn (DrayHostShare *share, guint limit, gint64 now)
{
  open_some (share, limit + 1);
  dray_host_share_refuse (share, now, -1);
  for (guint i = 0; i < limit; i++)
    dray_host_share_close (share);
}

#define SHARES 4

static void
test_division (void)
{
  static const struct
  {
    guint limit;
    guint wanted[SHARES];
    guint expected[SHARES];
  } rows[] = {
    { 16, { 16, 16, 16, 16 }, { 4, 4, 4, 4 } }, { 6, { 16, 16, 16, 16 }, { 2, 2, 1, 1 } },
    { 3, { 16, 16, 16, 16 }, { 1, 1, 1, 0 } },  { 1, { 16, 16, 16, 16 }, { 1, 0, 0, 0 } },
    { 1, { 0, 0, 16, 16 }, { 0, 0, 1, 0 } },    { 8, { 1, 16, 0, 16 }, { 1, 4, 0, 3 } },
    { 8, { 1, 1, 1, 16 }, { 1, 1, 1, 5 } },     { 8, { 1, 1, 1, 2 }, { 1, 1, 1, 2 } },
    { 9, { 16, 2, 16, 3 }, { 3, 2, 2, 2 } },    { 5, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
      DrayHostShare *shares[SHARES];

      for (guint j = 0; j < SHARES; j++)
        shares[j] = dray_host_share_new (limits, URL);
      learn (shares[0], rows[i].limit, START);
      for (guint j = 0; j < SHARES; j++)
        dray_host_share_set_wanted (shares[j], rows[i].wanted[j]);

      for (guint j = 0; j < SHARES; j++)
        {
          guint part = dray_host_share_get_limit (shares[j], START);

          g_assert_cmpuint (part, ==, rows[i].expected[j]);
        }
      for (guint j = 0; j < SHARES; j++)
        dray_host_share_free (shares[j]);
    }
}

static void
test_leaving (void)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autoptr (DrayHostShare) first = dray_host_share_new (limits, URL);
  g_autoptr (DrayHostShare) second = dray_host_share_new (limits, URL);

  learn (first, 1, START);
  open_some (first, 1);
  g_assert_cmpuint (dray_host_share_get_limit (second, START), ==, 0);
  g_clear_pointer (&first, dray_host_share_free);
  g_assert_cmpuint (dray_host_share_get_limit (second, START), ==, 1);
  g_assert_true (dray_host_share_may_open (second, START));

  /* What was learned stays when the last has left. */
  g_clear_pointer (&second, dray_host_share_free);
  second = dray_host_share_new (limits, URL);
  g_assert_cmpuint (dray_host_share_get_limit (second, START), ==, 1);
}

static void
test_moving (void)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autoptr (DrayHostShare) share = dray_host_share_new (limits, URL);
  g_autoptr (DrayHostShare) there = dray_host_share_new (limits, "https://b.example/");

  learn (there, 2, START);
  open_some (share, 1);
  open_some (there, 1);
  dray_host_share_move (share, "https://b.example/m.gguf");
  g_assert_cmpuint (dray_host_share_get_limit (share, START), ==, 1);
  g_assert_false (dray_host_share_may_open (there, START));
  dray_host_share_close (share);
  g_assert_true (dray_host_share_may_open (share, START));

  /* To where it is already: the order of those who came stays. */
  dray_host_share_close (there);
  learn (share, 1, START);
  dray_host_share_move (there, "https://b.example:443/other");
  g_assert_cmpuint (dray_host_share_get_limit (there, START), ==, 1);
  g_assert_cmpuint (dray_host_share_get_limit (share, START), ==, 0);
}

/* One connection more after 30 s; each time that this was too early, the next waits twice as long,
 * half an hour at most. */
static void
test_forgetting (void)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autoptr (DrayHostShare) share = dray_host_share_new (limits, URL);
  gint64 now = START;
  gint64 patience = 30;

  open_some (share, 5);
  dray_host_share_refuse (share, now, -1);

  for (guint i = 0; i < 10; i++)
    {
      now += patience * SECOND - 1;
      g_assert_cmpuint (dray_host_share_get_limit (share, now), ==, 4);
      now += 1;
      g_assert_cmpuint (dray_host_share_get_limit (share, now), ==, 5);
      g_assert_true (dray_host_share_may_open (share, now));
      dray_host_share_open (share);
      dray_host_share_refuse (share, now, -1);
      g_assert_cmpuint (dray_host_share_get_limit (share, now), ==, 4);
      patience = MIN (2 * patience, 30 * 60);
    }

  /* In the end nothing is left of it, and what is learned then is forgotten as fast as at first. */
  now += 61 * patience * SECOND;
  g_assert_cmpuint (dray_host_share_get_limit (share, now), ==, DRAY_HOST_UNLIMITED);
  dray_host_share_open (share);
  dray_host_share_refuse (share, now, -1);
  g_assert_cmpuint (dray_host_share_get_limit (share, now), ==, 4);
  g_assert_cmpuint (dray_host_share_get_limit (share, now + 30 * SECOND), ==, 5);
}

/* Many refusals at a time are one lesson. */
static void
test_one_lesson (void)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autoptr (DrayHostShare) share = dray_host_share_new (limits, URL);

  gint64 now = START;

  open_some (share, 16);
  for (guint i = 0; i < 12; i++)
    dray_host_share_refuse (share, now, -1);

  /* Two more turn out to be too many, without anybody having asked how many there may be. */
  now += 60 * SECOND;
  open_some (share, 3);
  for (guint i = 0; i < 3; i++)
    dray_host_share_refuse (share, now, -1);
  g_assert_cmpuint (dray_host_share_get_limit (share, now + 60 * SECOND - 1), ==, 4);
  g_assert_cmpuint (dray_host_share_get_limit (share, now + 60 * SECOND), ==, 5);
}

static void
test_quiet (void)
{
  static const struct
  {
    gint64 server_wait;
    gint64 expected;
  } rows[] = {
    { -1, 0 },
    { 0, 0 },
    { 1, 1 },
    { 87, 87 },
    { 3600, 3600 },
    { 86400, 3600 },
    { G_MAXINT64, 3600 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
      g_autoptr (DrayHostShare) refused = dray_host_share_new (limits, URL);
      g_autoptr (DrayHostShare) other = dray_host_share_new (limits, URL);
      gint64 end = START + rows[i].expected * SECOND;

      open_some (refused, 1);
      dray_host_share_refuse (refused, START, rows[i].server_wait);
      g_assert_cmpint (dray_host_share_get_wait (other, START), ==, end - START);
      g_assert_cmpint (dray_host_share_may_open (other, START), ==, end == START);
      g_assert_false (end > START && dray_host_share_may_open (other, end - 1));
      g_assert_true (dray_host_share_may_open (other, end));
      g_assert_cmpuint (dray_host_share_get_limit (other, end), ==, DRAY_HOST_UNLIMITED);
    }
}

/* A shorter wait does not end a longer one. */
static void
test_two_waits (void)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autoptr (DrayHostShare) share = dray_host_share_new (limits, URL);

  open_some (share, 2);
  dray_host_share_refuse (share, START, 60);
  dray_host_share_refuse (share, START + SECOND, 5);
  g_assert_cmpint (dray_host_share_get_wait (share, START + SECOND), ==, 59 * SECOND);

  /* It holds for whoever comes later, too. */
  g_clear_pointer (&share, dray_host_share_free);
  share = dray_host_share_new (limits, URL);
  g_assert_cmpint (dray_host_share_get_wait (share, START + SECOND), ==, 59 * SECOND);
}

/* Of thousands of hosts, the lessons of the latest are kept. */
static void
test_many_hosts (void)
{
  const guint n_hosts = 2000;
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  guint n_known = 0;

  for (guint i = 0; i < n_hosts; i++)
    {
      g_autofree char *url = g_strdup_printf ("https://h%u.example/", i);
      g_autoptr (DrayHostShare) share = dray_host_share_new (limits, url);

      learn (share, 2, START + i);
    }

  for (guint i = 0; i < n_hosts; i++)
    {
      g_autofree char *url = g_strdup_printf ("https://h%u.example/", i);
      g_autoptr (DrayHostShare) share = dray_host_share_new (limits, url);

      if (dray_host_share_get_limit (share, START + n_hosts) == 2)
        n_known++;
      else
        g_assert_cmpuint (i, <, n_hosts - 256);
    }
  g_assert_cmpuint (n_known, ==, 256);
}

typedef struct
{
  DrayHostShare *share;
  guint n_open;
  guint64 used;
} Guest;

/* Several transfers at a host that takes some number of connections, for ten simulated minutes: it
 * is soon asked for no more than that but rarely, all of them are used, and nobody starves. */
static void
play_host (GRand *random, guint capacity, guint n_guests)
{
  g_autoptr (DrayHostLimits) limits = dray_host_limits_new ();
  g_autofree Guest *guests = g_new0 (Guest, n_guests);
  guint n_open = 0;
  guint n_refused = 0;
  guint64 used = 0;
  const guint n_turns = 12000;
  const guint n_first = n_turns / 20;

  for (guint i = 0; i < n_guests; i++)
    guests[i].share = dray_host_share_new (limits, URL);

  for (guint turn = 0; turn < n_turns; turn++)
    {
      gint64 now = START + turn * SECOND / 20;
      Guest *guest = &guests[g_rand_int_range (random, 0, (gint32) n_guests)];
      guint limit = dray_host_share_get_limit (guest->share, now);

      while (guest->n_open > limit || (guest->n_open > 0 && g_rand_int_range (random, 0, 80) == 0))
        {
          dray_host_share_close (guest->share);
          guest->n_open--;
          n_open--;
        }
      while (guest->n_open < 16 && dray_host_share_may_open (guest->share, now))
        {
          dray_host_share_open (guest->share);
          if (n_open < capacity)
            {
              guest->n_open++;
              n_open++;
              continue;
            }
          dray_host_share_refuse (guest->share, now, -1);
          n_refused += turn >= n_first;
          break;
        }
      for (guint i = 0; i < n_guests && turn >= n_first; i++)
        {
          used += guests[i].n_open;
          guests[i].used += guests[i].n_open;
        }
    }

  g_assert_cmpuint (n_refused, <=, 6);
  g_assert_cmpuint (used, >,
                    (guint64) (n_turns - n_first) * MIN (capacity, 16 * n_guests) * 9 / 10);
  for (guint i = 0; i < n_guests; i++)
    {
      g_assert_cmpuint (guests[i].used, >=, i < capacity ? used / n_guests / 2 : 0);
      dray_host_share_free (guests[i].share);
    }
}

static void
test_play (void)
{
  static const guint capacities[] = { 1, 2, 3, 4, 6, 10, 16, 40 };
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint i = 0; i < G_N_ELEMENTS (capacities); i++)
    for (guint n_guests = 1; n_guests <= 4; n_guests++)
      play_host (random, capacities[i], n_guests);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/host-limits/unknown", test_unknown);
  g_test_add_func ("/host-limits/hosts", test_hosts);
  g_test_add_func ("/host-limits/refusals", test_refusals);
  g_test_add_func ("/host-limits/refused-beside-another", test_refused_beside_another);
  g_test_add_func ("/host-limits/division", test_division);
  g_test_add_func ("/host-limits/leaving", test_leaving);
  g_test_add_func ("/host-limits/moving", test_moving);
  g_test_add_func ("/host-limits/forgetting", test_forgetting);
  g_test_add_func ("/host-limits/one-lesson", test_one_lesson);
  g_test_add_func ("/host-limits/quiet", test_quiet);
  g_test_add_func ("/host-limits/two-waits", test_two_waits);
  g_test_add_func ("/host-limits/many-hosts", test_many_hosts);
  g_test_add_func ("/host-limits/play", test_play);

  return g_test_run ();
}
