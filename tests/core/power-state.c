/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/power-state.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a drive writes in one piece, at the least. */
#define PAGE_SIZE 4096

/* From @least to @most, the ends more often than what is between. */
static guint
choose_between (GRand *random, guint least, guint most)
{
  switch (g_rand_int_range (random, 0, 3))
    {
    case 0:
      return least;

    case 1:
      return most;

    default:
      return (guint) g_rand_int_range (random, (gint32) least, (gint32) most + 1);
    }
}

static void
count_names (const PowerTimeline *timeline, guint cut, guint *n_safe, guint *n_all)
{
  *n_safe = *n_all = 0;
  for (guint i = 0; i < cut; i++)
    {
      if (!power_op_is_of_name (power_timeline_get_op (timeline, i)))
        continue;
      *n_all += 1;
      *n_safe += g_array_index (timeline->safe, guint, i) <= cut ? 1 : 0;
    }
}

static void
count_commits (const PowerTimeline *timeline, guint cut, guint *safe, guint *last)
{
  *safe = *last = 0;
  for (guint i = 1; i < timeline->commits->len; i++)
    {
      const PowerCommit *commit = &g_array_index (timeline->commits, PowerCommit, i);

      if (commit->written <= cut)
        *last = i;
      if (commit->safe <= cut)
        *safe = i;
    }
}

/**
 * power_timeline_choose:
 * @timeline: a timeline
 * @cut: after how many calls
 * @random: where the choice comes from
 * @state: (out caller-allocates): one of the states that the cut may leave
 */
void
power_timeline_choose (const PowerTimeline *timeline, guint cut, GRand *random, PowerState *state)
{
  guint least, most;
  gint32 event = g_rand_int_range (random, 0, 10);

  state->event = event == 0 ? POWER_KILL : event == 1 ? POWER_PULL : POWER_CUT;
  state->cut = cut;
  state->loss = (PowerLoss) g_rand_int_range (random, 0, POWER_N_LOSSES);
  state->other_inode = state->event == POWER_CUT && g_rand_int_range (random, 0, 8) == 0;
  state->seed = g_rand_int (random);

  count_names (timeline, cut, &least, &most);
  state->n_names = choose_between (random, least, most);
  count_commits (timeline, cut, &least, &most);
  state->commit = choose_between (random, least, most);
  if (state->event != POWER_CUT)
    state->commit = most;
  if (state->event == POWER_KILL)
    {
      state->n_names = G_MAXUINT;
      state->loss = POWER_LOST_NONE;
    }

  state->log_size = g_array_index (timeline->commits, PowerCommit, state->commit).end;
  if (g_rand_boolean (random))
    state->log_size += g_rand_int_range (random, 0, 3 * PAGE_SIZE);
}

static gboolean
is_lost (PowerLoss loss, guint ordinal, guint chosen, GRand *random)
{
  switch (loss)
    {
    case POWER_LOST_ALL:
      return TRUE;

    case POWER_LOST_SOME:
      return g_rand_boolean (random);

    case POWER_LOST_ONE:
      return ordinal == chosen;

    case POWER_LOST_FIRST:
      return ordinal <= chosen;

    case POWER_LOST_LAST:
      return ordinal >= chosen;

    case POWER_LOST_NONE:
    case POWER_LOST_PARTS:
    case POWER_N_LOSSES:
    default:
      return FALSE;
    }
}

typedef struct
{
  GByteArray *bytes; /* as long as the file may be */
  gsize least;       /* how long it must be */
} Contents;

static void
put (Contents *contents, gsize offset, const guint8 *bytes, gsize n_bytes)
{
  memcpy (contents->bytes->data + offset, bytes, n_bytes);
  contents->least = MAX (contents->least, offset + n_bytes);
}

