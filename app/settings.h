/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a person has chosen and the window remembers: GSettings, whose keys the schema
 * `data/dray.gschema.xml.in` describes.
 *
 * Where the schema is not installed there are no settings, and the defaults hold. The main thread's.
 */

#pragma once

#include "core/request/manager.h"

G_BEGIN_DECLS

/* The keys. */
#define DRAY_SETTING_LIBRARY "library-folder"
#define DRAY_SETTING_RESUME "resume-at-start"
#define DRAY_SETTING_MAX_TRANSFERS "max-transfers"
#define DRAY_SETTING_RATE_LIMIT "rate-limit"
#define DRAY_SETTING_WIDTH "window-width"
#define DRAY_SETTING_HEIGHT "window-height"
#define DRAY_SETTING_MAXIMIZED "window-maximized"

GSettings *dray_settings_open (void);
char *dray_settings_dup_library (GSettings *settings);
void dray_settings_bind_size (GSettings *settings, GObject *window);
void dray_settings_set_up_manager (GSettings *settings, DrayManager *manager, gboolean is_window);

G_END_DECLS
