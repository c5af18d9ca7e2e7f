/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/power-state.h"

#include <string.h>

/* The format of the write-ahead log (https://sqlite.org/fileformat2.html#walformat). */
#define LOG_HEADER_SIZE 32
#define FRAME_HEADER_SIZE 24

const PowerOp *
power_timeline_get_op (const PowerTimeline *timeline, guint i)
{
  return g_ptr_array_index (timeline->tape->ops, i);
}

/* Whether the call changes the names in the folder. */
gboolean
power_op_is_of_name (const PowerOp *op)
{
  return op->kind == POWER_CREATE || op->kind == POWER_LINK || op->kind == POWER_RENAME
         || op->kind == POWER_UNLINK;
}

/* Whether @sync, if it succeeds, makes @op safe. */
static gboolean
covers (const PowerOp *sync, const PowerOp *op)
{
  switch (sync->kind)
    {
    case POWER_SYNC:
    case POWER_SYNC_FAILED:
      return (op->kind == POWER_WRITE || op->kind == POWER_RESIZE) && op->file == sync->file;

    case POWER_FOLDER_SYNC:
      return power_op_is_of_name (op);

    case POWER_LOG_SYNC:
      return op->kind == POWER_LOG_WRITE;

    case POWER_WRITE:
    case POWER_RESIZE:
    case POWER_CREATE:
    case POWER_LINK:
    case POWER_RENAME:
    case POWER_UNLINK:
    case POWER_LOG_WRITE:
    default:
      return FALSE;
    }
}

/* The first sync that began after the call decides: after one that failed, the kernel takes the
 * bytes for written, and a later sync does not try again. */
static guint
find_safe (const PowerTimeline *timeline, guint position)
{
  const PowerOp *op = power_timeline_get_op (timeline, position);

  for (guint i = position + 1; i < timeline->tape->ops->len; i++)
    {
      const PowerOp *sync = power_timeline_get_op (timeline, i);

      if (sync->since > position && covers (sync, op))
        return sync->kind == POWER_SYNC_FAILED ? G_MAXUINT : i + 1;
    }

  return G_MAXUINT;
}

/* A commit is the frame whose header tells the size of the database. */
static void
find_commits (PowerTimeline *timeline)
{
  PowerCommit commit = { 0, 0, timeline->tape->log->len };
  gboolean last_frame = FALSE;

  g_array_append_val (timeline->commits, commit);
  for (guint i = 0; i < timeline->tape->ops->len; i++)
    {
      const PowerOp *op = power_timeline_get_op (timeline, i);
      const guint8 *bytes;
      gsize n_bytes;

      if (op->kind != POWER_LOG_WRITE)
        continue;

      bytes = g_bytes_get_data (op->bytes, &n_bytes);
      if (n_bytes == FRAME_HEADER_SIZE)
        {
          g_assert_cmpint (op->offset, >=, commit.end);
          last_frame = memcmp (bytes + 4, "\0\0\0\0", 4) != 0;
        }
      else if (n_bytes != LOG_HEADER_SIZE && last_frame)
        {
          commit.written = i + 1;
          commit.safe = g_array_index (timeline->safe, guint, i);
          commit.end = op->offset + (gint64) n_bytes;
          g_array_append_val (timeline->commits, commit);
          last_frame = FALSE;
        }
    }
}

static gboolean
is_commit (const PowerTimeline *timeline, guint written)
{
  for (guint i = 0; i < timeline->commits->len; i++)
    if (g_array_index (timeline->commits, PowerCommit, i).written == written)
      return TRUE;

  return FALSE;
}

/**
 * power_timeline_new:
 * @tape: a tape; must outlive the timeline
 *
 * Returns: (transfer full): when each call of @tape became safe, and where it may be cut
 */
PowerTimeline *
power_timeline_new (const PowerTape *tape)
{
  PowerTimeline *timeline = g_new0 (PowerTimeline, 1);

  timeline->tape = tape;
  timeline->safe = g_array_new (FALSE, FALSE, sizeof (guint));
  timeline->commits = g_array_new (FALSE, FALSE, sizeof (PowerCommit));
  timeline->cuts = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < tape->ops->len; i++)
    {
      guint safe = find_safe (timeline, i);

      g_array_append_val (timeline->safe, safe);
    }
  find_commits (timeline);
  for (guint cut = 0; cut <= tape->ops->len; cut++)
    {
      if (cut == 0 || power_timeline_get_op (timeline, cut - 1)->kind != POWER_LOG_WRITE
          || is_commit (timeline, cut))
        g_array_append_val (timeline->cuts, cut);
    }

  return timeline;
}

void
power_timeline_free (PowerTimeline *timeline)
{
  g_array_unref (timeline->safe);
  g_array_unref (timeline->commits);
  g_array_unref (timeline->cuts);
  g_free (timeline);
}

/* So that any number of cuts from the front is a sample of all. */
void
power_timeline_shuffle (PowerTimeline *timeline, GRand *random)
{
  guint *cuts = (guint *) timeline->cuts->data;

  for (guint i = timeline->cuts->len; i > 1; i--)
    {
      guint other = (guint) g_rand_int_range (random, 0, (gint32) i);
      guint kept = cuts[i - 1];

      cuts[i - 1] = cuts[other];
      cuts[other] = kept;
    }
}
