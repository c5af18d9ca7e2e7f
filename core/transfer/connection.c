/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/connection-private.h"

/* How often one answer may make us ask in another way before it counts as nonsense. */
#define ASKS_MAX 3

/* Asks, and asks again in the way that the judge says, until an answer is worth telling. */
static gboolean
ask (DrayConnection *self)
{
  DrayQuestion *question = &self->question;

  for (guint asks = 0; asks < ASKS_MAX; asks++)
    {
      DrayHttpQuery query = {
        .url = self->location->url,
        .token = self->location->token,
        .start = question->has_range ? question->start : -1,
        .end = question->end,
        .if_range
        = question->sent_if_range ? dray_validator_get_if_range (question->validator) : NULL,
      };

      g_clear_pointer (&self->answer, dray_http_answer_free);
      self->answer = dray_http_get (self->session, &query, self->cancellable, &self->error);
      if (self->answer == NULL)
        return FALSE;

      dray_response_judge (&self->answer->response, question, &self->verdict);
      switch (self->verdict.kind)
        {
        case DRAY_VERDICT_ASK_WITHOUT_CONDITION:
          question->sent_if_range = FALSE;
          break;

        case DRAY_VERDICT_ASK_WITHOUT_RANGE:
          if (self->part_only)
            return TRUE;
          question->has_range = FALSE;
          question->sent_if_range = FALSE;
          question->start = 0;
          question->end = DRAY_END_UNKNOWN;
          break;

        case DRAY_VERDICT_ASK_WITH_OVERLAP:
          question->start = MAX (0, question->wanted - DRAY_OVERLAP);
          break;

        case DRAY_VERDICT_TAKE:
        case DRAY_VERDICT_COMPLETE:
        case DRAY_VERDICT_STALE:
        case DRAY_VERDICT_CHANGED:
        case DRAY_VERDICT_FAILED:
        default:
          return TRUE;
        }
    }

  g_set_error_literal (&self->error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                       "The server's answers to requests for a part of the file make no sense");
  return FALSE;
}

static gboolean
wait_for_permission (DrayConnection *self)
{
  gboolean granted;

  dray_lock_acquire (&self->lock);
  while (self->permission == DRAY_PERMISSION_PENDING)
    dray_condition_wait (&self->wake, &self->lock);
  granted = self->permission == DRAY_PERMISSION_GRANTED;
  dray_lock_release (&self->lock);

  if (!granted)
    g_set_error_literal (&self->error, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled");
  return granted;
}

static void
answered_cb (gpointer data)
{
  DrayConnection *self = data;

  if (self->events != NULL)
    self->events->answered (self->user_data, &self->verdict, self->answer);
}

static void
fetch_job (gpointer data)
{
  DrayConnection *self = data;

  if (ask (self))
    {
      dray_worker_post_back (self->worker, answered_cb, self);
      if (self->verdict.kind == DRAY_VERDICT_TAKE && wait_for_permission (self))
        dray_connection_take_body (self);
    }
}

static void
fetched_cb (gpointer data)
{
  DrayConnection *self = data;
  g_autoptr (GError) error = g_steal_pointer (&self->error);

  g_clear_pointer (&self->answer, dray_http_answer_free);
  g_clear_pointer (&self->file, dray_partial_file_unref);
  self->busy = FALSE;
  if (self->events != NULL)
    self->events->ended (self->user_data, self->n_bytes, error);
}

/**
 * dray_connection_new:
 * @sessions: the manager's sessions
 * @limiter: how fast all of the transfer may read
 * @events: what to tell; must outlive the connection
 * @user_data: for @events
 *
 * Returns: (transfer full): an idle connection
 */
DrayConnection *
dray_connection_new (DraySessionPool *sessions,
                     DrayRateLimiter *limiter,
                     const DrayConnectionEvents *events,
                     gpointer user_data)
{
  DrayConnection *self = g_new0 (DrayConnection, 1);

  self->sessions = dray_session_pool_ref (sessions);
  self->session = dray_session_pool_take (sessions);
  self->limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);
  self->events = events;
  self->user_data = user_data;
  self->buffer = g_malloc (DRAY_CONNECTION_BUFFER_SIZE);
  dray_lock_init (&self->lock);
  dray_condition_init (&self->wake);
  self->worker = dray_worker_new ("connection");

  return self;
}

/**
 * dray_connection_free:
 * @connection: (transfer full): a connection
 *
 * Ends what it does and waits for its thread, which takes milliseconds. Nothing more is told.
 */
void
dray_connection_free (DrayConnection *connection)
{
  dray_connection_stop (connection);
  connection->events = NULL;
  dray_worker_free (connection->worker);

  dray_condition_clear (&connection->wake);
  dray_lock_clear (&connection->lock);
  g_clear_pointer (&connection->location, dray_location_free);
  dray_validator_clear (&connection->validator);
  g_clear_object (&connection->cancellable);
  dray_session_pool_give_back (connection->sessions, connection->session);
  dray_session_pool_unref (connection->sessions);
  dray_rate_limiter_unref (connection->limiter);
  g_free (connection->buffer);
  g_free (connection->disk_buffer);
  g_free (connection);
}

