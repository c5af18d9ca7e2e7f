/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The calls. What comes of them is in contract-rest.c. */

#include "tests/core/contract-oracle-private.h"

static void
link_free (OracleLink *link)
{
  g_free (link->path);
  g_free (link->model);
  g_free (link->known_as);
  g_free (link);
}

Oracle *
oracle_new (void)
{
  Oracle *oracle = g_new0 (Oracle, 1);

  oracle->links = g_ptr_array_new_with_free_func ((GDestroyNotify) link_free);
  oracle->requests = g_ptr_array_new_with_free_func (g_free);
  oracle->gone = g_ptr_array_new_with_free_func (g_free);
  oracle->max_transfers = G_MAXUINT;
  return oracle;
}

void
oracle_free (Oracle *oracle)
{
  g_ptr_array_unref (oracle->requests);
  g_ptr_array_unref (oracle->gone);
  g_ptr_array_unref (oracle->links);
  g_free (oracle);
}

OracleLink *
oracle_add_link (Oracle *oracle, const char *path, const char *model, gint64 size, gint64 gate)
{
  OracleLink *link = g_new0 (OracleLink, 1);

  link->path = g_strdup (path);
  link->model = g_strdup (model);
  link->size = size;
  link->gate = gate;
  link->deleted = TRUE;
  g_ptr_array_add (oracle->links, link);
  return link;
}

/* Forgets a link that no request is for. */
void
oracle_remove_link (Oracle *oracle, OracleLink *link)
{
  g_ptr_array_remove (oracle->links, link);
}

/* Whether a request for @link has one of @states, for certain or at least perhaps. */
gboolean
oracle_has_request (const Oracle *oracle, const OracleLink *link, guint states, gboolean sure)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->link == link && (request->states & states) != 0
          && (!sure || (request->states & ~states) == 0))
        return TRUE;
    }

  return FALSE;
}

/* Begins a burst: all that was under way has come to rest. */
void
oracle_begin (Oracle *oracle)
{
  for (guint i = 0; i < oracle->links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i);

      link->leads_to = NULL;
      link->unbroken = link->active;
      link->moves = link->may_complete = link->may_fail = FALSE;
      link->discarded = link->removed = link->looked_at = FALSE;
      link->first = link->low;
      link->from_start = link->may_be_empty;
      link->min_transfers = link->max_transfers = 0;
    }
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      request->ran = request->states == ORACLE_RUNNING;
      request->unsure = request->left = request->removed = FALSE;
    }
}

/* A transfer of the link may begin now. */
void
oracle_let_go (OracleLink *link)
{
  link->unbroken = FALSE;
  link->max_transfers++;
  link->may_fail |= link->refuses;
  link->moves = TRUE;
  link->may_complete |= link->gate == link->size && !link->refuses;
}

/* A request begins to run: it shares the transfer of its link, or takes its place in the queue. */
static void
start (Oracle *oracle, OracleRequest *request)
{
  OracleLink *link = request->link;

  if (!oracle->held && (link->complete || !link->active))
    oracle_let_go (link);
  request->position = ++oracle->last_position;
  request->start_now = FALSE;
  request->ran = TRUE;
  request->states |= ORACLE_RUNNING;
}

/* The same call by the same caller takes the place of what that caller paused, or saw fail. Where
 * the cancel has not reported yet, it may be too early for that. */
static void
replace_earlier (Oracle *oracle, const OracleLink *link, const OracleWish *wish)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->source != link || request->parent != NULL || request->caller != wish->caller
          || request->folder != wish->folder
          || (request->states & (ORACLE_PAUSED | ORACLE_FAILED)) == 0)
        continue;
      if (request->ran || request->link->complete)
        request->states |= ORACLE_GONE;
      else
        request->states = ORACLE_GONE;
    }
}

OracleRequest *
oracle_add_request (Oracle *oracle, OracleLink *link, const OracleWish *wish, OracleRequest *parent)
{
  OracleRequest *request = g_new0 (OracleRequest, 1);

  request->number = ++oracle->last_number;
  request->caller = wish->caller;
  request->folder = wish->folder;
  request->source = link;
  request->link = link != NULL ? oracle_resolve (link) : NULL;
  request->parent = parent;
  request->expects_other = wish->expects_other;
  request->expects_right = wish->expects_right;
  g_ptr_array_add (oracle->requests, request);
  if (link != NULL)
    {
      request->anew = request->link->complete;
      request->link->asked |= 1u << wish->folder;
      start (oracle, request);
    }
  return request;
}

