/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Giving a file its final name, in place of no other. Blocks: for a disk thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean dray_rename_without_replacing (int directory_fd, const char *from, const char *to);

G_END_DECLS
