/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One process at a time: a lock on a file of its own beside the catalog.
 *
 * It is an open-file-description lock: it ends with the process however that ends, and holds
 * between two openings in one process too, which POSIX locks do not.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

int dray_lock_file_acquire (const char *catalog_path, GError **error);
void dray_lock_file_release (int lock_file);

G_END_DECLS
