/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Sizes as people type them: K, M, G are powers of 1000, Ki, Mi, Gi of 1024. Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean dray_size_parse (const char *text, gint64 *bytes);

G_END_DECLS
