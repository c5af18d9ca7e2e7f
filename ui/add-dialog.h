/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The Add dialog: a source, what there is to choose of it, a folder, and what would come of it.
 *
 * Emits `accepted` (sources as a strv, an absolute folder or NULL for the library, and the names of
 * companions that are not wanted as a strv) and closes.
 */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define DRAY_TYPE_ADD_DIALOG (dray_add_dialog_get_type ())
G_DECLARE_FINAL_TYPE (DrayAddDialog, dray_add_dialog, DRAY, ADD_DIALOG, AdwWindow)

DrayAddDialog *dray_add_dialog_new (GtkWindow *parent, const char *library);

G_END_DECLS
