/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/space.h"

#include "core/base/piece.h"
#include "core/library/drive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one whose size nobody knows needs at least to be worth another try, in bytes. */
#define UNKNOWN_NEED ((gint64) 16 * 1024 * 1024)

/* No drive has so much, and sums of it still fit their type. */
#define SUM_MAX ((gint64) 1 << 61)

struct _DraySpaceNeed
{
  char *directory;
  char *part_path; /* NULL before it has a name */
  gint64 total;
};

/**
 * dray_space_need_new:
 * @directory: the folder of a download
 * @part_path: (nullable): its partial file, once that has a name
 * @total: its size in bytes, or %DRAY_SIZE_UNKNOWN
 *
 * Returns: (transfer full): what it needs
 */
DraySpaceNeed *
dray_space_need_new (const char *directory, const char *part_path, gint64 total)
{
  DraySpaceNeed *need = g_new0 (DraySpaceNeed, 1);

  need->directory = g_strdup (directory);
  need->part_path = g_strdup (part_path);
  need->total = total;

  return need;
}

void
dray_space_need_free (DraySpaceNeed *need)
{
  g_free (need->directory);
  g_free (need->part_path);
  g_free (need);
}

/* How many bytes have no room set aside yet. */
static gint64
get_lacking (const DraySpaceNeed *need)
{
  struct stat facts;

  if (need->total == DRAY_SIZE_UNKNOWN)
    return UNKNOWN_NEED;
  if (need->part_path == NULL || lstat (need->part_path, &facts) != 0)
    return need->total;

  return MAX (0, need->total - (gint64) facts.st_blocks * 512);
}

/**
 * dray_space_get_missing:
 * @need: a need
 *
 * Returns: how many bytes its drive has too few, with what is left to everybody else; 0 if there is
 *   room, or if the drive does not tell
 */
gint64
dray_space_get_missing (const DraySpaceNeed *need)
{
  int fd = open (need->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gint64 missing = fd >= 0 ? dray_drive_get_missing (fd, get_lacking (need)) : 0;

  if (fd >= 0)
    close (fd);
  return missing;
}

/**
 * dray_space_sum_up:
 * @needs: (element-type DraySpaceNeed) (nullable): what others need, wherever
 * @directory: an existing folder
 *
 * Returns: how many bytes those of them whose drive is that of @directory still need there, as far
 *   as their sizes are known
 */
gint64
dray_space_sum_up (GPtrArray *needs, const char *directory)
{
  struct stat here, there;
  gint64 sum = 0;

  if (needs == NULL || stat (directory, &here) != 0)
    return 0;

  for (guint i = 0; i < needs->len; i++)
    {
      const DraySpaceNeed *need = g_ptr_array_index (needs, i);

      if (need->total != DRAY_SIZE_UNKNOWN && stat (need->directory, &there) == 0
          && there.st_dev == here.st_dev)
        sum = MIN (sum + get_lacking (need), SUM_MAX);
    }

  return sum;
}
