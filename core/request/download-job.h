/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One run of one asset's transfer, and the requests that it serves.
 *
 * The job finds the folder's disk thread, runs the transfer and shows its progress in the requests.
 * The manager owns it, and settles the requests at the end; the main thread's.
 */

#pragma once

#include "core/request/engine.h"

G_BEGIN_DECLS

#define DRAY_TYPE_DOWNLOAD_JOB (dray_download_job_get_type ())
G_DECLARE_FINAL_TYPE (DrayDownloadJob, dray_download_job, DRAY, DOWNLOAD_JOB, GObject)

DrayDownloadJob *dray_download_job_new (DrayEngine *engine, DrayStoredAsset *asset);
gint64 dray_download_job_get_asset_id (DrayDownloadJob *self);

DraySpaceNeed *dray_download_job_get_need (DrayDownloadJob *self);
gboolean dray_download_job_accepts (DrayDownloadJob *self);
void dray_download_job_add (DrayDownloadJob *self, DrayRequest *request);
gboolean dray_download_job_serves (DrayDownloadJob *self, DrayRequest *request);
GPtrArray *dray_download_job_get_requests (DrayDownloadJob *self);
gint64 dray_download_job_get_downloaded (DrayDownloadJob *self);
const DrayValidator *dray_download_job_get_validator (DrayDownloadJob *self, gint64 *total);
void dray_download_job_remove (DrayDownloadJob *self, DrayRequest *request);

void dray_download_job_run_async (DrayDownloadJob *self,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gint64 dray_download_job_run_finish (DrayDownloadJob *self, GAsyncResult *result, GError **error);
void dray_download_job_rate_changed (DrayDownloadJob *self);
void dray_download_job_try_now (DrayDownloadJob *self);
void dray_download_job_reconnect (DrayDownloadJob *self);
void dray_download_job_cancel (DrayDownloadJob *self);
void dray_download_job_sample (DrayDownloadJob *self);

G_END_DECLS
