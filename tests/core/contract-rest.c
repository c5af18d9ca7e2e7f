/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What comes of a burst of calls when nothing moves any more. */

#include "tests/core/contract-oracle-private.h"

/* Whether a request fails although the file is complete: the bytes are not what its caller expects,
 * or they cannot be loaded. */
gboolean
oracle_may_refuse (const OracleRequest *request)
{
  return request->expects_other || (request->is_load && !request->link->is_model);
}

/* Whether the bytes are right in the eyes of anybody who points to them. */
static gboolean
is_accepted (const Oracle *oracle, const OracleLink *link, gboolean sure)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->link == link && !request->expects_other
          && (request->states & ORACLE_WANTING) != 0
          && (!sure || (request->states & ORACLE_GONE) == 0))
        return TRUE;
    }

  return FALSE;
}

/* Whether the last byte is here, perhaps, or may have come in this burst. */
static gboolean
may_be_whole (const OracleLink *link)
{
  return link->may_complete || link->high == link->size;
}

/* How the requests of a link are whose transfer, begun in this burst or before, has come as far as
 * it can. */
static guint
get_end_states (const Oracle *oracle, OracleLink *link)
{
  if (link->complete)
    return ORACLE_COMPLETED | (link->may_fail ? ORACLE_FAILED : 0);
  if (!link->unbroken && link->may_fail)
    return ORACLE_FAILED | (may_be_whole (link) ? ORACLE_COMPLETED : 0);
  if (link->gate < link->size)
    return ORACLE_RUNNING;
  if (is_accepted (oracle, link, TRUE))
    return ORACLE_COMPLETED;

  /* Nobody wants these bytes: they are known to be wrong. */
  link->may_be_empty = TRUE;
  link->low = 0;
  return ORACLE_FAILED | (is_accepted (oracle, link, FALSE) ? ORACLE_COMPLETED : 0);
}

static void
end_request (OracleRequest *request, guint states)
{
  if ((states & ORACLE_COMPLETED) != 0 && oracle_may_refuse (request))
    states = (states & ~(guint) ORACLE_COMPLETED) | ORACLE_FAILED;
  request->states = (request->states & ~(guint) ORACLE_RUNNING) | states;
}

static void
end_requests (Oracle *oracle, const OracleLink *link, guint states)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->link == link && (request->states & ORACLE_RUNNING) != 0)
        end_request (request, states);
    }
}

/* A transfer of the link runs, and comes as far as the server lets it. */
static void
run_to_end (Oracle *oracle, OracleLink *link)
{
  guint states;

  if (link->moves)
    link->high = MAX (link->high, link->gate);
  if (!link->unbroken && link->max_transfers > 0 && !may_be_whole (link))
    link->min_transfers = 1;
  states = get_end_states (oracle, link);
  link->active = states == ORACLE_RUNNING;
  if (link->active)
    {
      link->low = link->high = link->gate;
      link->from_start |= link->may_be_empty;
      link->may_be_empty = FALSE;
    }
  end_requests (oracle, link, states);
}

static gint
compare_positions (gconstpointer a, gconstpointer b)
{
  const OracleRequest *first = *(const OracleRequest *const *) a;
  const OracleRequest *second = *(const OracleRequest *const *) b;

  return first->position < second->position ? -1 : first->position > second->position;
}

static gboolean
is_in_line (const OracleRequest *request)
{
  return request->link != NULL && (request->states & ORACLE_RUNNING) != 0
         && (!request->link->active || request->anew);
}

gboolean
oracle_is_queued (const Oracle *oracle, const OracleRequest *request)
{
  return request->link != NULL && request->states == ORACLE_RUNNING && !oracle->held
         && (!request->link->active || request->anew);
}

/* Those who wait for their turn, in the person's order. */
GPtrArray *
oracle_get_queue (const Oracle *oracle)
{
  GPtrArray *queue = g_ptr_array_new ();

  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (is_in_line (request))
        g_ptr_array_add (queue, request);
    }
  g_ptr_array_sort (queue, compare_positions);

  return queue;
}

