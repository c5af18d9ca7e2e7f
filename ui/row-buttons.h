/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The buttons of a row: those that make sense in the state of its subject, a #DrayRequest or a
 * #DrayModel of several files. They activate the page's `downloads.` actions with the subject's id.
 */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DRAY_TYPE_ROW_BUTTONS (dray_row_buttons_get_type ())
G_DECLARE_FINAL_TYPE (DrayRowButtons, dray_row_buttons, DRAY, ROW_BUTTONS, GtkWidget)

void dray_row_buttons_toggle (DrayRowButtons *self);
void dray_row_buttons_drop (DrayRowButtons *self);
void dray_row_buttons_move (DrayRowButtons *self, gboolean up);

G_END_DECLS
