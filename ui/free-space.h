/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How much room there is on the drive of a folder: a property `bytes`, asked for off the main
 * thread. Looks when told to, and every few seconds while it is active. The main thread's.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DRAY_TYPE_FREE_SPACE (dray_free_space_get_type ())
G_DECLARE_FINAL_TYPE (DrayFreeSpace, dray_free_space, DRAY, FREE_SPACE, GObject)

DrayFreeSpace *dray_free_space_new (const char *folder);
void dray_free_space_set_folder (DrayFreeSpace *self, const char *folder);
void dray_free_space_set_active (DrayFreeSpace *self, gboolean active);
void dray_free_space_refresh (DrayFreeSpace *self);
gint64 dray_free_space_get_bytes (DrayFreeSpace *self);

G_END_DECLS
