/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The run of a job: its file is looked for, then its folder, then its transfer runs. */

#include "core/request/download-job-private.h"

#include "core/base/error.h"
#include "core/library/file-name.h"
#include "core/library/library.h"
#include "core/request/catalog-journal.h"

#include <errno.h>
#include <sys/stat.h>

/* Ends the job; the manager settles those whom it served. */
static void
end (DrayDownloadJob *self, gint64 asset_id, const GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_int (task, asset_id);
}

static void
transferred_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayDownloadJob) self = DRAY_DOWNLOAD_JOB (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayTransferResult) done
      = dray_transfer_run_finish (DRAY_TRANSFER (source), result, &error);

  end (self, done != NULL && done->known ? self->known_id : self->asset_id, error);

  /* The transfer holds the job as its resolver; without this, neither would ever be freed, nor the
   * transfer's threads. */
  g_clear_object (&self->transfer);
}

static gboolean
get_known (DrayDownloadJob *self, DrayKnownFile *known)
{
  DrayStoredAsset *asset = self->known_unchanged
                               ? dray_asset_table_find (self->engine->assets, self->known_id)
                               : NULL;

  if (asset == NULL)
    return FALSE;

  known->path = dray_stored_asset_get_path (asset);
  known->size = asset->record.total;
  known->sha256 = g_strdup (asset->record.sha256);
  known->length_proven = asset->record.length_proven;
  known->validator.etag = g_strdup (asset->record.etag);
  known->validator.last_modified = g_strdup (asset->record.last_modified);
  known->validator.date_gap = asset->record.date_gap;
  return TRUE;
}

static gboolean
wants_restart (DrayDownloadJob *self)
{
  for (guint i = 0; i < self->requests->len; i++)
    if (dray_request_get_wishes (g_ptr_array_index (self->requests, i))->restart_changed)
      return TRUE;

  return FALSE;
}

static void
run_transfer (DrayDownloadJob *self, DrayWorker *disk)
{
  DrayStoredAsset *asset = dray_download_job_get_asset (self);
  const DrayAssetRecord *record = &asset->record;
  DrayValidator validator = { record->etag, record->last_modified, record->date_gap };
  g_auto (DrayKnownFile) known = { 0 };
  g_autofree char *suggested = dray_file_name_from_url (record->url);
  g_autoptr (DrayJournal) journal
      = dray_catalog_journal_new (self->engine->catalog, self->engine->assets, asset);
  DrayTransferPlan plan = {
    .directory = record->directory,
    .name = record->name,
    .planned_name = record->planned_name,
    .suggested_name = suggested,
    .expected_sha256 = record->expected_sha256,
    .restart_changed = wants_restart (self),
    .total = record->total,
    .length_proven = record->length_proven,
    .validator = &validator,
    .identity = &record->identity,
    .sync_failed = record->sync_failed,
    .digest_tied = record->digest_tied,
    .pieces = asset->pieces,
    .blocks = asset->blocks,
    .boot_id = self->engine->boot_id,
    .interval = self->engine->interval,
    .rate_limit = dray_download_job_get_rate_limit (self),
    .limiter = self->engine->limiter,
    .network = self->engine->network,
    .n_connections = dray_download_job_get_connections (self),
  };

  if (get_known (self, &known))
    plan.known = &known;

  self->transfer = dray_transfer_new (&plan, self->engine->sessions, self->engine->hosts,
                                      disk, journal, DRAY_RESOLVER (self));
  dray_transfer_run_async (self->transfer, self->cancellable, transferred_cb,
                           g_object_ref (self));
}

/* What the scout is given and gives back. */
typedef struct
{
  DrayDownloadJob *job;
  char *directory;
  gboolean make;
  char *known_path; /* NULL for none */
  DrayFinishedFile known;
  gboolean known_unchanged;
  guint64 device;
  GError *error;
} Scouting;

static void
scouting_free (Scouting *scouting)
{
  g_object_unref (scouting->job);
  g_clear_error (&scouting->error);
  g_free (scouting->directory);
  g_free (scouting->known_path);
  g_free (scouting);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scouting, scouting_free)

/* The folder is made for a new download only: where an earlier one has lost its folder, a drive is
 * likely to be missing, and what would be made in its place would hide that. */
