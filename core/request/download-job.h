/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One run of one asset's transfer, and the requests that it serves.
 *
 * The job finds the folder's disk thread, runs the transfer, shows its progress in the requests and
 * settles them at the end. The manager owns it; the main thread's.
 */

#pragma once

#include "core/request/engine.h"

G_BEGIN_DECLS

#define DRAY_TYPE_DOWNLOAD_JOB (dray_download_job_get_type ())
G_DECLARE_FINAL_TYPE (DrayDownloadJob, dray_download_job, DRAY, DOWNLOAD_JOB, GObject)

/**
 * DrayJobOptions:
 * @token: (nullable): a bearer token for the origin of the asset's link; lives as long as the job
 * @rate_limit: bytes per second, or %DRAY_RATE_UNLIMITED
 * @restart_changed: whether to start over if the file on the server has changed
 * @known: (nullable): the asset of the same link that an earlier job finished; if its file is as it
 *   was made and the server still has that version, the job ends with it
 */
typedef struct
{
  const char *token;
  gint64 rate_limit;
  gboolean restart_changed;
  const DrayStoredAsset *known;
} DrayJobOptions;

DrayDownloadJob *dray_download_job_new (DrayEngine *engine,
                                        DrayStoredAsset *asset,
                                        const DrayJobOptions *options);
gint64 dray_download_job_get_asset_id (DrayDownloadJob *self);

void dray_download_job_add (DrayDownloadJob *self, DrayRequest *request);
gboolean dray_download_job_serves (DrayDownloadJob *self, DrayRequest *request);
guint dray_download_job_count (DrayDownloadJob *self);
void dray_download_job_remove (DrayDownloadJob *self, DrayRequest *request);

void dray_download_job_run_async (DrayDownloadJob *self,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
void dray_download_job_run_finish (DrayDownloadJob *self, GAsyncResult *result);
void dray_download_job_cancel (DrayDownloadJob *self);
gboolean dray_download_job_is_cancelled (DrayDownloadJob *self);
void dray_download_job_sample (DrayDownloadJob *self);

G_END_DECLS
