/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/disks.h"

struct _DrayDisks
{
  GHashTable *workers; /* guint64 → DrayWorker */
  DrayWorker *scout;
};

DrayDisks *
dray_disks_new (void)
{
  DrayDisks *disks = g_new0 (DrayDisks, 1);

  disks->workers = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                          (GDestroyNotify) dray_worker_free);
  disks->scout = dray_worker_new ("scout");
  return disks;
}

/**
 * dray_disks_free:
 * @disks: (transfer full): the disk threads
 *
 * Waits for what they are doing; what comes back from it runs here.
 */
void
dray_disks_free (DrayDisks *disks)
{
  dray_worker_free (disks->scout);
  g_hash_table_unref (disks->workers);
  g_free (disks);
}

/**
 * dray_disks_get:
 * @disks: the disk threads
 * @device: the `st_dev` of a filesystem
 *
 * Returns: (transfer none): the thread for its slow calls
 */
DrayWorker *
dray_disks_get (DrayDisks *disks, guint64 device)
{
  DrayWorker *worker = g_hash_table_lookup (disks->workers, &device);

  if (worker == NULL)
    {
      worker = dray_worker_new ("disk");
      g_hash_table_insert (disks->workers, g_memdup2 (&device, sizeof device), worker);
    }

  return worker;
}

/**
 * dray_disks_get_scout:
 * @disks: the disk threads
 *
 * Returns: (transfer none): the thread that looks on which filesystem a folder is, which may hang
 *   where a network mount does
 */
DrayWorker *
dray_disks_get_scout (DrayDisks *disks)
{
  return disks->scout;
}
