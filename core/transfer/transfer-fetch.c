/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Asking the server: the address, the claim, the answer, and what to do when it breaks. */

#include "core/library/file-name.h"
#include "core/transfer/transfer-private.h"

/* An answer with fewer bytes that does not fill its claim is followed by a pause. */
#define STINGY_BYTES ((gint64) 64 * 1024)

static void
start_connection (DrayTransfer *self)
{
  gboolean has_condition = dray_validator_get_if_range (&self->validator) != NULL;
  gboolean tied = has_condition || self->expected_sha256 != NULL;
  gint64 written = dray_piece_map_get_written (self->map);
  DrayFetch fetch = {
    .location = self->location,
    .use_ranges = TRUE,
    .use_if_range = has_condition && !self->proving_length,
    .total = self->total,
    .validator = &self->validator,
    .holds_bytes = written > 0,
    .digest_known = self->expected_sha256 != NULL,
  };

  /* A claim can fail only when the map is complete, and then nothing is fetched. */
  if (!dray_piece_map_claim (self->map, 0, &self->claim))
    g_return_if_reached ();

  fetch.claim = self->claim;
  fetch.compare_from = tied || self->proving_length
                           ? self->claim.start
                           : MAX (0, self->claim.start - DRAY_OVERLAP);
  self->written_before = written;
  self->server_wait = -1;
  self->state = DRAY_TRANSFER_CONNECTING;
  dray_connection_start (self->connection, self->map, &fetch);
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);
  g_autoptr (GError) error = NULL;

  self->location = dray_resolver_resolve_finish (DRAY_RESOLVER (source), result, &error);
  self->location_redirected = FALSE;
  if (self->location == NULL)
    dray_transfer_fail (self, g_steal_pointer (&error));
  if (dray_transfer_end_job (self))
    start_connection (self);
}

/* Asks for the next bytes that are lacking. */
void
dray_transfer_fetch (DrayTransfer *self)
{
  if (self->location != NULL)
    {
      start_connection (self);
      return;
    }

  self->state = DRAY_TRANSFER_CONNECTING;
  dray_transfer_begin_job (self);
  dray_resolver_resolve_async (self->resolver, self->run_cancellable, resolved_cb,
                               g_object_ref (self));
}

/* Redirects are followed once per transfer: later requests go straight to where they led, without
 * the token, which was not meant for another origin. */
static void
keep_location (DrayTransfer *self, const char *url)
{
  if (g_str_equal (url, self->location->url))
    return;

  dray_location_free (self->location);
  self->location = dray_location_new (url, NULL);
  self->location_redirected = TRUE;
}

/* Adopts what the first answer says of the file, or refuses an answer that cannot be of it. */
static gboolean
learn (DrayTransfer *self, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  if (verdict->total != DRAY_SIZE_UNKNOWN && verdict->total != self->total)
    {
      if (!dray_piece_map_set_total (self->map, verdict->total))
        {
          dray_piece_map_release (self->map, self->claim.id);
          self->claim.id = DRAY_CLAIM_NONE;
          return FALSE;
        }
      self->total = verdict->total;
      self->length_proven = TRUE;
    }

  /* Where nothing ties the answer to the bytes at hand, what it says of its version is not said of
   * them: the comparison may yet fail, or never take place. */
  if (verdict->proven
      && (answer->response.validator.etag != NULL
          || answer->response.validator.last_modified != NULL))
    dray_validator_copy (&self->validator, &answer->response.validator);

  return TRUE;
}

static void
set_answer_error (DrayTransfer *self, DrayError code, const char *message)
{
  g_clear_error (&self->answer_error);
  self->answer_error = g_error_new_literal (DRAY_ERROR, code, message);
}

/* Whether the answer is of the file that lies finished in its place: then nothing is fetched. */
static gboolean
is_known (DrayTransfer *self, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  if (self->known.path == NULL || self->file != NULL || verdict->total != self->known.size)
    return FALSE;
  if (self->expected_sha256 != NULL)
    return g_str_equal (self->expected_sha256, self->known.sha256);

  return dray_validator_compare (&self->known.validator, &answer->response.validator)
         == DRAY_VALIDATORS_EQUAL;
}

