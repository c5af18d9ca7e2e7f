/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/model-server-private.h"

#include <string.h>

#define LARGEST_WRITE ((gint64) 256 * 1024)

/* A client that fell behind may catch up with at most so much time's bytes. */
#define LARGEST_LAG (0.05 * G_USEC_PER_SEC)

/* How often one that waits at a gate looks whether it has been raised, in microseconds. */
#define GATE_INTERVAL 1000

/* After how long a byte seeps through a gate, in microseconds: well within any client's patience. */
#define SEEP_INTERVAL (2 * G_USEC_PER_SEC)

/**
 * dray_test_response_get_body_size:
 * @response: a response
 *
 * Returns: what the head announces, in bytes
 */
gint64
dray_test_response_get_body_size (const DrayTestResponse *response)
{
  gint64 size = response->length;

  if (response->prefix != NULL)
    size += (gint64) strlen (response->prefix);
  if (response->suffix != NULL)
    size += (gint64) strlen (response->suffix);

  return size;
}

static gsize
read_text (const char *text, gint64 position, guint8 *buffer, gsize n_bytes)
{
  gsize n = MIN (n_bytes, strlen (text) - (gsize) position);

  memcpy (buffer, text + position, n);

  return n;
}

static gsize
read_content (const DrayTestResponse *response, gint64 position, guint8 *buffer, gsize n_bytes)
{
  gint64 offset = response->start + position;
  gsize n = (gsize) MIN ((gint64) n_bytes, response->length - position);

  dray_test_content_read (response->content, offset, buffer, n);
  if (response->wrong_offset >= offset && response->wrong_offset < offset + (gint64) n)
    buffer[response->wrong_offset - offset] ^= 0xff;

  return n;
}

/**
 * dray_test_response_read:
 * @response: a response
 * @position: the first byte of the body
 * @buffer: (out caller-allocates): where the bytes go
 * @n_bytes: how many, up to the announced size and the excess together
 */
void
dray_test_response_read (const DrayTestResponse *response,
                         gint64 position,
                         guint8 *buffer,
                         gsize n_bytes)
{
  gint64 prefix = response->prefix != NULL ? (gint64) strlen (response->prefix) : 0;
  gint64 size = dray_test_response_get_body_size (response);

  while (n_bytes > 0)
    {
      gsize n = n_bytes;

      if (position < prefix)
        n = read_text (response->prefix, position, buffer, n_bytes);
      else if (position < prefix + response->length)
        n = read_content (response, position - prefix, buffer, n_bytes);
      else if (position < size)
        n = read_text (response->suffix, position - prefix - response->length, buffer, n_bytes);
      else
        memset (buffer, 'x', n);

      position += (gint64) n;
      buffer += n;
      n_bytes -= n;
    }
}

static gboolean
has_collapsed (const DrayTestConnection *connection, const DrayTestBehaviour *behaviour)
{
  return behaviour->collapse_every > 0 && connection->number % behaviour->collapse_every == 0
         && connection->body_bytes >= behaviour->collapse_after;
}

static gint64
current_rate (DrayTestConnection *connection, const DrayTestResponse *response, gint64 sent)
{
  DrayTestServer *server = connection->server;
  gint64 rate;

  if (response->drip_after >= 0 && sent >= response->drip_after)
    return 1;

  dray_lock_acquire (&server->lock);
  rate = server->rate;
  if (response->file != NULL)
    {
      const DrayTestBehaviour *behaviour = &response->file->behaviour;

      if (has_collapsed (connection, behaviour))
        rate = behaviour->collapse_rate;
      else if (behaviour->rate > 0)
        rate = behaviour->rate;
    }
  dray_lock_release (&server->lock);

  return rate;
}

/* Waits while the file's gate is where the body has come to. Returns how many of @n bytes may go, or
 * -1 when the answer is to break off or the client is gone. */
static gint64
pass_gate (DrayTestConnection *connection, DrayTestResponse *response, gint64 sent, gint64 n)
{
  DrayTestServer *server = connection->server;
  gint64 since = g_get_monotonic_time ();

  for (;;)
    {
      gint64 gate = 0;
      gboolean seeps = FALSE;

      dray_lock_acquire (&server->lock);
      if (response->file != NULL && response->is_file)
        {
          gate = response->file->behaviour.gate;
          seeps = response->file->behaviour.gate_seeps;
        }
      dray_lock_release (&server->lock);

      if (gate == 0)
        return n;
      if (gate < 0)
        return -1;
      if (gate > response->start + sent)
        return MIN (n, gate - response->start - sent);
      if (seeps && g_get_monotonic_time () - since >= SEEP_INTERVAL)
        return 1;
      if (!dray_test_connection_wait (connection, g_get_monotonic_time () + GATE_INTERVAL))
        return -1;
    }
}

