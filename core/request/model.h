/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A model as the caller's list shows it: the requests with one model id, and their sums.
 *
 * A #GListModel of the #DrayRequest that are shown of it: of those that completed one and the same
 * file, the first. Made and filled by a #DrayModelList. Its sums follow the requests, at most ten
 * times a second. The main thread's.
 */

#pragma once

#include "core/request/request.h"

G_BEGIN_DECLS

/**
 * DrayModelSection:
 * @DRAY_MODEL_IN_PROGRESS: a request of it runs
 * @DRAY_MODEL_NEEDS_YOU: none runs, and one failed
 * @DRAY_MODEL_PAUSED: none runs or failed, and one is paused
 * @DRAY_MODEL_FINISHED: all are complete
 *
 * Where in a list of downloads a model belongs.
 */
typedef enum
{
  DRAY_MODEL_IN_PROGRESS,
  DRAY_MODEL_NEEDS_YOU,
  DRAY_MODEL_PAUSED,
  DRAY_MODEL_FINISHED,
} DrayModelSection;

#define DRAY_N_MODEL_SECTIONS (DRAY_MODEL_FINISHED + 1)

#define DRAY_TYPE_MODEL_SECTION (dray_model_section_get_type ())
GType dray_model_section_get_type (void);

#define DRAY_TYPE_MODEL (dray_model_get_type ())
G_DECLARE_FINAL_TYPE (DrayModel, dray_model, DRAY, MODEL, GObject)

const char *dray_model_get_id (DrayModel *self);
const char *dray_model_get_title (DrayModel *self);
const char *dray_model_get_variant (DrayModel *self);
const char *dray_model_get_publisher (DrayModel *self);
guint dray_model_get_n_requests (DrayModel *self);
guint dray_model_get_n_files (DrayModel *self);
DrayRequest *dray_model_get_request (DrayModel *self, guint position);
DrayRequestState dray_model_get_state (DrayModel *self);
DrayModelSection dray_model_get_section (DrayModel *self);
gint64 dray_model_get_downloaded (DrayModel *self);
gint64 dray_model_get_total (DrayModel *self);
double dray_model_get_percentage (DrayModel *self);
gint64 dray_model_get_speed (DrayModel *self);
gint64 dray_model_get_eta (DrayModel *self);

G_END_DECLS
