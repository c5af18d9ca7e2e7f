/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/contract-oracle.h"

#define WANTING (ORACLE_RUNNING | ORACLE_PAUSED | ORACLE_FAILED)

static void
link_free (OracleLink *link)
{
  g_free (link->path);
  g_free (link);
}

Oracle *
oracle_new (void)
{
  Oracle *oracle = g_new0 (Oracle, 1);

  oracle->links = g_ptr_array_new_with_free_func ((GDestroyNotify) link_free);
  oracle->requests = g_ptr_array_new_with_free_func (g_free);
  return oracle;
}

void
oracle_free (Oracle *oracle)
{
  g_ptr_array_unref (oracle->requests);
  g_ptr_array_unref (oracle->links);
  g_free (oracle);
}

OracleLink *
oracle_add_link (Oracle *oracle, const char *path, gint64 size, gint64 gate)
{
  OracleLink *link = g_new0 (OracleLink, 1);

  link->path = g_strdup (path);
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
static gboolean
has_request (const Oracle *oracle, const OracleLink *link, guint states, gboolean sure)
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

      link->unbroken = oracle_has_transfer (oracle, link);
      link->moves = link->may_complete = link->may_fail = FALSE;
      link->discarded = link->removed = FALSE;
      link->first = link->low;
      link->from_start = link->may_be_empty;
      link->min_transfers = link->max_transfers = 0;
    }
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      request->ran = request->states == ORACLE_RUNNING;
      request->unsure = request->left = FALSE;
    }
}

/* What the transfer may do from now on. */
static void
let_go (OracleLink *link)
{
  link->moves = TRUE;
  link->may_complete |= link->gate == link->size && !link->refuses;
}

/* A request begins to run: it joins the transfer of its link, or a transfer begins. */
static void
start (Oracle *oracle, OracleRequest *request)
{
  OracleLink *link = request->link;

  if (link->complete || !has_request (oracle, link, ORACLE_RUNNING, TRUE))
    {
      link->unbroken = FALSE;
      link->max_transfers++;
      link->may_fail |= link->refuses;
      let_go (link);
    }
  request->ran = TRUE;
}

/* The same call by the same caller takes the place of what that caller paused, or saw fail. Where
 * the cancel has not reported yet, it may be too early for that. */
static void
replace_earlier (Oracle *oracle, OracleLink *link, guint caller)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->link != link || request->caller != caller
          || (request->states & (ORACLE_PAUSED | ORACLE_FAILED)) == 0)
        continue;
      if (request->ran || link->complete)
        request->states |= ORACLE_GONE;
      else
        request->states = ORACLE_GONE;
    }
}

OracleRequest *
oracle_download (Oracle *oracle, OracleLink *link, guint caller)
{
  OracleRequest *request = g_new0 (OracleRequest, 1);

  replace_earlier (oracle, link, caller);
  request->number = ++oracle->last_number;
  request->caller = caller;
  request->link = link;
  start (oracle, request);
  request->states = ORACLE_RUNNING;
  g_ptr_array_add (oracle->requests, request);
  return request;
}

/* Where the cancel that paused it has not reported yet, either call may have the last word. */
void
oracle_resume (Oracle *oracle, OracleRequest *request)
{
  if ((request->states & (ORACLE_PAUSED | ORACLE_FAILED)) == 0)
    return;

  if (request->ran)
    {
      start (oracle, request);
      request->states |= ORACLE_RUNNING;
      request->unsure = TRUE;
    }
  else
    {
      start (oracle, request);
      request->states = ORACLE_RUNNING;
    }
}

/* How a request may be that ran and is told to pause or to go. */
static void
stop (Oracle *oracle, OracleRequest *request, gboolean clear_cache)
{
  const OracleLink *link = request->link;
  guint states = clear_cache ? ORACLE_GONE : ORACLE_PAUSED;

  if (link->complete || (link->moves && link->may_complete))
    states |= ORACLE_COMPLETED;
  if (link->moves && link->may_fail && !clear_cache)
    states |= ORACLE_FAILED;
  request->states = (request->states & ~(guint) ORACLE_RUNNING) | states;
  request->left = has_request (oracle, link, ORACLE_RUNNING, FALSE);
}

OracleCount
oracle_cancel (Oracle *oracle, OracleRequest *request, gboolean clear_cache)
{
  OracleLink *link = request->link;
  OracleCount count = { 0, 0 };

  if ((request->states & ORACLE_RUNNING) != 0)
    {
      count.max = 1;
      count.min = request->states == ORACLE_RUNNING ? 1 : 0;
      stop (oracle, request, clear_cache);
      if ((request->states & (ORACLE_COMPLETED | ORACLE_FAILED)) != 0)
        count.min = 0;
    }
  else if (clear_cache && (request->states & WANTING) != 0)
    {
      count.max = 1;
      count.min = (request->states & ~(guint) WANTING) == 0 ? 1 : 0;
    }
  else if (request->ran)
    {
      count.max = 1;
      request->left = TRUE;
    }

  if (clear_cache && (request->states & (WANTING | ORACLE_GONE)) != 0)
    {
      request->states = (request->states & ORACLE_COMPLETED) | ORACLE_GONE;
      link->discarded = TRUE;
      link->removed = FALSE;
      link->from_start |= !has_request (oracle, link, WANTING, TRUE);
    }
  link->unbroken &= has_request (oracle, link, ORACLE_RUNNING, TRUE);

  return count;
}

static void
add_count (OracleCount *sum, OracleCount count)
{
  sum->min += count.min;
  sum->max += count.max;
}

