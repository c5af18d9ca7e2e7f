/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Reading JSON that nobody trusts.
 *
 * How deep the text may be, and of how many values, is bounded before json-glib makes a tree of it,
 * which takes some hundred bytes for each value and a stack frame for each level. A member that is not
 * what it should be reads as one that is not there. Pure; any thread.
 */

#pragma once

#include "core/base/error.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Values of a text, and how deep they may lie in each other. */
#define DRAY_JSON_VALUES_MAX 500000
#define DRAY_JSON_DEPTH_MAX 64

JsonNode *dray_json_parse (const char *text, gsize length, GError **error);

JsonObject *dray_json_get_object (JsonNode *node);
JsonArray *dray_json_get_array (JsonNode *node);
JsonNode *dray_json_get_member (JsonObject *object, const char *name);
const char *dray_json_get_text (JsonObject *object, const char *name);
gboolean dray_json_get_size (JsonObject *object, const char *name, gint64 *size);

G_END_DECLS
