/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The repair of a file that is whole and has the wrong digest.
 *
 * All of it is fetched again by the ordinary lanes, which replace on the disk only what differs. A
 * map of its own says what has been compared; the map of what is on the disk is kept aside and
 * recorded. As soon as the digest of the file as it is on the disk is right, nothing more is fetched.
 */

#include "core/transfer/transfer-private.h"

/* How many ranges of a file a message names. */
#define RANGES_MAX 8

gboolean
dray_transfer_is_repairing (DrayTransfer *self)
{
  return self->kept_map != NULL;
}

static void
begun_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayTransfer) self = DRAY_TRANSFER (user_data);

  if (!dray_transfer_recorded (self, source, result))
    return;

  dray_hasher_repair (self->hasher, self->map);
  dray_transfer_step (self);
}

/**
 * dray_transfer_begin_repair:
 * @self: a transfer whose lanes are free and whose file has the wrong digest
 *
 * Has the file fetched again and compared. What a crash must not leave behind is durable before:
 * saved states of blocks that were replaced, and bytes of two versions of the file that somebody
 * takes who expects no digest (dray_transfer_record() sees to both). The server may well have
 * another version by now, a right one.
 */
void
dray_transfer_begin_repair (DrayTransfer *self)
{
  g_message ("“%s” has the wrong digest; it is compared with the server's file", self->name);

  self->kept_map = g_steal_pointer (&self->map);
  dray_transfer_set_map (self, dray_piece_map_new (self->total));
  self->was_tied = self->digest_tied;
  self->digest_tied = FALSE;
  self->n_recorded_blocks = 0;
  dray_validator_clear (&self->validator);
  dray_speed_reset (&self->speed);

  dray_transfer_record_step (self, DRAY_JOURNAL_FETCHING, begun_cb);
}

/**
 * dray_transfer_end_repair:
 * @self: a transfer whose lanes are free, and whose file seems to be right or is all compared
 *
 * Returns: whether the file has the digest that was told last; if not, the repair goes on
 */
gboolean
dray_transfer_end_repair (DrayTransfer *self)
{
  if (dray_hasher_is_settled (self->hasher))
    return TRUE;

  self->repaired = FALSE;
  if (!dray_piece_map_is_complete (self->map))
    dray_transfer_step (self);
  return FALSE;
}

/* Goes back to the map of what is on the disk. */
void
dray_transfer_forget_repair (DrayTransfer *self)
{
  if (self->kept_map == NULL)
    return;

  dray_transfer_set_map (self, g_steal_pointer (&self->kept_map));
  dray_speed_reset (&self->speed);
  self->repaired = FALSE;
}

/**
 * dray_transfer_is_tied:
 * @self: a transfer
 *
 * Returns: whether bytes of several versions may be mixed in the file as it is, so that only the
 *   expected digest tells that it is right. What differed in a repair may be of another version
 *   than the rest, until all of the file has been compared
 */
gboolean
dray_transfer_is_tied (DrayTransfer *self)
{
  g_autoptr (GArray) differing = NULL;

  if (self->digest_tied || !dray_transfer_is_repairing (self)
      || dray_piece_map_is_complete (self->map))
    return self->digest_tied;

  differing = dray_hasher_get_differing (self->hasher);
  return self->was_tied || (self->expected_sha256 != NULL && differing->len > 0);
}

static void
append_range (GString *text, DrayTransfer *self, guint first, guint last)
{
  gint64 end = MIN ((last + 1) * DRAY_BLOCK_SIZE, self->total);

  g_string_append_printf (text, "%s%" G_GINT64_FORMAT "–%" G_GINT64_FORMAT,
                          text->len > 0 ? ", " : "", first * DRAY_BLOCK_SIZE, end - 1);
}

/**
 * dray_transfer_describe_differing:
 * @self: a transfer whose file is repaired
 *
 * Returns: (transfer full) (nullable): the bytes that the server sent otherwise than before, in
 *   whole blocks, as in "0–16777215, 50331648–67108863"; %NULL for none
 */
char *
dray_transfer_describe_differing (DrayTransfer *self)
{
  g_autoptr (GArray) blocks = dray_hasher_get_differing (self->hasher);
  g_autoptr (GString) text = g_string_new (NULL);
  guint n_ranges = 0;

  for (guint i = 0, last; i < blocks->len; i = last + 1)
    {
      for (last = i; last + 1 < blocks->len; last++)
        if (g_array_index (blocks, guint, last + 1) != g_array_index (blocks, guint, last) + 1)
          break;
      if (n_ranges++ < RANGES_MAX)
        append_range (text, self, g_array_index (blocks, guint, i),
                      g_array_index (blocks, guint, last));
    }
  if (n_ranges > RANGES_MAX)
    g_string_append_printf (text, " and %u more", n_ranges - RANGES_MAX);

  return blocks->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}
