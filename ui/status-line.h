/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Small words that change all the time: a text at the start of a line, and another at its end, or
 * on a line of its own where it is narrow.
 *
 * What it asks for depends on the font and on whether there are two texts, never on their words, so
 * that a number that moves costs a redraw and no layout of the list around it. A screen reader hears a label. The main
 * thread's.
 */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DRAY_TYPE_STATUS_LINE (dray_status_line_get_type ())
G_DECLARE_FINAL_TYPE (DrayStatusLine, dray_status_line, DRAY, STATUS_LINE, GtkWidget)

void dray_status_line_set_text (DrayStatusLine *self, const char *text, const char *end_text);

G_END_DECLS
