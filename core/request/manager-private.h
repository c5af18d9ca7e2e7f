/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a manager, shared by manager.c (opening, closing, jobs), manager-download.c (asking)
 * and manager-cancel.c (pausing, discarding, sweeping, removing).
 */

#pragma once

#include "core/request/download-job.h"
#include "core/request/manager.h"

G_BEGIN_DECLS

typedef struct _DrayCancel DrayCancel;

struct _DrayManager
{
  GObject parent_instance;

  char *catalog_path;
  char *library_root;
  DrayEngine engine;
  GListStore *requests; /* of DrayRequest */
  GPtrArray *jobs;      /* of DrayDownloadJob, those that run */
  GPtrArray *cancels;   /* of DrayCancel, those that wait for a job's end */
  guint n_operations;   /* what must end before the manager may close */
  guint sample_source;
  GTask *closing; /* NULL unless the manager is closing */
};

void dray_manager_begin_operation (DrayManager *self);
void dray_manager_end_operation (DrayManager *self);
DrayRequest *dray_manager_get_request (DrayManager *self, guint position);
DrayDownloadJob *dray_manager_find_job (DrayManager *self, gint64 asset_id);
void dray_manager_run (DrayManager *self, DrayRequest *request);
gboolean dray_manager_is_wanted (DrayManager *self, gint64 asset_id);

/* manager-cancel.c */
void dray_manager_job_ended (DrayManager *self);

G_END_DECLS
