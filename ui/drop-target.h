/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Links that are dropped: a file list, a file or text becomes a list of sources.
 *
 * A link that a browser drops may come as text or, as `text/uri-list`, as files with its URIs.
 */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Called with the sources, at least one, in the order in which they came. */
typedef void (*DraySourcesFunc) (const char *const *sources, gpointer user_data);

GtkEventController *dray_drop_target_new (DraySourcesFunc func, gpointer user_data);

G_END_DECLS