OracleRequest *
oracle_download (Oracle *oracle, OracleLink *link, const OracleWish *wish)
{
  OracleRequest *request;

  replace_earlier (oracle, link, wish);
  request = oracle_add_request (oracle, link, wish, NULL);
  request->is_load = wish->is_load;
  return request;
}

/* A cancel that has not reported is taken back by this. */
void
oracle_resume (Oracle *oracle, OracleRequest *request)
{
  for (guint i = 0; request->link == NULL && i < oracle->requests->len; i++)
    if (oracle_is_child (g_ptr_array_index (oracle->requests, i), request))
      oracle_resume (oracle, g_ptr_array_index (oracle->requests, i));
  if (request->link == NULL || (request->states & (ORACLE_PAUSED | ORACLE_FAILED)) == 0)
    return;

  if (request->parent != NULL)
    request->parent->states = ORACLE_RUNNING;
  request->unsure |= request->ran;
  request->states &= ~(guint) (ORACLE_PAUSED | ORACLE_FAILED);
  start (oracle, request);
}

/* How a request may be that ran and is told to pause or to go. */
static void
stop (Oracle *oracle, OracleRequest *request, gboolean clear_cache)
{
  const OracleLink *link = request->link;
  guint states = clear_cache ? ORACLE_GONE : ORACLE_PAUSED;

  if (!oracle->held && (link->complete || (link->moves && link->may_complete)))
    states |= ORACLE_COMPLETED | (oracle_may_refuse (request) ? ORACLE_FAILED : 0);
  if (link->moves && link->may_fail && !clear_cache)
    states |= ORACLE_FAILED;
  request->states = (request->states & ~(guint) ORACLE_RUNNING) | states;
  request->left = oracle_has_request (oracle, link, ORACLE_RUNNING, FALSE);
}

/* Discards a request that does not run any more. */
static void
drop (Oracle *oracle, OracleRequest *request)
{
  OracleLink *link = request->link;

  if ((request->states & (ORACLE_WANTING | ORACLE_GONE)) == 0
      || (request->removed && request->states == ORACLE_GONE))
    return;

  request->states = (request->states & ORACLE_COMPLETED) | ORACLE_GONE;
  link->discarded = TRUE;
  link->removed = request->removed;
  link->from_start |= !oracle_has_request (oracle, link, ORACLE_WANTING, TRUE);
}

static OracleCount
cancel_one (Oracle *oracle, OracleRequest *request, gboolean clear_cache)
{
  OracleLink *link = request->link;
  OracleCount count = { 0, 0 };

  if ((request->states & ORACLE_RUNNING) != 0)
    {
      count.max = 1;
      count.min = request->states == ORACLE_RUNNING && !request->unsure ? 1 : 0;
      stop (oracle, request, clear_cache);
      if ((request->states & (ORACLE_COMPLETED | ORACLE_FAILED)) != 0)
        count.min = 0;
    }
  else if (clear_cache && (request->states & ORACLE_WANTING) != 0)
    {
      count.max = 1;
      count.min = (request->states & ~(guint) ORACLE_WANTING) == 0 && !request->ran ? 1 : 0;
    }
  else if (request->ran)
    {
      count.max = 1;
      request->left = TRUE;
    }

  if (clear_cache)
    drop (oracle, request);
  if (!oracle_has_request (oracle, link, ORACLE_RUNNING, TRUE))
    link->unbroken = link->active = FALSE;

  return count;
}

/* A cancel of a parent is one of its children, which are what is counted. */
OracleCount
oracle_cancel (Oracle *oracle, OracleRequest *request, gboolean clear_cache)
{
  OracleCount sum = { 0, 0 };

  if (request->link != NULL)
    return cancel_one (oracle, request, clear_cache);
  if (clear_cache)
    request->states |= ORACLE_GONE;

  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *child = g_ptr_array_index (oracle->requests, i);
      OracleCount count;

      if (!oracle_is_child (child, request))
        continue;
      count = cancel_one (oracle, child, clear_cache);
      sum.min += count.min;
      sum.max += count.max;
    }

  return sum;
}

static gboolean
is_on_model (const OracleLink *link, const char *model)
{
  return g_str_equal (link->model, model) || g_strcmp0 (link->known_as, model) == 0;
}

