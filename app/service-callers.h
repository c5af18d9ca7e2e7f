/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Which caller on the bus is behind which request, until the caller leaves the bus.
 *
 * The service owns it. The main thread's.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * DrayServiceCallerLeft:
 * @id: the id of a request of a caller that has left the bus
 * @user_data: as given to dray_service_callers_new()
 */
typedef void (*DrayServiceCallerLeft) (const char *id, gpointer user_data);

typedef struct _DrayServiceCallers DrayServiceCallers;

DrayServiceCallers *dray_service_callers_new (GDBusConnection *connection,
                                              DrayServiceCallerLeft left,
                                              gpointer user_data);
void dray_service_callers_free (DrayServiceCallers *callers);
void dray_service_callers_add (DrayServiceCallers *callers, const char *name, const char *id);
void dray_service_callers_forget (DrayServiceCallers *callers, const char *id);

G_END_DECLS
