/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the window does to downloads: the manager's calls by the id of a request or of a model, and
 * the Discard that can be undone. Knows no widget. The main thread's.
 *
 * A discard pauses and hides its rows at once; the bytes go when it is committed. Until then the
 * rows are only hidden, so a crash brings them back, paused.
 */

#pragma once

#include "core/request/manager.h"
#include "core/request/model-list.h"

G_BEGIN_DECLS

#define DRAY_TYPE_DOWNLOADS (dray_downloads_get_type ())
G_DECLARE_FINAL_TYPE (DrayDownloads, dray_downloads, DRAY, DOWNLOADS, GObject)

/* Who the window is among the callers of the manager. */
#define DRAY_WINDOW_CALLER "window"

DrayDownloads *dray_downloads_new (DrayManager *manager);
DrayDownloads *dray_downloads_new_read_only (GListModel *requests);
gboolean dray_downloads_is_read_only (DrayDownloads *self);
GListModel *dray_downloads_get_models (DrayDownloads *self);

DrayRequest *dray_downloads_add (DrayDownloads *self,
                                 const char *source,
                                 const char *directory,
                                 const char *const *without,
                                 GError **error);
void dray_downloads_pause (DrayDownloads *self, const char *id);
void dray_downloads_resume (DrayDownloads *self, const char *id, gboolean restart_changed);
GStrv dray_downloads_cancel_model (DrayDownloads *self, const char *model_id, gint64 *kept);
void dray_downloads_remove (DrayDownloads *self, const char *id);
void dray_downloads_bind_held (DrayDownloads *self, GObject *target);
gboolean dray_downloads_get_held (DrayDownloads *self);
void dray_downloads_hold (DrayDownloads *self);
void dray_downloads_release (DrayDownloads *self);
char *dray_downloads_dup_others (DrayDownloads *self, const char *id);
void dray_downloads_pause_everywhere (DrayDownloads *self, const char *id);
void dray_downloads_start_now (DrayDownloads *self, const char *id);
void dray_downloads_move (DrayDownloads *self, const char *id, int by);
void dray_downloads_resume_all (DrayDownloads *self);
void dray_downloads_clear_finished (DrayDownloads *self);
char *dray_downloads_dup_page (DrayDownloads *self, const char *id);
char *dray_downloads_dup_folder (DrayDownloads *self, const char *id);

guint dray_downloads_discard (DrayDownloads *self, const char *id);
void dray_downloads_undo (DrayDownloads *self, guint discard);
void dray_downloads_commit (DrayDownloads *self, guint discard);
void dray_downloads_close (DrayDownloads *self);

G_END_DECLS
