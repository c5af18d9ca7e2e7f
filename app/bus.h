/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Names on the session bus: of the processes, the objects and the errors. Any thread.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DRAY_BUS_MANAGER_INTERFACE "org.dray.Dray.Manager1"
#define DRAY_BUS_REQUEST_INTERFACE "org.dray.Dray.Request1"

void dray_bus_register_errors (void);
char *dray_bus_get_path (void);
char *dray_bus_get_request_path (const char *manager_path, const char *id);
char *dray_bus_get_engine_name (void);
GDBusConnection *dray_bus_connect (void);
gboolean dray_bus_has_owner (GDBusConnection *connection, const char *name);

G_END_DECLS
