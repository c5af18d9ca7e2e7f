/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * hub-api.c asks, hub-entries.c reads lists of files, hub-refusal.c says why the hub did not answer.
 */

#pragma once

#include "core/source/hub-api.h"
#include "core/source/json-fetch.h"

G_BEGIN_DECLS

gboolean
dray_hub_add_entries (GPtrArray *files, GHashTable *paths, JsonArray *entries, GError **error);
gboolean dray_hub_find_next (const char *link, const char *url, char **next, GError **error);
void dray_hub_refuse (const DrayHub *hub,
                      const char *repo,
                      const char *revision,
                      const DrayJsonAnswer *answer,
                      GError **error);

G_END_DECLS
