/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What only the manager and its jobs do to a request. */

#pragma once

#include "core/catalog/records.h"
#include "core/request/request.h"
#include "core/transfer/transfer.h"

G_BEGIN_DECLS

/**
 * DrayRequestWishes:
 * @token: (nullable): a bearer token for the origin of the source
 * @rate_limit: bytes per second, or %DRAY_RATE_UNLIMITED
 * @restart_changed: whether to start over if the file on the server has changed
 *
 * What a caller wished for the run that comes next; never stored.
 */
typedef struct
{
  char *token;
  gint64 rate_limit;
  gboolean restart_changed;
} DrayRequestWishes;

DrayRequest *dray_request_new (const DrayRequestRecord *record);
const DrayRequestRecord *dray_request_get_record (DrayRequest *self);
DrayRequestWishes *dray_request_get_wishes (DrayRequest *self);
void dray_request_set_asset (DrayRequest *self, const DrayStoredAsset *asset);
void dray_request_set_progress (DrayRequest *self, const DrayTransferProgress *progress);
gboolean dray_request_set_state (DrayRequest *self, DrayRequestState state);
void dray_request_settle (DrayRequest *self, DrayRequestState state, const GError *error);

G_END_DECLS