static void
put_parts (Contents *contents, gsize offset, const guint8 *bytes, gsize n_bytes, GRand *random)
{
  while (n_bytes > 0)
    {
      gsize n = MIN (n_bytes, PAGE_SIZE - offset % PAGE_SIZE);

      if (g_rand_boolean (random))
        put (contents, offset, bytes, n);
      offset += n;
      bytes += n;
      n_bytes -= n;
    }
}

static gboolean
is_of_file (const PowerOp *op, guint file)
{
  return op->file == file && (op->kind == POWER_WRITE || op->kind == POWER_RESIZE);
}

/* Makes room for what was ever written, and counts what is not safe. */
static guint
survey (const PowerTimeline *timeline, guint cut, guint file, Contents *contents)
{
  gsize size = 0;
  guint n_unsafe = 0;

  for (guint i = 0; i < cut; i++)
    {
      const PowerOp *op = power_timeline_get_op (timeline, i);

      if (!is_of_file (op, file))
        continue;
      if (op->kind == POWER_WRITE)
        size = MAX (size, (gsize) op->offset + g_bytes_get_size (op->bytes));
      n_unsafe += g_array_index (timeline->safe, guint, i) > cut ? 1 : 0;
    }

  g_byte_array_set_size (contents->bytes, (guint) size);
  if (size > 0)
    memset (contents->bytes->data, 0, size);

  return n_unsafe;
}

static void
replay (const PowerTimeline *timeline,
        const PowerState *state,
        guint file,
        GRand *random,
        Contents *contents)
{
  guint n_unsafe = survey (timeline, state->cut, file, contents);
  guint chosen = n_unsafe > 0 ? (guint) g_rand_int_range (random, 0, (gint32) n_unsafe) : 0;
  guint ordinal = 0;

  for (guint i = 0; i < state->cut; i++)
    {
      const PowerOp *op = power_timeline_get_op (timeline, i);
      gboolean safe = g_array_index (timeline->safe, guint, i) <= state->cut;
      const guint8 *bytes;
      gsize n_bytes;

      if (!is_of_file (op, file) || (!safe && is_lost (state->loss, ordinal++, chosen, random)))
        continue;
      if (op->kind == POWER_RESIZE)
        {
          g_byte_array_set_size (contents->bytes, (guint) op->offset);
          contents->least = (gsize) op->offset;
          continue;
        }

      bytes = g_bytes_get_data (op->bytes, &n_bytes);
      if (!safe && state->loss == POWER_LOST_PARTS)
        put_parts (contents, (gsize) op->offset, bytes, n_bytes, random);
      else
        put (contents, (gsize) op->offset, bytes, n_bytes);
    }
}

static void
write_file (const char *path, gconstpointer bytes, gsize n_bytes)
{
  FILE *file = fopen (path, "we");

  g_assert_nonnull (file);
  if (n_bytes > 0)
    g_assert_cmpuint (fwrite (bytes, 1, n_bytes, file), ==, n_bytes);
  g_assert_cmpint (fclose (file), ==, 0);
}

static void
restore_file (const PowerTimeline *timeline, const PowerState *state, guint file, const char *path)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (state->seed + file);
  Contents contents = { g_byte_array_new (), 0 };

  replay (timeline, state, file, random, &contents);
  write_file (path, contents.bytes->data,
              choose_between (random, (guint) contents.least, contents.bytes->len));
  g_byte_array_unref (contents.bytes);
}

/* Returns: (transfer full): the names and, plus one, the numbers of their files */
static GHashTable *
replay_names (const PowerTimeline *timeline, const PowerState *state)
{
  GHashTable *names = g_hash_table_new (g_str_hash, g_str_equal);
  guint n_names = 0;

  for (guint i = 0; i < state->cut && n_names < state->n_names; i++)
    {
      const PowerOp *op = power_timeline_get_op (timeline, i);

      if (!power_op_is_of_name (op))
        continue;
      n_names++;
      if (op->kind == POWER_UNLINK || op->kind == POWER_RENAME)
        g_hash_table_remove (names, op->name);
      if (op->kind == POWER_CREATE)
        g_hash_table_insert (names, op->name, GUINT_TO_POINTER (op->file + 1));
      if (op->kind == POWER_LINK || op->kind == POWER_RENAME)
        g_hash_table_insert (names, op->new_name, GUINT_TO_POINTER (op->file + 1));
    }

  return names;
}

