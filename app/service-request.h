/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One request on the bus. Its properties follow at each flush, and at once when its state changes.
 *
 * The service owns it. The main thread's.
 */

#pragma once

#include "core/request/request.h"

G_BEGIN_DECLS

typedef struct _DrayServiceRequest DrayServiceRequest;

/* Called when properties of a request wait for a flush. */
typedef void (*DrayServiceRequestMoved) (gpointer user_data);

DrayServiceRequest *dray_service_request_new (DrayRequest *request,
                                              GDBusObjectManagerServer *objects,
                                              DrayServiceRequestMoved moved,
                                              gpointer user_data);
void dray_service_request_free (DrayServiceRequest *self);
gboolean dray_service_request_flush (DrayServiceRequest *self);

G_END_DECLS
