/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the server said: which file it is, and whether a lane may have its bytes. */

#include "core/base/download-key.h"
#include "core/library/file-name.h"
#include "core/transfer/transfer-private.h"

/* Redirects are followed once per transfer: later requests go straight to where they led, without
 * the token, which was not meant for another origin. An address that is being asked for anew is not
 * replaced by the old one. */
static void
keep_location (DrayTransfer *self, const char *url)
{
  if (self->location == NULL || g_str_equal (url, self->location->url))
    return;

  dray_transfer_set_location (self, dray_location_new (url, NULL), TRUE);
}

/* Adopts what the leading lane's answer says of the file, or refuses an answer that cannot be of
 * it. */
static gboolean
learn (DrayTransfer *self, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  if (verdict->total != DRAY_SIZE_UNKNOWN && verdict->total != self->total)
    {
      if (!dray_piece_map_set_total (self->map, verdict->total))
        return FALSE;
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
set_error (DrayTransferLane *lane, DrayError code, const char *message)
{
  g_clear_error (&lane->error);
  lane->error = g_error_new_literal (DRAY_ERROR, code, message);
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
  return self->expected_sha256 != NULL
         && dray_validator_compare (&self->validator, &answer->response.validator)
                != DRAY_VALIDATORS_EQUAL;
}

/* Whether the answers of several connections can be known to be parts of one file. */
static gboolean
can_be_parallel (DrayTransfer *self, const DrayVerdict *verdict)
{
  return verdict->ranges && self->total != DRAY_SIZE_UNKNOWN
         && (self->expected_sha256 != NULL
             || dray_validator_compare (&self->validator, &self->validator)
                    == DRAY_VALIDATORS_EQUAL);
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
take_leading (DrayTransfer *self,
              DrayTransferLane *lane,
              const DrayVerdict *verdict,
              const DrayHttpAnswer *answer)
{
  g_autofree char *suggested = NULL;

  if (self->proving_length && !verdict->ranges
      && (verdict->total == DRAY_SIZE_UNKNOWN || verdict->total == lane->start))
    {
      /* The server says no more of where the file ends; what follows takes it as it is. */
      lane->has_ended = TRUE;
      dray_transfer_drop_lane (lane);
      return;
    }

  if (is_known (self, verdict, answer))
    {
      self->is_known = TRUE;
      dray_transfer_drop_lane (lane);
      return;
    }

  self->proving_length = FALSE;
  keep_location (self, answer->url);
  if (dray_piece_map_get_written (self->map) > 0 && is_tied_by_digest (self, answer))
    self->digest_tied = TRUE;
  if (!learn (self, verdict, answer) || !dray_transfer_admit (self, lane))
    {
      set_error (lane, DRAY_ERROR_CHANGED, "The file on the server has another size than before");
      dray_connection_stop (lane->connection);
      return;
    }

  tell_resolver (self, answer);
  if (g_cancellable_is_cancelled (g_task_get_cancellable (self->task)))
    return;

  dray_transfer_set_parallel (self, can_be_parallel (self, verdict));
  if (self->file != NULL)
    {
      dray_transfer_let_through (self, lane);
      return;
    }

  if (answer->disposition != NULL)
    suggested = dray_file_name_from_disposition (answer->disposition);
  self->lane_waiting = lane;
  dray_transfer_create_partial (self, suggested, 1);
}

static void
take_following (DrayTransfer *self,
                DrayTransferLane *lane,
                const DrayVerdict *verdict,
                const DrayHttpAnswer *answer)
{
  if (!verdict->ranges || !verdict->proven)
    {
      dray_transfer_set_parallel (self, FALSE);
      dray_transfer_drop_lane (lane);
      return;
    }

  if (self->file == NULL || !dray_transfer_admit (self, lane))
    {
      dray_transfer_drop_lane (lane);
      return;
    }

  keep_location (self, answer->url);
  if (is_tied_by_digest (self, answer))
    self->digest_tied = TRUE;
  dray_transfer_let_through (self, lane);
}

/* Whether a refusal says something of the moment and nothing of the file. */
static gboolean
is_passing (guint status)
{
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

/* Notes why the lane gets nothing. A person who must accept a licence is told where: the repository of
 * a hub's link to a file is what stands before "resolve". */
static void
note_refusal (DrayTransferLane *lane, const DrayVerdict *verdict, const DrayHttpAnswer *answer)
{
  g_autofree char *url = dray_url_redact (answer->url);
  const char *end = verdict->error == DRAY_ERROR_GATED ? strstr (url, "/resolve/") : NULL;
  g_autofree char *message = NULL;

  lane->status = answer->response.status;
  lane->server_wait = answer->response.retry_after;
  if (end != NULL)
    message = g_strdup_printf ("%s: %.*s", verdict->reason, (int) (end - url), url);
  set_error (lane, verdict->error, message != NULL ? message : verdict->reason);
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

/**
 * dray_transfer_answered:
 * @self: a transfer
 * @lane: one of its lanes
 * @verdict: what the judge makes of the answer
 * @answer: the answer
 *
 * Lets the lane have its bytes, or ends it.
 */
void
dray_transfer_answered (DrayTransfer *self,
                        DrayTransferLane *lane,
                        const DrayVerdict *verdict,
                        const DrayHttpAnswer *answer)
{
  if (self->failure != NULL || lane->unwanted || is_unprovable (self, verdict, answer))
    return;

  switch (verdict->kind)
    {
    case DRAY_VERDICT_TAKE:
      if (lane->leading)
        take_leading (self, lane, verdict, answer);
      else
        take_following (self, lane, verdict, answer);
      break;

    case DRAY_VERDICT_COMPLETE:
      self->proving_length = FALSE;
      learn (self, verdict, answer);
      break;

    case DRAY_VERDICT_STALE:
    case DRAY_VERDICT_CHANGED:
      set_error (lane, DRAY_ERROR_CHANGED, "The file on the server has changed since it was begun");
      break;

    case DRAY_VERDICT_FAILED:
      note_refusal (lane, verdict, answer);
      break;

    case DRAY_VERDICT_ASK_WITHOUT_RANGE:
      lane->unwanted = TRUE;
      dray_transfer_set_parallel (self, FALSE);
      break;

    case DRAY_VERDICT_ASK_WITH_OVERLAP:
    case DRAY_VERDICT_ASK_WITHOUT_CONDITION:
    default:
      g_assert_not_reached ();
    }
}
