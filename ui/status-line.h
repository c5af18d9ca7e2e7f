/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One line of small words that change all the time: a text at its start, and another at its end
 * that is shown whole.
 *
 * What it asks for depends on the font alone, never on the words, so that a number that moves costs
 * a redraw of the line and no layout of the list around it. A screen reader hears a label. The main
 * thread's.
 */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DRAY_TYPE_STATUS_LINE (dray_status_line_get_type ())
G_DECLARE_FINAL_TYPE (DrayStatusLine, dray_status_line, DRAY, STATUS_LINE, GtkWidget)

void dray_status_line_set_text (DrayStatusLine *self, const char *text, const char *end_text);

G_END_DECLS
