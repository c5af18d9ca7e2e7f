/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The body of an answer: read as fast as is allowed, and written. In the connection's thread. */

#include "core/transfer/connection-private.h"

#include "core/transfer/comparison.h"

/* Bytes that come out of a read faster than this were waiting for it, in bytes per second. */
#define READY_RATE (200.0 * 1000 * 1000)

/* How often one that waits for the hasher looks at it, in microseconds. */
#define HASHER_LOOK (5 * 1000)

/* Waits until the limiter lets it read on. A refusal ends the wait, and the next read then finds
 * the cancellable cancelled. */
static void
wait_for_turn (DrayConnection *self)
{
  gint64 now;

  dray_lock_acquire (&self->lock);
  while (self->permission != DRAY_PERMISSION_REFUSED && (now = g_get_monotonic_time ()) < self->turn)
    {
      if (self->rate_changed)
        self->turn = now + dray_rate_limiter_get_wait (self->limiter, now);
      self->rate_changed = FALSE;
      if (now < self->turn)
        dray_condition_wait_until (&self->wake, &self->lock, self->turn);
    }
  dray_lock_release (&self->lock);
}

/* Leaves the processor to the digest where it is far behind: it is waited for anyway. A refusal ends
 * the wait, as above. */
static void
wait_for_hasher (DrayConnection *self)
{
  while (dray_hasher_is_behind (self->hasher))
    {
      gboolean refused;

      dray_lock_acquire (&self->lock);
      if (self->permission != DRAY_PERMISSION_REFUSED)
        dray_condition_wait_until (&self->wake, &self->lock,
                                   g_get_monotonic_time () + HASHER_LOOK);
      refused = self->permission == DRAY_PERMISSION_REFUSED;
      dray_lock_release (&self->lock);
      if (refused)
        return;
    }
}

static void
begin_read (DrayConnection *self)
{
  dray_lock_acquire (&self->lock);
  self->read_since = g_get_monotonic_time ();
  if (self->body_since == 0)
    self->body_since = self->read_since;
  dray_lock_release (&self->lock);
}

static void
end_read (DrayConnection *self, gssize n, gint64 now)
{
  gint64 took;

  dray_lock_acquire (&self->lock);
  took = now - self->read_since;
  if ((double) n * G_USEC_PER_SEC < READY_RATE * (double) took)
    self->starved += took;
  self->read_since = 0;
  dray_lock_release (&self->lock);
}

/* Reads on in the body, no faster than is allowed. */
static gssize
read_body (DrayConnection *self, gsize wanted)
{
  gsize portion;
  gssize n;
  gint64 now;

  wait_for_turn (self);
  portion = dray_rate_limiter_get_portion (self->limiter, wanted);
  begin_read (self);
  n = dray_http_read (self->answer, self->buffer, portion, self->cancellable, &self->error);
  now = g_get_monotonic_time ();
  end_read (self, n, now);
  if (n > 0)
    self->turn = now + dray_rate_limiter_book (self->limiter, now, (gsize) n);

  return n;
}

static DrayComparison
get_comparison (DrayConnection *self)
{
  if (self->disk_buffer == NULL)
    self->disk_buffer = g_malloc (DRAY_CONNECTION_BUFFER_SIZE);

  return (DrayComparison){ self->file, self->hasher, self->disk_buffer };
}

static gboolean
check_overlap (DrayConnection *self, gint64 position, gsize n_bytes)
{
  const DrayComparison comparison = get_comparison (self);

  return dray_comparison_check (&comparison, position, self->buffer, n_bytes, &self->error);
}

/* Reads the bytes before the claim, which are on the disk already. */
static gboolean
pass_overlap (DrayConnection *self, gint64 *position)
{
  while (*position < self->claim.start)
    {
      gsize wanted = (gsize) MIN (self->claim.start - *position, DRAY_CONNECTION_BUFFER_SIZE);
      gssize n = read_body (self, wanted);

      if (n < 0)
        return FALSE;
      if (n == 0)
        {
          g_set_error_literal (&self->error, DRAY_ERROR, DRAY_ERROR_TOO_SHORT,
                               "The server ended the file early");
          return FALSE;
        }
      if (!self->verdict.proven && !check_overlap (self, *position, (gsize) n))
        return FALSE;
      *position += n;
    }

  return TRUE;
}

/* A body that is read to its end leaves the socket free for the next request. */
static void
end_body (DrayConnection *self, gint64 position)
{
  const DrayResponse *response = &self->answer->response;

  if (response->content_length != DRAY_SIZE_UNKNOWN
      && position - self->verdict.body_start == response->content_length)
    dray_http_read (self->answer, self->buffer, DRAY_CONNECTION_BUFFER_SIZE, self->cancellable,
                    NULL);
}

static gboolean
store (DrayConnection *self, gint64 position, gsize n_bytes)
{
  if (self->repairs)
    {
      const DrayComparison comparison = get_comparison (self);

      return dray_comparison_replace (&comparison, position, self->buffer, n_bytes, &self->error);
    }

  return dray_partial_file_write (self->file, position, self->buffer, n_bytes, &self->error);
}

/**
 * dray_connection_take_body:
 * @self: a connection that has been let through
 *
 * Reads and writes until the claim is filled, its end was pulled in, or the body ends. What breaks it
 * is the connection's error.
 */
void
dray_connection_take_body (DrayConnection *self)
{
  gint64 position = self->verdict.body_start;
  gint64 end;

  if (!pass_overlap (self, &position))
    return;

  while (position < (end = MIN (dray_piece_map_get_claim_end (self->map, self->claim.id),
                                self->verdict.body_end)))
    {
      gsize wanted = (gsize) MIN (end - position, DRAY_CONNECTION_BUFFER_SIZE);
      gssize n;

      wait_for_hasher (self);
      n = read_body (self, wanted);
      if (n < 0)
        return;
      if (n == 0)
        {
          if (end == DRAY_END_UNKNOWN)
            return;
          g_set_error_literal (&self->error, DRAY_ERROR, DRAY_ERROR_TOO_SHORT,
                               "The server ended the file early");
          return;
        }
      if (!store (self, position, (gsize) n))
        return;
      position += n;
      self->n_bytes += n;
      dray_piece_map_advance (self->map, self->claim.id, n);
      dray_hasher_wake (self->hasher);
    }

  end_body (self, position);
}
