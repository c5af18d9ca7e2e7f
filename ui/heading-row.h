/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The heading of a section, with the one thing that can be done to all of it.
 */

#pragma once

#include "ui/section.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DRAY_TYPE_HEADING_ROW (dray_heading_row_get_type ())
G_DECLARE_FINAL_TYPE (DrayHeadingRow, dray_heading_row, DRAY, HEADING_ROW, GtkBox)

G_END_DECLS
