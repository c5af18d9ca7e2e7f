/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of the Downloads page, shared by downloads-page.c (what it shows) and
 * downloads-page-actions.c (what its rows can ask for).
 */

#pragma once

#include "ui/downloads-page.h"
#include "ui/free-space.h"
#include "ui/section.h"

G_BEGIN_DECLS

struct _DrayDownloadsPage
{
  AdwBin parent_instance;

  DrayDownloads *downloads; /* NULL while there is no list */
  char *library;            /* the absolute folder of finished models */
  GtkNativeDialog *chooser; /* of another one; NULL unless it is open */
  DrayFreeSpace *free_space;
  DraySection *in_progress;
  guint last_discard;   /* what Ctrl+Z undoes */
  AdwToast *last_toast; /* which offers the same; NULL for none */
  guint top_source;   /* keeps the list at its top */

  AdwToastOverlay *toasts;
  GtkStack *stack;
  GtkWidget *read_only;
  GtkScrolledWindow *scroller;
  GtkListView *list;
  GtkLabel *saved_in;
  GtkWidget *change_library;
  AdwStatusPage *failure;
};

void dray_downloads_page_install_actions (GtkWidgetClass *widget_class);
void dray_downloads_page_update_actions (DrayDownloadsPage *self);

G_END_DECLS