static void
empty_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
}

static void
restore_folder (const PowerTimeline *timeline, const PowerState *state, const char *folder)
{
  g_autoptr (GHashTable) names = replay_names (timeline, state);
  g_autoptr (GHashTable) paths = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  GHashTableIter iter;
  gpointer name, file;

  empty_folder (folder);
  power_disk_forget_files ();
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, &file))
    {
      char *path = g_build_filename (folder, name, NULL);
      guint number = GPOINTER_TO_UINT (file) - 1;
      guint64 inode = g_array_index (timeline->tape->inodes, guint64, number);
      const char *other_name = g_hash_table_lookup (paths, file);

      if (other_name != NULL)
        g_assert_cmpint (link (other_name, path), ==, 0);
      else
        restore_file (timeline, state, number, path);
      power_disk_adopt (path, state->other_inode ? inode + 1000 : inode);
      g_hash_table_replace (paths, file, path);
    }
}

/**
 * power_timeline_restore_catalog:
 * @timeline: a timeline
 * @cut: after how many calls
 * @log_size: how much of what the log was by then is there, in bytes
 * @catalog_path: where the catalog goes
 */
void
power_timeline_restore_catalog (const PowerTimeline *timeline,
                                guint cut,
                                gint64 log_size,
                                const char *catalog_path)
{
  const PowerTape *tape = timeline->tape;
  g_autofree char *log_path = g_strconcat (catalog_path, "-wal", NULL);
  g_autofree char *index_path = g_strconcat (catalog_path, "-shm", NULL);
  g_autoptr (GByteArray) log = g_byte_array_new ();

  g_byte_array_append (log, tape->log->data, tape->log->len);
  for (guint i = 0; i < cut; i++)
    {
      const PowerOp *op = power_timeline_get_op (timeline, i);
      const guint8 *bytes;
      gsize n_bytes;

      if (op->kind != POWER_LOG_WRITE)
        continue;
      bytes = g_bytes_get_data (op->bytes, &n_bytes);
      if (log->len < op->offset + n_bytes)
        g_byte_array_set_size (log, (guint) (op->offset + (gint64) n_bytes));
      memcpy (log->data + op->offset, bytes, n_bytes);
    }

  write_file (catalog_path, tape->database->data, tape->database->len);
  write_file (log_path, log->data, (gsize) MIN (log_size, (gint64) log->len));
  g_remove (index_path);
}

/**
 * power_timeline_restore:
 * @timeline: a timeline
 * @state: one of its states
 * @catalog_path: where the catalog goes
 * @folder: where the files go; what was in it is deleted
 */
void
power_timeline_restore (const PowerTimeline *timeline,
                        const PowerState *state,
                        const char *catalog_path,
                        const char *folder)
{
  restore_folder (timeline, state, folder);
  power_timeline_restore_catalog (timeline, state->cut,
                                  state->event == POWER_KILL ? G_MAXINT64 : state->log_size,
                                  catalog_path);
  power_disk_set_mount (state->event == POWER_PULL ? 1 : 0);
}

/* Returns: (transfer full): the state in words, for the message of a failed test */
char *
power_state_describe (const PowerState *state)
{
  static const char *const events[] = { "power cut", "kill", "drive pulled" };
  static const char *const losses[] = { "all", "none", "some", "one", "first", "last", "parts" };

  return g_strdup_printf ("%s after %u calls, commit %u, log of %" G_GINT64_FORMAT
                          " bytes, %u names, lost of the unsynced writes: %s, %s inode, seed %u",
                          events[state->event], state->cut, state->commit, state->log_size,
                          state->n_names, losses[state->loss],
                          state->other_inode ? "another" : "the same", state->seed);
}
