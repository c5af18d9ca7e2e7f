/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the requests of one model come to: a plain value, computed from them and nothing else.
 *
 * Bytes and speed are those of transfers: requests with one download key share a transfer, which
 * counts once, by the one of them that is furthest on its way. The main thread's.
 */

#pragma once

#include "core/request/model.h"

G_BEGIN_DECLS

typedef struct
{
  DrayRequestState state; /* of the request that speaks for the model */
  guint n_files;
  gint64 downloaded;
  gint64 total; /* DRAY_SIZE_UNKNOWN while that of any file is */
  gint64 speed;
  gint64 eta; /* in seconds; -1 while nobody can tell */
} DrayModelSums;

#define DRAY_MODEL_SUMS_INIT ((DrayModelSums){ .state = DRAY_REQUEST_DISCARDED, .eta = -1 })

DrayModelSums dray_model_sums_of (GPtrArray *requests);
DrayModelSection dray_model_sums_get_section (const DrayModelSums *self);
double dray_model_sums_get_percentage (const DrayModelSums *self);

G_END_DECLS
