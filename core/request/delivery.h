/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What is left to do for one request when its bytes are complete: the file gets a place in the
 * folder that the request asked for, and for a load its header is read.
 *
 * The manager owns it and settles the request; the main thread's. The work is done in a
 * worker that it is lent.
 */

#pragma once

#include "core/request/engine.h"

G_BEGIN_DECLS

#define DRAY_TYPE_DELIVERY (dray_delivery_get_type ())
G_DECLARE_FINAL_TYPE (DrayDelivery, dray_delivery, DRAY, DELIVERY, GObject)

gboolean dray_delivery_is_needed (DrayEngine *engine, DrayRequest *request);

DrayDelivery *dray_delivery_new (DrayEngine *engine, DrayRequest *request);
DrayRequest *dray_delivery_get_request (DrayDelivery *self);
gboolean dray_delivery_is_running (DrayDelivery *self);
gboolean dray_delivery_must_wait (DrayDelivery *self, DrayDelivery *other);
void dray_delivery_run_async (DrayDelivery *self,
                              DrayWorker *worker,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean dray_delivery_run_finish (DrayDelivery *self, GAsyncResult *result, GError **error);
DrayWorker *dray_delivery_steal_worker (DrayDelivery *self);
void dray_delivery_cancel (DrayDelivery *self);

G_END_DECLS
