/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/comparison.h"

#include "core/base/error.h"

#include <string.h>

static gboolean
compare (const DrayComparison *comparison,
         gint64 position,
         const guint8 *bytes,
         gsize n_bytes,
         gboolean *equal,
         GError **error)
{
  gssize n =
      dray_partial_file_read (comparison->file, position, comparison->buffer, n_bytes, error);

  *equal = n >= 0 && (gsize) n == n_bytes && memcmp (bytes, comparison->buffer, n_bytes) == 0;
  return n >= 0;
}

/**
 * dray_comparison_check:
 * @comparison: what to compare with
 * @position: where the first byte belongs
 * @bytes: the bytes
 * @n_bytes: how many
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_CHANGED if they are others than those on the disk; those of the disk.
 *
 * Returns: whether they are the same
 */
gboolean
dray_comparison_check (const DrayComparison *comparison,
                       gint64 position,
                       const guint8 *bytes,
                       gsize n_bytes,
                       GError **error)
{
  gboolean equal;

  if (!compare (comparison, position, bytes, n_bytes, &equal, error))
    return FALSE;
  if (!equal)
    g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CHANGED,
                         "The file on the server is not the one that was begun");

  return equal;
}

/**
 * dray_comparison_replace:
 * @comparison: what to compare with
 * @position: where the first byte belongs
 * @bytes: the bytes
 * @n_bytes: how many
 * @error: return location for a #GError
 *
 * Writes them where they differ from those on the disk, and tells the hasher before.
 *
 * Returns: whether they are on the disk
 */
gboolean
dray_comparison_replace (const DrayComparison *comparison,
                         gint64 position,
                         const guint8 *bytes,
                         gsize n_bytes,
                         GError **error)
{
  while (n_bytes > 0)
    {
      gint64 block_end = (position / DRAY_BLOCK_SIZE + 1) * DRAY_BLOCK_SIZE;
      gsize n = MIN (n_bytes, (gsize) (block_end - position));
      gboolean equal;

      if (!compare (comparison, position, bytes, n, &equal, error))
        return FALSE;
      if (!equal)
        {
          dray_hasher_note_difference (comparison->hasher, position);
          if (!dray_partial_file_write (comparison->file, position, bytes, n, error))
            return FALSE;
        }
      position += (gint64) n;
      bytes += n;
      n_bytes -= n;
    }

  return TRUE;
}
