/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The lower half of a row: the bar, the state in words and the time left, or what went wrong.
 *
 * Shows its subject, a #DrayRequest or a #DrayModel, and redraws when a number that is shown has
 * changed.
 */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DRAY_TYPE_PROGRESS_VIEW (dray_progress_view_get_type ())
G_DECLARE_FINAL_TYPE (DrayProgressView, dray_progress_view, DRAY, PROGRESS_VIEW, GtkWidget)

G_END_DECLS