/* Puts a request that waits into another place among those that do. */
void
oracle_move (Oracle *oracle, OracleRequest *request, guint place)
{
  g_autoptr (GPtrArray) queue = oracle_get_queue (oracle);
  g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < queue->len; i++)
    g_array_append_val (positions, ((OracleRequest *) g_ptr_array_index (queue, i))->position);
  g_ptr_array_remove (queue, request);
  g_ptr_array_insert (queue, (gint) MIN (place, queue->len), request);
  for (guint i = 0; i < queue->len; i++)
    ((OracleRequest *) g_ptr_array_index (queue, i))->position =
        g_array_index (positions, gint64, i);
}

void
oracle_start_now (G_GNUC_UNUSED Oracle *oracle, OracleRequest *request)
{
  request->start_now = TRUE;
}

/* Returns whether the request took a place among the transfers, however short. */
static gboolean
run_request (Oracle *oracle, OracleRequest *request, gboolean free)
{
  OracleLink *link = request->link;

  if (link->complete && !request->anew)
    {
      end_request (request, ORACLE_COMPLETED);
      return FALSE;
    }
  if (!free && !request->start_now)
    {
      if (link->high == link->size)
        {
          end_request (request, ORACLE_COMPLETED);
          request->states |= ORACLE_RUNNING;
        }
      return FALSE;
    }

  if (link->max_transfers == 0 || link->unbroken)
    oracle_let_go (link);
  if (link->complete)
    {
      link->looked_at = TRUE;
      end_request (request, get_end_states (oracle, link));
    }
  else
    run_to_end (oracle, link);
  return TRUE;
}

/* Lets those begin whose turn it is. Returns whether one that began has ended since, which makes
 * room for the next. */
static gboolean
run_round (Oracle *oracle, GPtrArray *queue)
{
  guint n_transfers = oracle_count_transfers (oracle);
  guint n_running = n_transfers;

  for (guint i = 0; i < queue->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (queue, i);

      if (is_in_line (request) && run_request (oracle, request, n_running < oracle->max_transfers))
        n_running++;
    }

  return n_running > oracle_count_transfers (oracle);
}

/* Whose turn it is, a transfer is begun for. Who asks for a finished file may have been told already
 * that it is still the same. */
static void
run_queue (Oracle *oracle)
{
  g_autoptr (GPtrArray) queue = oracle_get_queue (oracle);

  while (run_round (oracle, queue))
    ;
  for (guint i = 0; i < queue->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (queue, i);

      if (is_in_line (request) && request->anew && request->link->complete)
        {
          end_request (request, ORACLE_COMPLETED);
          request->states |= ORACLE_RUNNING | (request->link->refuses ? ORACLE_FAILED : 0);
        }
    }
}

/* Ends a burst: says in the requests' states what is allowed once nothing moves any more. */
void
oracle_rest (Oracle *oracle)
{
  for (guint i = 0; i < oracle->links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i);

      if (link->active)
        run_to_end (oracle, link);
      else if (link->moves && !link->complete)
        link->high = MAX (link->high, link->gate);
    }
  if (!oracle->held)
    run_queue (oracle);
}

/* The file is finished: nothing of it is partial any more. */
void
oracle_complete (OracleLink *link)
{
  link->complete = link->deleted = TRUE;
  link->active = FALSE;
  link->low = link->high = link->size;
  link->may_be_empty = FALSE;
}

/* What was seen, of what is allowed, is how it is. */
void
oracle_adopt (G_GNUC_UNUSED Oracle *oracle, OracleRequest *request, OracleState state)
{
  OracleLink *link = request->link;

  g_assert ((request->states & state) != 0);
  request->states = state;
  if (state != ORACLE_COMPLETED || link == NULL)
    return;

  oracle_complete (link);
  link->placed |= 1u << request->folder;
}

/* The bytes go when nobody wants them and the last to leave discarded. */
static void
conclude_link (Oracle *oracle, OracleLink *link)
{
  if (link->complete)
    return;

  if (oracle_has_request (oracle, link, ORACLE_WANTING, FALSE))
    {
      link->deleted &= !link->moves;
      link->may_be_empty |= link->from_start && !link->active;
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
        g_ptr_array_add (oracle->gone, g_ptr_array_steal_index (oracle->requests, i - 1));
    }
}

/* At rest. */
guint
oracle_count_transfers (const Oracle *oracle)
{
  guint n_transfers = 0;

  for (guint i = 0; i < oracle->links->len; i++)
    n_transfers += ((OracleLink *) g_ptr_array_index (oracle->links, i))->active ? 1 : 0;

  return n_transfers;
}
