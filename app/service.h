/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The manager on the session bus: data/org.dray.Dray.Manager1.xml.
 *
 * Whoever runs the engine makes a service, gives it the manager when that is open, and ends it when
 * the manager is closed. Calls that come before are answered when there is one. The main thread's.
 */

#pragma once

#include "core/request/manager.h"

G_BEGIN_DECLS

#define DRAY_TYPE_SERVICE (dray_service_get_type ())
G_DECLARE_FINAL_TYPE (DrayService, dray_service, DRAY, SERVICE, GObject)

DrayService *dray_service_new (GDBusConnection *connection, const char *path, GError **error);
void dray_service_set_manager (DrayService *self, DrayManager *manager);
gint64 dray_service_get_last_use (DrayService *self);
void dray_service_fail (DrayService *self, const GError *error);
void dray_service_begin_closing (DrayService *self);
void dray_service_end (DrayService *self);

G_END_DECLS