gboolean
dray_connection_is_busy (DrayConnection *connection)
{
  return connection->busy;
}

/**
 * dray_connection_start:
 * @connection: an idle connection
 * @fetch: what to fetch
 *
 * Sends the request.
 */
void
dray_connection_start (DrayConnection *connection, const DrayFetch *fetch)
{
  DrayQuestion *question = &connection->question;

  g_assert (!connection->busy);

  connection->busy = TRUE;
  connection->part_only = fetch->part_only;
  connection->repairs = fetch->repairs;
  connection->n_bytes = 0;
  g_clear_pointer (&connection->location, dray_location_free);
  connection->location = dray_location_new (fetch->location->url, fetch->location->token);
  dray_validator_copy (&connection->validator, fetch->validator);
  g_clear_object (&connection->cancellable);
  connection->cancellable = g_cancellable_new ();

  question->has_range = TRUE;
  question->start = fetch->compare_from;
  question->end = fetch->end;
  question->wanted = fetch->start;
  question->sent_if_range = fetch->use_if_range;
  question->total = fetch->total;
  question->validator = &connection->validator;
  question->holds_bytes = fetch->holds_bytes;
  question->digest_known = fetch->digest_known;
  question->expects_html = g_str_has_suffix (fetch->location->url, ".html")
                           || g_str_has_suffix (fetch->location->url, ".htm");

  dray_lock_acquire (&connection->lock);
  connection->permission = DRAY_PERMISSION_PENDING;
  connection->body_since = 0;
  connection->starved = 0;
  dray_lock_release (&connection->lock);

  dray_worker_push (connection->worker, fetch_job, fetched_cb, connection);
}

static void
decide (DrayConnection *self, DrayPermission permission)
{
  dray_lock_acquire (&self->lock);
  if (self->permission != DRAY_PERMISSION_REFUSED)
    self->permission = permission;
  dray_condition_broadcast (&self->wake);
  dray_lock_release (&self->lock);
}

/**
 * dray_connection_proceed:
 * @connection: a connection that has told an answer with the verdict TAKE
 * @map: the piece map that @claim is of; must outlive the fetch
 * @claim: what to write; it starts where the fetch was to start
 * @file: where the bytes go
 * @hasher: who wants to know of them; must outlive the fetch
 *
 * Lets the body through.
 */
void
dray_connection_proceed (DrayConnection *connection,
                         DrayPieceMap *map,
                         const DrayClaim *claim,
                         DrayPartialFile *file,
                         DrayHasher *hasher)
{
  g_assert (connection->busy);
  g_assert (claim->start == connection->question.wanted);

  connection->map = map;
  connection->claim = *claim;
  connection->file = dray_partial_file_ref (file);
  connection->hasher = hasher;
  decide (connection, DRAY_PERMISSION_GRANTED);
}

/**
 * dray_connection_stop:
 * @connection: a connection
 *
 * Ends a fetch within milliseconds; `ended` follows with %DRAY_ERROR_CANCELLED, or with whatever
 * came before it. Does nothing to an idle connection.
 */
void
dray_connection_stop (DrayConnection *connection)
{
  if (!connection->busy)
    return;

  decide (connection, DRAY_PERMISSION_REFUSED);
  g_cancellable_cancel (connection->cancellable);
}

/**
 * dray_connection_rate_changed:
 * @connection: a connection
 *
 * Lets the connection's thread measure anew how long it waits for the limiter.
 */
void
dray_connection_rate_changed (DrayConnection *connection)
{
  dray_lock_acquire (&connection->lock);
  connection->rate_changed = TRUE;
  dray_condition_broadcast (&connection->wake);
  dray_lock_release (&connection->lock);
}

/**
 * dray_connection_measure:
 * @connection: a connection
 * @moved: (out): for how long it has been taking a body since it was last asked, in microseconds
 * @starved: (out): for how much of that time no byte was there to be read
 *
 * Tells whether the network or this machine is what holds the bytes back.
 */
void
dray_connection_measure (DrayConnection *connection, gint64 *moved, gint64 *starved)
{
  gint64 now = g_get_monotonic_time ();

  *moved = *starved = 0;
  dray_lock_acquire (&connection->lock);
  if (connection->busy && connection->body_since != 0)
    {
      *moved = now - connection->body_since;
      *starved = connection->starved;
      connection->body_since = now;
      connection->starved = 0;
    }
  if (connection->read_since != 0)
    {
      *starved += now - connection->read_since;
      connection->read_since = now;
    }
  dray_lock_release (&connection->lock);
}
