/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Where the hub is, and what its files are asked for by. Any thread.
 */

#pragma once

#include "core/source/reference.h"

G_BEGIN_DECLS

char *dray_hub_get_endpoint (GError **error);
char *dray_hub_link_to_file (const char *endpoint,
                             const char *repo,
                             const char *revision,
                             const char *path);

char *dray_hub_link_to_page (const DrayReference *reference);

G_END_DECLS
