/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The manager: the front door of the core, which all callers share.
 *
 * It owns the catalog, the requests and the transfers, and with them the truth; the catalog is what
 * it would need to remember. One process at a time has a manager on one catalog. The main thread's;
 * nothing here blocks.
 */

#pragma once

#include "core/request/download-options.h"
#include "core/request/request.h"

G_BEGIN_DECLS

#define DRAY_TYPE_MANAGER (dray_manager_get_type ())
G_DECLARE_FINAL_TYPE (DrayManager, dray_manager, DRAY, MANAGER, GObject)

DrayManager *dray_manager_new (const char *catalog_path, const char *library_root);
void dray_manager_set_boot_id (DrayManager *self, const char *boot_id);
void dray_manager_set_interval (DrayManager *self, guint milliseconds);
void dray_manager_set_resumes (DrayManager *self, gboolean resumes);
void dray_manager_set_max_transfers (DrayManager *self, guint max_transfers);
void dray_manager_set_rate_limit (DrayManager *self, guint64 rate_limit);

void dray_manager_open_async (DrayManager *self,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean dray_manager_open_finish (DrayManager *self, GAsyncResult *result, GError **error);
void dray_manager_close_async (DrayManager *self,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
void dray_manager_close_finish (DrayManager *self, GAsyncResult *result);

GListModel *dray_manager_get_requests (DrayManager *self);
DrayRequest *dray_manager_find_request (DrayManager *self, const char *id);

DrayRequest *dray_manager_download_asset (DrayManager *self,
                                          const char *source,
                                          DrayDownloadOptions *options,
                                          GError **error);
DrayRequest *dray_manager_load_model (DrayManager *self,
                                      const char *source,
                                      DrayDownloadOptions *options,
                                      GError **error);
gboolean dray_manager_resume (DrayManager *self,
                              const char *id,
                              gboolean restart_changed,
                              GError **error);
void dray_manager_cancel_async (DrayManager *self,
                                const char *id,
                                gboolean clear_cache,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
void dray_manager_cancel_model_async (DrayManager *self,
                                      const char *model_id,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
guint dray_manager_cancel_finish (DrayManager *self, GAsyncResult *result);
guint dray_manager_cancel_model_finish (DrayManager *self, GAsyncResult *result);
void dray_manager_remove_async (DrayManager *self,
                                const char *id,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean dray_manager_remove_finish (DrayManager *self, GAsyncResult *result, GError **error);

void dray_manager_hold_async (DrayManager *self,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
void dray_manager_hold_finish (DrayManager *self, GAsyncResult *result);
void dray_manager_release (DrayManager *self);
gboolean dray_manager_get_held (DrayManager *self);
gboolean dray_manager_move (DrayManager *self, const char *id, guint position, GError **error);
gboolean dray_manager_start_now (DrayManager *self, const char *id, GError **error);

G_END_DECLS
