/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/power-recovery.h"

#include "core/catalog/catalog.h"

/* Whether the bytes from @start to @end of a file were safe after so many calls. */
static gboolean
is_safe (const PowerTimeline *timeline, guint cut, guint file, gint64 start, gint64 end)
{
  gint64 reached = start;
  gboolean advanced = TRUE;

  while (reached < end && advanced)
    {
      advanced = FALSE;
      for (guint i = 0; i < cut; i++)
        {
          const PowerOp *op = power_timeline_get_op (timeline, i);

          if (op->kind != POWER_WRITE || op->file != file
              || g_array_index (timeline->safe, guint, i) > cut || op->offset > reached
              || op->offset + (gint64) g_bytes_get_size (op->bytes) <= reached)
            continue;
          reached = op->offset + (gint64) g_bytes_get_size (op->bytes);
          advanced = TRUE;
        }
    }

  return reached >= end;
}

/* The last file that was made with that inode. */
static guint
find_file (const PowerTimeline *timeline, guint cut, guint64 inode)
{
  guint file = G_MAXUINT;

  for (guint i = 0; i < cut; i++)
    {
      const PowerOp *op = power_timeline_get_op (timeline, i);

      if (op->kind == POWER_CREATE
          && g_array_index (timeline->tape->inodes, guint64, op->file) == inode)
        file = op->file;
    }

  return file;
}

static void
check_asset (const PowerTimeline *timeline, guint commit, const DrayStoredAsset *asset)
{
  guint cut = g_array_index (timeline->commits, PowerCommit, commit).written;
  guint file = find_file (timeline, cut, asset->record.identity.inode);

  for (guint i = 0; i < asset->pieces->len; i++)
    {
      const DrayPiece *piece = &g_array_index (asset->pieces, DrayPiece, i);

      if (!is_safe (timeline, cut, file, piece->start, piece->synced))
        g_error ("Commit %u calls the bytes from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                 " synced, which they were not",
                 commit, piece->start, piece->synced);
    }
}

/**
 * power_rig_check_synced:
 * @rig: a rig
 * @timeline: what was recorded on it
 *
 * Aborts the test if a commit calls bytes synced that were not safe when it was written. After a
 * failed sync the figures stay, but do not count.
 */
void
power_rig_check_synced (PowerRig *rig, const PowerTimeline *timeline)
{
  for (guint i = 1; i < timeline->commits->len; i++)
    {
      const PowerCommit *commit = &g_array_index (timeline->commits, PowerCommit, i);
      g_autoptr (DrayCatalogContents) contents = NULL;
      g_autoptr (GError) error = NULL;

      power_timeline_restore_catalog (timeline, commit->written, commit->end, rig->catalog_path);
      contents = dray_catalog_read (rig->catalog_path, &error);
      g_assert_no_error (error);
      for (guint j = 0; j < contents->assets->len; j++)
        check_asset (timeline, i, g_ptr_array_index (contents->assets, j));
    }
}
