/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a job, shared by download-job.c (whom it serves, and what its transfer asks of it)
 * and download-job-run.c (its run).
 */

#pragma once

#include "core/request/already-here.h"
#include "core/request/download-job.h"

G_BEGIN_DECLS

struct _DrayDownloadJob
{
  GObject parent_instance;

  DrayEngine *engine;
  gint64 asset_id;
  gint64 known_id; /* of a finished asset with the same key; 0 for none */
  gboolean known_unchanged;
  gint64 total;        /* as the server says it */
  gboolean is_planned; /* its drive was, or is being, asked for room */
  GPtrArray *requests; /* of DrayRequest */
  GCancellable *cancellable;
  DrayAlreadyHere *look;  /* NULL unless the file is looked for */
  DrayTransfer *transfer; /* NULL until the folder is known */
  GTask *task;
};

DrayStoredAsset *dray_download_job_get_asset (DrayDownloadJob *self);
gint64 dray_download_job_get_rate_limit (DrayDownloadJob *self);
guint dray_download_job_get_connections (DrayDownloadJob *self);

G_END_DECLS