/* Pauses every request in flight on a model, or with NULL all. */
OracleCount
oracle_sweep (Oracle *oracle, const char *model)
{
  OracleCount sum = { 0, 0 };

  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);
      OracleCount count;

      if (request->link == NULL || (model != NULL && !is_on_model (request->source, model)))
        continue;
      count = cancel_one (oracle, request, FALSE);
      sum.min += count.min;
      sum.max += count.max;
    }

  return sum;
}

/* Of one that is removed, or may be, a discard that comes after may find nothing. */
static void
leave_by_removal (OracleRequest *request)
{
  request->removed = TRUE;
  request->link->removed |= request->link->discarded;
}

static OracleRemoval
remove_one (OracleRequest *request)
{
  if (request->states == ORACLE_RUNNING)
    return ORACLE_BUSY;
  leave_by_removal (request);
  if (request->ran)
    {
      request->states |= ORACLE_GONE;
      return ORACLE_REMOVED | ORACLE_BUSY;
    }

  request->states = ORACLE_GONE;
  return ORACLE_REMOVED;
}

/* A parent goes with its children, when none of them runs. */
OracleRemoval
oracle_remove (Oracle *oracle, OracleRequest *request)
{
  OracleRemoval removal = ORACLE_REMOVED;

  if (request->link != NULL)
    return remove_one (request);

  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (oracle->requests, i);

      if (oracle_is_child (child, request) && (child->states & ORACLE_RUNNING) != 0)
        return ORACLE_BUSY;
      if (oracle_is_child (child, request) && child->ran)
        removal |= ORACLE_BUSY;
    }
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *child = g_ptr_array_index (oracle->requests, i);

      if (oracle_is_child (child, request))
        leave_by_removal (child);
    }
  if (oracle->held || request->lost)
    removal |= ORACLE_BUSY;
  oracle_mark_children (oracle, request, ORACLE_GONE, removal == ORACLE_REMOVED);
  request->states |= ORACLE_GONE;

  return removal;
}

void
oracle_raise_gate (G_GNUC_UNUSED Oracle *oracle, OracleLink *link, gint64 gate)
{
  link->gate = gate;
  if (link->active)
    {
      link->moves = TRUE;
      link->may_complete |= gate == link->size;
    }
}

void
oracle_refuse (G_GNUC_UNUSED Oracle *oracle, OracleLink *link, gboolean refuses)
{
  link->refuses = refuses;
}

/* The server breaks off what it sends, and refuses from now on. */
void
oracle_cut (G_GNUC_UNUSED Oracle *oracle, OracleLink *link)
{
  link->refuses = TRUE;
  if (!link->active)
    return;

  link->unbroken = FALSE;
  link->may_fail = TRUE;
  link->moves = TRUE;
  link->max_transfers++;
}

/* No bytes move anywhere, and nobody settles. */
void
oracle_hold (Oracle *oracle)
{
  oracle->held = TRUE;
  for (guint i = 0; i < oracle->links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i);

      link->active = link->unbroken = FALSE;
    }
}

void
oracle_release (Oracle *oracle)
{
  oracle->held = FALSE;
}

/* Every request is paused as at a sweep. */
void
oracle_close (Oracle *oracle)
{
  oracle_sweep (oracle, NULL);
}

/* No transfer outlives the program. */
static void
stop_transfers (Oracle *oracle)
{
  for (guint i = 0; i < oracle->links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i);

      link->active = link->unbroken = FALSE;
    }
}

/* What becomes of a request that ran when the program ended, unless the next start finds its file
 * finished. */
static void
restart_request (const Oracle *oracle, OracleRequest *request)
{
  request->states = (oracle->resumes ? ORACLE_RUNNING : ORACLE_PAUSED)
                    | (request->link->complete ? ORACLE_COMPLETED : 0);
  request->unsure = TRUE;
  request->start_now = FALSE;
}

/* The program ends in order, at rest, and what ran runs again at the next start, in its order. */
void
oracle_restart (Oracle *oracle)
{
  g_assert (oracle->resumes);

  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->states == ORACLE_RUNNING && request->link != NULL)
        restart_request (oracle, request);
    }
  stop_transfers (oracle);
}

/* The program is killed at rest. Of what it had fetched the last second's bytes may be lost. */
void
oracle_kill (Oracle *oracle)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->states != ORACLE_RUNNING || request->link == NULL)
        continue;
      restart_request (oracle, request);
      if (request->link->active)
        request->link->low = request->link->first = 0;
    }
  stop_transfers (oracle);
}
