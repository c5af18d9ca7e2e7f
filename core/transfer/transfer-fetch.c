/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Asking for the bytes that are lacking: the address, and what to do when asking breaks. */

#include "core/transfer/transfer-private.h"

/* How soon one without a network tries all the same, in microseconds: nobody may say that it is
 * back. */
#define OFFLINE_WAIT ((gint64) 5 * 60 * G_USEC_PER_SEC)

/* The host that is asked from now on. */
void
dray_transfer_set_location (DrayTransfer *self, DrayLocation *location, gboolean redirected)
{
  g_clear_pointer (&self->location, dray_location_free);
  self->location = location;
  self->location_redirected = redirected;

  if (self->share == NULL)
    self->share = dray_host_share_new (self->hosts, location->url);
  else
    dray_host_share_move (self->share, location->url);
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);
  g_autoptr (GError) error = NULL;
  DrayLocation *location = dray_resolver_resolve_finish (DRAY_RESOLVER (source), result, &error);

  if (location != NULL)
    dray_transfer_set_location (self, location, FALSE);
  else
    dray_transfer_fail (self, g_steal_pointer (&error));
  if (dray_transfer_end_job (self))
    dray_transfer_step (self);
}

/* Asks for the next bytes that are lacking. */
void
dray_transfer_fetch (DrayTransfer *self)
{
  if (self->location != NULL)
    {
      dray_transfer_fill_lanes (self);
      return;
    }

  if (!dray_transfer_is_asking (self))
    self->state = DRAY_TRANSFER_CONNECTING;
  dray_transfer_begin_job (self);
  dray_resolver_resolve_async (self->resolver, self->run_cancellable, resolved_cb,
                               g_object_ref (self));
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
is_refusal (const GError *error)
{
  return g_error_matches (error, DRAY_ERROR, DRAY_ERROR_UNAUTHORIZED)
         || g_error_matches (error, DRAY_ERROR, DRAY_ERROR_FORBIDDEN)
         || g_error_matches (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
}

/* A refusal where redirects led may mean that a signed link has expired: the next request begins
 * at the beginning. Returns whether that was done. */
static gboolean
forget_expired_location (DrayTransfer *self, const GError *error)
{
  if (!is_refusal (error) || !self->location_redirected)
    return FALSE;

  g_clear_pointer (&self->location, dray_location_free);
  return TRUE;
}

/**
 * dray_transfer_wait:
 * @self: a transfer of which no lane asks
 * @delay: how long, in microseconds
 * @reason: what is waited for the end of
 *
 * Goes on after a while.
 */
void
dray_transfer_wait (DrayTransfer *self, gint64 delay, DrayError reason)
{
  self->state = DRAY_TRANSFER_WAITING;
  self->wait_reason = reason;
  self->wait_until = g_get_monotonic_time () + delay;
  self->retry_source = g_timeout_add ((guint) (delay / 1000), retry_cb, self);
}

/**
 * dray_transfer_try_now:
 * @self: a transfer
 *
 * Cuts a wait short: what broke the attempts so far may be over. A server that has asked for some
 * time is still given it.
 */
void
dray_transfer_try_now (DrayTransfer *self)
{
  g_return_if_fail (DRAY_IS_TRANSFER (self));

  dray_retry_renew (&self->retry);
  if (self->retry_source == 0)
    return;

  g_clear_handle_id (&self->retry_source, g_source_remove);
  dray_transfer_step (self);
}

/**
 * dray_transfer_reconnect:
 * @self: a transfer
 *
 * Goes on with new connections: those that it has are likely to be dead.
 */
void
dray_transfer_reconnect (DrayTransfer *self)
{
  g_return_if_fail (DRAY_IS_TRANSFER (self));

  dray_transfer_drop_lanes (self);
  dray_transfer_try_now (self);
}

/* Whether a connection failed only because there is no network. */
static gboolean
is_offline (DrayTransfer *self, const GError *error)
{
  return self->network != NULL
         && (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_NETWORK)
             || g_error_matches (error, DRAY_ERROR, DRAY_ERROR_STALLED))
         && dray_network_is_gone (self->network,
                                  self->location != NULL ? self->location->url : NULL);
}

/* What broke the fetch: a signed link that has expired, something that passes, or the end. No lane
 * asks any more. */
static void
recover (DrayTransfer *self, GError *error, gint64 server_wait)
{
  gint64 delay;

  if (self->failure != NULL)
    {
      g_error_free (error);
      return;
    }

  if (forget_expired_location (self, error))
    {
      g_error_free (error);
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

  if (is_offline (self, error))
    {
      g_error_free (error);
      dray_transfer_wait (self, OFFLINE_WAIT, DRAY_ERROR_NO_NETWORK);
      return;
    }

  if (!dray_retry_next (&self->retry, (DrayError) error->code, server_wait, g_random_double (),
                        &delay))
    {
      dray_transfer_fail (self, error);
      return;
    }

  dray_transfer_wait (self, delay, (DrayError) error->code);
  g_error_free (error);
}

/**
 * dray_transfer_interrupt:
 * @self: a transfer
 * @error: (transfer full): what is wrong with the bytes
 *
 * Ends what the lanes do, and goes on as after any broken fetch.
 */
void
dray_transfer_interrupt (DrayTransfer *self, GError *error)
{
  if (self->failure != NULL || !dray_transfer_is_asking (self))
    {
      recover (self, error, -1);
      return;
    }

  g_clear_error (&self->interruption);
  self->interruption = error;
  dray_transfer_drop_lanes (self);
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

/* Whether the failure is one connection's alone as long as others get on: theirs shows that the
 * server and the disk are well. */
static gboolean
is_of_one_lane (const GError *error)
{
  if (error->domain != DRAY_ERROR)
    return FALSE;

  switch ((DrayError) error->code)
    {
    case DRAY_ERROR_NETWORK:
    case DRAY_ERROR_TLS:
    case DRAY_ERROR_STALLED:
    case DRAY_ERROR_SERVER_ERROR:
    case DRAY_ERROR_RATE_LIMITED:
    case DRAY_ERROR_TOO_SHORT:
    case DRAY_ERROR_UNAUTHORIZED:
    case DRAY_ERROR_FORBIDDEN:
    case DRAY_ERROR_NOT_FOUND:
    case DRAY_ERROR_NOT_A_MODEL:
      return TRUE;

    default:
      return FALSE;
    }
}

static void
lane_broke (DrayTransfer *self, DrayTransferLane *lane, GError *error)
{
  if (!dray_transfer_is_asking (self))
    recover (self, error, lane->server_wait);
  else if (is_of_one_lane (error))
    {
      forget_expired_location (self, error);
      g_error_free (error);
    }
  else
    dray_transfer_interrupt (self, error);
}

/**
 * dray_transfer_lane_ended:
 * @self: a transfer
 * @lane: a lane that is free again
 * @n_bytes: how many bytes it wrote
 * @error: (transfer full) (nullable): what broke it
 *
 * Decides what that means for the transfer, and goes on.
 */
void
dray_transfer_lane_ended (DrayTransfer *self, DrayTransferLane *lane, gint64 n_bytes, GError *error)
{
  if (n_bytes > 0)
    {
      self->fetched = TRUE;
      dray_retry_note_progress (&self->retry);
    }

  if (self->failure != NULL || self->interruption != NULL)
    {
      g_clear_error (&error);
      if (self->interruption != NULL && !dray_transfer_is_asking (self))
        recover (self, g_steal_pointer (&self->interruption), -1);
    }
  else if (error != NULL)
    lane_broke (self, lane, error);
  else if (lane->has_ended && self->total == DRAY_SIZE_UNKNOWN && !self->is_known)
    prove_length (self);

  dray_transfer_step (self);
}
