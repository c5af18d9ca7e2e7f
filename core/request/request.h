/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A request: one caller's wish, a lasting row with an id that is readable at once.
 *
 * The manager makes and drives requests; callers read their properties, listen to `notify`, and
 * await how they settle. A request settles each time it completes, pauses, fails or is discarded,
 * and may run again under the same id. The main thread's.
 */

#pragma once

#include "core/inspect/facts.h"
#include "core/request/request-state.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DRAY_TYPE_REQUEST (dray_request_get_type ())
G_DECLARE_FINAL_TYPE (DrayRequest, dray_request, DRAY, REQUEST, GObject)

const char *dray_request_get_id (DrayRequest *self);
const char *dray_request_get_kind (DrayRequest *self);
const char *dray_request_get_parent_id (DrayRequest *self);
gboolean dray_request_is_parent (DrayRequest *self);
const char *dray_request_get_source (DrayRequest *self);
const char *dray_request_get_model_id (DrayRequest *self);
const char *dray_request_get_caller (DrayRequest *self);
const char *dray_request_get_download_key (DrayRequest *self);
DrayRequestState dray_request_get_state (DrayRequest *self);
gboolean dray_request_is_running (DrayRequest *self);
const char *dray_request_get_reason (DrayRequest *self);
const char *dray_request_get_also_for (DrayRequest *self);
gint64 dray_request_get_missing (DrayRequest *self);
gint64 dray_request_get_wait (DrayRequest *self);
gint dray_request_get_queue_position (DrayRequest *self);
gint64 dray_request_get_downloaded (DrayRequest *self);
gint64 dray_request_get_total (DrayRequest *self);
double dray_request_get_percentage (DrayRequest *self);
gint64 dray_request_get_speed (DrayRequest *self);
gint64 dray_request_get_eta (DrayRequest *self);
const char *dray_request_get_path (DrayRequest *self);
const char *dray_request_get_result (DrayRequest *self);
const char *dray_request_get_sha256 (DrayRequest *self);
gboolean dray_request_is_digest_expected (DrayRequest *self);
gboolean dray_request_is_length_proven (DrayRequest *self);
const char *dray_request_get_external (DrayRequest *self);
const char *dray_request_get_verified (DrayRequest *self);
const DrayModelFacts *dray_request_get_facts (DrayRequest *self);
const char *dray_request_get_error_name (DrayRequest *self);
const char *dray_request_get_error_message (DrayRequest *self);
const GError *dray_request_get_error (DrayRequest *self);

void dray_request_await_async (DrayRequest *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
char *dray_request_await_finish (DrayRequest *self, GAsyncResult *result, GError **error);

G_END_DECLS
