/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a caller may wish for a download.
 *
 * The caller makes and owns it; the manager reads it during the call that it is given to, keeps no
 * reference, and never stores the token. The main thread's.
 */

#pragma once

#include "core/transfer/dispatcher.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define DRAY_TYPE_DOWNLOAD_OPTIONS (dray_download_options_get_type ())
G_DECLARE_FINAL_TYPE (DrayDownloadOptions, dray_download_options, DRAY, DOWNLOAD_OPTIONS, GObject)

DrayDownloadOptions *dray_download_options_new (void);

const char *dray_download_options_get_directory (DrayDownloadOptions *self);
void dray_download_options_set_directory (DrayDownloadOptions *self, const char *directory);
const char *dray_download_options_get_sha256 (DrayDownloadOptions *self);
void dray_download_options_set_sha256 (DrayDownloadOptions *self, const char *sha256);
const char *dray_download_options_get_token (DrayDownloadOptions *self);
void dray_download_options_set_token (DrayDownloadOptions *self, const char *token);
gint64 dray_download_options_get_rate_limit (DrayDownloadOptions *self);
void dray_download_options_set_rate_limit (DrayDownloadOptions *self, gint64 rate_limit);
guint dray_download_options_get_connections (DrayDownloadOptions *self);
void dray_download_options_set_connections (DrayDownloadOptions *self, guint connections);
gboolean dray_download_options_get_restart_changed (DrayDownloadOptions *self);
void dray_download_options_set_restart_changed (DrayDownloadOptions *self,
                                                gboolean restart_changed);
const char *const *dray_download_options_get_without (DrayDownloadOptions *self);
void dray_download_options_set_without (DrayDownloadOptions *self, const char *const *without);
const char *dray_download_options_get_caller (DrayDownloadOptions *self);
void dray_download_options_set_caller (DrayDownloadOptions *self, const char *caller);

G_END_DECLS
