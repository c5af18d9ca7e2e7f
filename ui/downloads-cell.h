/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the list view recycles: a cell that shows a #GtkTreeListRow with the row that fits its item:
 * a section's heading, a model or a request.
 */

#pragma once

#include "ui/row-buttons.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define DRAY_TYPE_DOWNLOADS_CELL (dray_downloads_cell_get_type ())
G_DECLARE_FINAL_TYPE (DrayDownloadsCell, dray_downloads_cell, DRAY, DOWNLOADS_CELL, AdwBin)

GtkWidget *dray_downloads_cell_new (void);
void dray_downloads_cell_set_tree_row (DrayDownloadsCell *self, GtkTreeListRow *tree_row);
DrayRowButtons *dray_downloads_cell_get_buttons (DrayDownloadsCell *self);

G_END_DECLS
