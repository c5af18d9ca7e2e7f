/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The window. It shows the downloads that the application gives it; links come in by the Add
 * dialog, by paste and by drop.
 */

#pragma once

#include "ui/downloads.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define DRAY_TYPE_WINDOW (dray_window_get_type ())
G_DECLARE_FINAL_TYPE (DrayWindow, dray_window, DRAY, WINDOW, AdwApplicationWindow)

DrayWindow *dray_window_new (GtkApplication *application);
void dray_window_set_downloads (DrayWindow *self, DrayDownloads *downloads);
void dray_window_set_library (DrayWindow *self, const char *folder, gboolean can_change);
void dray_window_tell (DrayWindow *self, const char *message);
void dray_window_set_failure (DrayWindow *self, const char *message);
void dray_window_add_sources (DrayWindow *self,
                              const char *const *sources,
                              const char *directory,
                              const char *const *without);
void dray_window_close_downloads (DrayWindow *self);

G_END_DECLS
