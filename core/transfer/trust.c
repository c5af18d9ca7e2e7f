/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/trust.h"

#include "core/base/digest.h"

/**
 * dray_trust_apply:
 * @facts: what was recorded and what was found
 * @pieces: (element-type DrayPiece): the recorded pieces; their figures are lowered to what holds
 *
 * `written` holds if the same kernel still has the same file on the same mount of a fixed local
 * drive: then its page cache is the truth. Otherwise `synced` holds, if it is the same file. Where
 * another file stands in its place (a copy, a restored backup, a meddler's), only whole blocks with
 * a saved state hold, because the hasher proves each of them against the disk. Nothing
 * holds beyond the file's own end, nor after a failed sync.
 *
 * Returns: whether a `synced` was lowered, which must be recorded durably before a byte is written
 */
gboolean
dray_trust_apply (const DrayTrustFacts *facts, GArray *pieces)
{
  const DrayFileIdentity *recorded = facts->recorded;
  const DrayFileIdentity *found = facts->found;
  gboolean same_boot = *recorded->boot_id != '\0'
                       && g_str_equal (recorded->boot_id, found->boot_id);
  gboolean same_file = recorded->inode != 0 && recorded->inode == found->inode
                       && (!same_boot || recorded->device == found->device);
  gboolean same_mount = same_boot && recorded->mount == found->mount;
  gboolean lowered = FALSE;
  gint64 limit = facts->size;

  if (facts->sync_failed)
    limit = 0;
  else if (!same_file)
    limit = MIN (limit, facts->n_blocks * DRAY_BLOCK_SIZE);

  for (guint i = 0; i < pieces->len; i++)
    {
      DrayPiece *piece = &g_array_index (pieces, DrayPiece, i);
      gint64 held = same_file && same_mount && facts->fixed_drive ? piece->written : piece->synced;
      gint64 trusted = CLAMP (held, piece->start, MAX (piece->start, limit));

      lowered = lowered || trusted < piece->synced;
      piece->written = trusted;
      piece->synced = MIN (piece->synced, trusted);
    }

  return lowered;
}
