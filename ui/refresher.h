/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Brings the rows of a scrolled window up to date: together, at most ten times a second, and only
 * where they can be seen. The others wait until they are scrolled into sight.
 *
 * A scrolled window has one. Rows find it by their parents and hold it only while they are mapped.
 * The main thread's.
 */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DRAY_TYPE_REFRESHER (dray_refresher_get_type ())
G_DECLARE_FINAL_TYPE (DrayRefresher, dray_refresher, DRAY, REFRESHER, GObject)

/**
 * DrayRefreshFunc:
 * @row: a row that can be seen
 *
 * Makes a row show what there is to show. May not queue or forget rows.
 */
typedef void (*DrayRefreshFunc) (GtkWidget *row);

DrayRefresher *dray_refresher_find (GtkWidget *row);
void dray_refresher_queue (DrayRefresher *self, GtkWidget *row, DrayRefreshFunc func);
void dray_refresher_forget (DrayRefresher *self, GtkWidget *row);

G_END_DECLS