/* Whether nothing but the digest will tell that this answer is of the file whose bytes are here. */
static gboolean
is_tied_by_digest (DrayTransfer *self, const DrayHttpAnswer *answer)
{
  return self->expected_sha256 != NULL && dray_piece_map_get_written (self->map) > 0
         && dray_validator_compare (&self->validator, &answer->response.validator)
                != DRAY_VALIDATORS_EQUAL;
}

static void
tell_resolver (DrayTransfer *self, const DrayHttpAnswer *answer)
{
  DrayServerFacts facts = {
    .url = answer->url,
    .total = self->total,
    .validator = &answer->response.validator,
    .sha256 = answer->response.sha256,
  };

  dray_resolver_answered (self->resolver, &facts);
}

static void
take_answer (DrayTransfer *self, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  g_autofree char *suggested = NULL;

  if (self->proving_length && !verdict->ranges
      && (verdict->total == DRAY_SIZE_UNKNOWN || verdict->total == self->written_before))
    {
      /* The server says no more of where the file ends; `ended` takes it as it is. */
      dray_connection_stop (self->connection);
      return;
    }

  if (is_known (self, verdict, answer))
    {
      self->is_known = TRUE;
      dray_connection_stop (self->connection);
      return;
    }

  self->proving_length = FALSE;
  keep_location (self, answer->url);
  self->digest_tied = self->digest_tied || is_tied_by_digest (self, answer);
  if (!learn (self, verdict, answer))
    {
      set_answer_error (self, DRAY_ERROR_CHANGED,
                        "The file on the server has another size than before");
      dray_connection_stop (self->connection);
      return;
    }

  tell_resolver (self, answer);
  if (g_cancellable_is_cancelled (g_task_get_cancellable (self->task)))
    return;

  self->state = DRAY_TRANSFER_DOWNLOADING;
  if (self->file != NULL)
    {
      dray_connection_proceed (self->connection, self->file, self->hasher);
      return;
    }

  if (answer->disposition != NULL)
    suggested = dray_file_name_from_disposition (answer->disposition);
  dray_transfer_create_partial (self, suggested, 1);
}

/* Whether a refusal says something of the moment and nothing of the file. */
static gboolean
is_passing (guint status)
{
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

/* Whether the answer to the question where the file ends tells nothing, and would not if it were
 * asked again; then the end of the body has to do. */
static gboolean
is_unprovable (DrayTransfer *self, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  return self->proving_length
         && (verdict->kind == DRAY_VERDICT_STALE
             || (verdict->kind == DRAY_VERDICT_FAILED && !is_passing (answer->response.status)));
}

static void
answered_cb (gpointer user_data, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);

  /* With an error already, the fetch was interrupted, and the connection is being stopped. */
  if (self->failure != NULL || self->answer_error != NULL
      || is_unprovable (self, verdict, answer))
    return;

  switch (verdict->kind)
    {
    case DRAY_VERDICT_TAKE:
      take_answer (self, verdict, answer);
      break;

    case DRAY_VERDICT_COMPLETE:
      self->proving_length = FALSE;
      learn (self, verdict, answer);
      break;

    case DRAY_VERDICT_STALE:
    case DRAY_VERDICT_CHANGED:
      set_answer_error (self, DRAY_ERROR_CHANGED,
                        "The file on the server has changed since it was begun");
      break;

    case DRAY_VERDICT_FAILED:
      self->server_wait = answer->response.retry_after;
      set_answer_error (self, verdict->error, verdict->reason);
      break;

    case DRAY_VERDICT_ASK_WITH_OVERLAP:
    case DRAY_VERDICT_ASK_WITHOUT_CONDITION:
    case DRAY_VERDICT_ASK_WITHOUT_RANGE:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
retry_cb (gpointer user_data)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);

  self->retry_source = 0;
  dray_transfer_step (self);
  return G_SOURCE_REMOVE;
}

static gboolean
is_refusal (DrayError code)
{
  return code == DRAY_ERROR_UNAUTHORIZED || code == DRAY_ERROR_FORBIDDEN
         || code == DRAY_ERROR_NOT_FOUND;
}