static gboolean
send_piece (DrayTestConnection *connection,
            const DrayTestResponse *response,
            const guint8 *buffer,
            gsize n,
            gsize announced,
            DrayTestRecord *record)
{
  char size[20];
  gboolean chunked = response->framing == DRAY_TEST_FRAMING_CHUNKED
                     || response->framing == DRAY_TEST_FRAMING_CHUNKED_AND_LENGTH;

  if (!chunked)
    return dray_test_connection_send (connection, buffer, n, record);

  g_snprintf (size, sizeof size, "%" G_GSIZE_MODIFIER "x\r\n", announced);

  return dray_test_connection_send (connection, size, strlen (size), NULL)
         && dray_test_connection_send (connection, buffer, n, record)
         && (announced != n || dray_test_connection_send (connection, "\r\n", 2, NULL));
}

/* Sends the bytes up to @end at the rate that holds at each moment. The time when the next bytes
 * are due is reckoned from the bytes before, so that late waking does not add up. */
static gboolean
send_paced (DrayTestConnection *connection,
            DrayTestResponse *response,
            gint64 end,
            DrayTestRecord *record)
{
  g_autofree guint8 *buffer = g_malloc (LARGEST_WRITE);
  double due = (double) g_get_monotonic_time ();

  for (gint64 sent = 0; sent < end;)
    {
      gint64 rate = current_rate (connection, response, sent);
      gint64 n = MIN (LARGEST_WRITE, end - sent);
      gsize announced;

      if (response->drip_after > sent)
        n = MIN (n, response->drip_after - sent);
      if (rate > 0)
        {
          n = MIN (n, MAX (1, rate / 100));
          due = MAX (due, (double) g_get_monotonic_time () - LARGEST_LAG);
          due += (double) n / (double) rate * G_USEC_PER_SEC;
          if (!dray_test_connection_wait (connection, (gint64) due))
            return FALSE;
        }

      n = pass_gate (connection, response, sent, n);
      if (n < 0)
        return FALSE;
      announced = (gsize) n;
      if (response->break_how == DRAY_TEST_BREAK_CUT_IN_CHUNK && sent + n == response->break_after)
        announced += 1000;
      dray_test_response_read (response, sent, buffer, (gsize) n);
      if (!send_piece (connection, response, buffer, (gsize) n, announced, record))
        return FALSE;
      sent += n;
      connection->body_bytes += n;
    }

  return TRUE;
}

static void
break_off (DrayTestConnection *connection, DrayTestResponse *response)
{
  static const char bad_size[] = "zz-no-size\r\n";

  response->closes = TRUE;
  switch (response->break_how)
    {
    case DRAY_TEST_BREAK_BAD_CHUNK_SIZE:
      dray_test_connection_send (connection, bad_size, strlen (bad_size), NULL);
      break;

    case DRAY_TEST_BREAK_RESET:
      {
        const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

        setsockopt (g_socket_get_fd (connection->socket), SOL_SOCKET, SO_LINGER, &at_once,
                    sizeof at_once);
        break;
      }

    case DRAY_TEST_BREAK_STALL:
      dray_test_connection_wait (connection, G_MAXINT64);
      break;

    case DRAY_TEST_BREAK_CUT:
    case DRAY_TEST_BREAK_CUT_IN_CHUNK:
    default:
      break;
    }
}

/**
 * dray_test_connection_send_body:
 * @connection: a connection whose head has been sent
 * @response: what to send; a break makes it close the connection
 * @record: where sent bytes are counted
 *
 * Returns: whether the client was there to the end
 */
gboolean
dray_test_connection_send_body (DrayTestConnection *connection,
                                DrayTestResponse *response,
                                DrayTestRecord *record)
{
  gint64 end = dray_test_response_get_body_size (response) + response->excess;
  gboolean breaks = response->break_after >= 0 && response->break_after <= end;

  if (response->head_only)
    return TRUE;

  if (breaks)
    end = response->break_after;
  if (!send_paced (connection, response, end, record))
    return FALSE;

  if (breaks)
    {
      break_off (connection, response);
      return response->break_how != DRAY_TEST_BREAK_STALL;
    }

  if (response->framing == DRAY_TEST_FRAMING_CHUNKED
      || response->framing == DRAY_TEST_FRAMING_CHUNKED_AND_LENGTH)
    return dray_test_connection_send (connection, "0\r\n\r\n", 5, NULL);

  return TRUE;
}