static void
scout_in_thread (gpointer data)
{
  Scouting *scouting = data;
  struct stat facts;

  if (scouting->make && g_mkdir_with_parents (scouting->directory, 0777) != 0)
    dray_set_file_error (&scouting->error, errno == ENOENT ? EACCES : errno, "make the folder",
                         scouting->directory);
  else if (stat (scouting->directory, &facts) != 0)
    dray_set_file_error (&scouting->error, errno, "find the folder", scouting->directory);
  else
    scouting->device = facts.st_dev;

  scouting->known_unchanged = scouting->known_path != NULL
                              && dray_library_has_file (scouting->known_path, &scouting->known);
}

static void
scouted_cb (gpointer data)
{
  g_autoptr (Scouting) scouting = data;
  DrayDownloadJob *self = scouting->job;

  self->known_unchanged = scouting->known_unchanged;
  if (scouting->error == NULL)
    g_cancellable_set_error_if_cancelled (self->cancellable, &scouting->error);

  if (scouting->error != NULL)
    end (self, 0, scouting->error);
  else
    run_transfer (self, dray_disks_get (self->engine->disks, scouting->device));
}

static void
scout (DrayDownloadJob *self)
{
  const DrayAssetRecord *record = &dray_download_job_get_asset (self)->record;
  const DrayStoredAsset *known = dray_asset_table_find (self->engine->assets, self->known_id);
  Scouting *scouting = g_new0 (Scouting, 1);

  scouting->job = g_object_ref (self);
  scouting->directory = g_strdup (record->directory);
  scouting->make = record->name == NULL;
  if (known != NULL)
    {
      scouting->known_path = dray_stored_asset_get_path (known);
      scouting->known = dray_stored_asset_get_finished (known);
    }
  dray_worker_push (dray_disks_get_scout (self->engine->disks), scout_in_thread, scouted_cb,
                    scouting);
}

/* Whether all whom the job serves have said what the bytes are. One who has not wants what the link
 * has now, and then it is fetched for all. */
static gboolean
do_all_expect (DrayDownloadJob *self, const char *sha256)
{
  for (guint i = 0; i < self->requests->len; i++)
    if (g_strcmp0 (dray_request_get_record (g_ptr_array_index (self->requests, i))->expected_sha256,
                   sha256)
        != 0)
      return FALSE;

  return self->requests->len > 0;
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayDownloadJob) self = DRAY_DOWNLOAD_JOB (user_data);
  g_autoptr (DrayAlreadyHere) look = g_steal_pointer (&self->look);
  DrayStoredAsset *asset = dray_download_job_get_asset (self);
  g_autoptr (GError) error = NULL;
  gboolean found = dray_already_here_run_finish (DRAY_ALREADY_HERE (source), result, &error);

  if (error != NULL)
    end (self, 0, error);
  else if (found && do_all_expect (self, asset->record.expected_sha256))
    end (self, dray_already_here_adopt (look, asset), NULL);
  else
    scout (self);
}

/**
 * dray_download_job_run_async:
 * @self: a job that has not run
 * @callback: called in the main thread when nothing moves any more
 * @user_data: for @callback
 */
void
dray_download_job_run_async (DrayDownloadJob *self,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  const DrayStoredAsset *asset = dray_download_job_get_asset (self);

  g_assert (self->task == NULL);

  self->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->task, dray_download_job_run_async);

  if (!dray_already_here_is_sensible (asset)
      || !do_all_expect (self, asset->record.expected_sha256))
    {
      scout (self);
      return;
    }
  self->look = dray_already_here_new (self->engine, asset);
  dray_already_here_run_async (self->look, self->cancellable, looked_cb, g_object_ref (self));
}

/**
 * dray_download_job_run_finish:
 * @self: a job
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: those of dray_transfer_run_finish(), and of finding the folder.
 *
 * Returns: the id of the finished asset, which may be one that was finished before; 0 with an error
 */
gint64
dray_download_job_run_finish (DrayDownloadJob *self, GAsyncResult *result, GError **error)
{
  gint64 asset_id;

  g_assert (g_task_is_valid (result, self));

  asset_id = g_task_propagate_int (G_TASK (result), error);
  return MAX (0, asset_id);
}
