/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of DrayDownloads, shared by downloads.c (what is done to requests) and
 * downloads-discard.c (the Discard that can be undone).
 */

#pragma once

#include "ui/downloads.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

struct _DrayDownloads
{
  GObject parent_instance;

  DrayManager *manager; /* NULL when read-only */
  GListModel *requests; /* of DrayRequest: all */
  GtkFilter *filter;    /* lets through those that are not hidden */
  DrayModelList *models;
  GPtrArray *discards; /* of Discard, oldest first */
  guint last_discard;
  GCancellable *closing; /* of what waits for a request to settle */
};

/* Of what can be undone; whether a request is not among it. */
GPtrArray *dray_downloads_discards_new (void);
gboolean dray_downloads_is_shown (DrayDownloads *self, DrayRequest *request);

GPtrArray *dray_downloads_collect (DrayDownloads *self, const char *id);
void dray_downloads_cancel (DrayDownloads *self, DrayRequest *request, gboolean clear_cache);
void dray_downloads_resume_request (DrayDownloads *self,
                                    DrayRequest *request,
                                    gboolean restart_changed);

G_END_DECLS