/* Pauses every request in flight for a link, or with NULL all. */
static OracleCount
pause_all (Oracle *oracle, const OracleLink *link)
{
  OracleCount sum = { 0, 0 };

  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (link == NULL || request->link == link)
        add_count (&sum, oracle_cancel (oracle, request, FALSE));
    }

  return sum;
}

OracleCount
oracle_sweep (Oracle *oracle, OracleLink *link)
{
  return pause_all (oracle, link);
}

OracleRemoval
oracle_remove (G_GNUC_UNUSED Oracle *oracle, OracleRequest *request)
{
  request->link->removed |= request->link->discarded;
  if (request->states == ORACLE_RUNNING && !request->link->complete)
    return ORACLE_BUSY;
  if (request->ran)
    {
      request->states |= ORACLE_GONE;
      return ORACLE_REMOVED | ORACLE_BUSY;
    }

  request->states = ORACLE_GONE;
  return ORACLE_REMOVED;
}

void
oracle_raise_gate (Oracle *oracle, OracleLink *link, gint64 gate)
{
  link->gate = gate;
  if (oracle_has_transfer (oracle, link))
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
oracle_cut (Oracle *oracle, OracleLink *link)
{
  link->refuses = TRUE;
  if (!oracle_has_transfer (oracle, link))
    return;

  link->unbroken = FALSE;
  link->may_fail = TRUE;
  link->moves = TRUE;
  link->max_transfers++;
}

/* Every request is paused as at a sweep. */
void
oracle_close (Oracle *oracle)
{
  pause_all (oracle, NULL);
}

/* The program is killed at rest: what ran is shown paused at the next start, and of what it had
 * fetched the last second's bytes may be lost. */
void
oracle_kill (Oracle *oracle)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->states != ORACLE_RUNNING)
        continue;
      request->states = ORACLE_PAUSED;
      request->link->low = 0;
    }
}

/* How the requests of a link are that still run when all has come to rest. */
static guint
get_rest_states (const OracleLink *link)
{
  if (link->complete)
    return ORACLE_COMPLETED | (link->may_fail ? ORACLE_FAILED : 0);
  if (!link->unbroken && link->may_fail)
    return ORACLE_FAILED | (link->may_complete ? ORACLE_COMPLETED : 0);

  return link->gate == link->size ? ORACLE_COMPLETED : ORACLE_RUNNING;
}

static void
rest_link (Oracle *oracle, OracleLink *link)
{
  gboolean sure = has_request (oracle, link, ORACLE_RUNNING, TRUE);
  guint states = get_rest_states (link);

  if (link->moves && !link->complete)
    link->high = link->gate;
  if (sure && !link->unbroken && link->max_transfers > 0 && !link->complete && !link->may_complete)
    link->min_transfers = 1;
  if (sure && states == ORACLE_RUNNING)
    {
      link->low = link->high = link->gate;
      link->from_start |= link->may_be_empty;
      link->may_be_empty = FALSE;
    }
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->link == link && (request->states & ORACLE_RUNNING) != 0)
        request->states = (request->states & ~(guint) ORACLE_RUNNING) | states;
    }
}

/* Ends a burst: says in the requests' states what is allowed once nothing moves any more. */
void
oracle_rest (Oracle *oracle)
{
  for (guint i = 0; i < oracle->links->len; i++)
    rest_link (oracle, g_ptr_array_index (oracle->links, i));
}

/* What was seen, of what is allowed, is how it is. */
void
oracle_adopt (G_GNUC_UNUSED Oracle *oracle, OracleRequest *request, OracleState state)
{
  OracleLink *link = request->link;

  g_assert ((request->states & state) != 0);
  request->states = state;
  if (state == ORACLE_COMPLETED)
    {
      link->complete = link->deleted = TRUE;
      link->low = link->high = link->size;
      link->may_be_empty = FALSE;
    }
}

/* The bytes go when nobody wants them and the last to leave discarded. */
static void
conclude_link (Oracle *oracle, OracleLink *link)
{
  if (link->complete)
    return;

  if (has_request (oracle, link, WANTING, FALSE))
    {
      link->deleted &= !link->moves;
      link->may_be_empty |= link->from_start && !oracle_has_transfer (oracle, link);
    }
  else if (link->removed)
    {
      link->deleted = FALSE;
      link->may_be_empty = TRUE;
    }
  else if (link->discarded)
    {
      link->deleted = TRUE;
      link->may_be_empty = FALSE;
      link->low = link->high = 0;
    }
  else
    link->deleted &= !link->moves;
}

/* Once every request's state is adopted: what became of the bytes. */
void
oracle_conclude (Oracle *oracle)
{
  for (guint i = 0; i < oracle->links->len; i++)
    conclude_link (oracle, g_ptr_array_index (oracle->links, i));
  for (guint i = oracle->requests->len; i > 0; i--)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i - 1);

      if (request->states == ORACLE_GONE)
        g_ptr_array_remove_index (oracle->requests, i - 1);
    }
}

gboolean
oracle_has_transfer (const Oracle *oracle, const OracleLink *link)
{
  return !link->complete && has_request (oracle, link, ORACLE_RUNNING, TRUE);
}

/* At rest. */
guint
oracle_count_transfers (const Oracle *oracle)
{
  guint n_transfers = 0;

  for (guint i = 0; i < oracle->links->len; i++)
    n_transfers += oracle_has_transfer (oracle, g_ptr_array_index (oracle->links, i)) ? 1 : 0;

  return n_transfers;
}