/* What broke the fetch: a signed link that has expired, something that passes, or the end. */
static void
recover (DrayTransfer *self, GError *error)
{
  gint64 delay;

  if (self->failure != NULL)
    {
      g_error_free (error);
      return;
    }

  if (error->domain == DRAY_ERROR && is_refusal ((DrayError) error->code)
      && self->location_redirected)
    {
      g_error_free (error);
      g_clear_pointer (&self->location, dray_location_free);
      dray_transfer_step (self);
      return;
    }

  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_CHANGED) && self->restart_changed
      && !self->restarted)
    {
      g_error_free (error);
      dray_transfer_start_over (self);
      return;
    }

  if (!dray_retry_next (&self->retry, (DrayError) error->code, self->server_wait,
                        g_random_double (), &delay))
    {
      dray_transfer_fail (self, error);
      return;
    }

  self->state = DRAY_TRANSFER_WAITING;
  self->wait_reason = (DrayError) error->code;
  self->wait_until = g_get_monotonic_time () + delay;
  self->retry_source = g_timeout_add ((guint) (delay / 1000), retry_cb, self);
  g_error_free (error);
}

/**
 * dray_transfer_interrupt:
 * @self: a transfer
 * @error: (transfer full): what is wrong with the bytes
 *
 * Ends the fetch under way, if there is one, and goes on as after any broken fetch.
 */
void
dray_transfer_interrupt (DrayTransfer *self, GError *error)
{
  if (self->failure != NULL || !dray_connection_is_busy (self->connection))
    {
      recover (self, error);
      return;
    }

  g_clear_error (&self->answer_error);
  self->answer_error = error;
  dray_connection_stop (self->connection);
}

/* A body of unknown length has ended by itself. Whether the file ends there too, only another
 * request tells: 416 if it does, more bytes if the connection was cut (libsoup 3.2 reports a
 * chunked body that is cut between two chunks as a clean end). */
static void
prove_length (DrayTransfer *self)
{
  if (!self->proving_length)
    {
      self->proving_length = TRUE;
      return;
    }

  self->proving_length = FALSE;
  self->total = dray_piece_map_get_written (self->map);
  dray_piece_map_set_total (self->map, self->total);
}

/* Whether the server kept to its word and yet sent next to nothing: asking on at once would be a
 * storm of requests. */
static gboolean
is_stingy (DrayTransfer *self)
{
  return !self->is_known && !dray_piece_map_is_complete (self->map)
         && dray_piece_map_get_written (self->map) - self->written_before < STINGY_BYTES;
}

static void
ended_cb (gpointer user_data, const GError *error)
{
  DrayTransfer *self = DRAY_TRANSFER (user_data);
  G_GNUC_UNUSED g_autoptr (DrayTransfer) alive = g_object_ref (self);
  GError *answer_error = g_steal_pointer (&self->answer_error);
  gboolean advanced = dray_piece_map_get_written (self->map) > self->written_before;

  if (self->claim.id != DRAY_CLAIM_NONE)
    dray_piece_map_release (self->map, self->claim.id);
  self->claim.id = DRAY_CLAIM_NONE;
  if (advanced)
    {
      self->fetched = TRUE;
      dray_retry_note_progress (&self->retry);
    }

  if (self->failure != NULL)
    g_clear_error (&answer_error);
  else if (answer_error != NULL)
    recover (self, answer_error);
  else if (error != NULL && !self->is_known
           && !(self->proving_length && dray_error_is_cancelled (error)))
    recover (self, g_error_copy (error));
  else if (!self->is_known && self->total == DRAY_SIZE_UNKNOWN)
    prove_length (self);
  else if (is_stingy (self))
    recover (self, g_error_new_literal (DRAY_ERROR, DRAY_ERROR_TOO_SHORT,
                                        "The server sends the file in crumbs"));

  dray_transfer_step (self);
}

const DrayConnectionEvents dray_transfer_connection_events = {
  .answered = answered_cb,
  .ended = ended_cb,
};
