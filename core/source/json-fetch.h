/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Asking a server for JSON that nobody trusts.
 *
 * How large the answer may be, how deep and of how many values, is bounded before json-glib makes a
 * tree of it, which takes some hundred bytes for each value and a stack frame for each level. A
 * member that is not what it should be reads as one that is not there. Blocks: for a thread that may
 * wait.
 */

#pragma once

#include "core/http/session.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Bytes of an answer. */
#define DRAY_JSON_SIZE_MAX (16 * 1024 * 1024)

/* Values of an answer, and how deep they may lie in each other. */
#define DRAY_JSON_VALUES_MAX 500000
#define DRAY_JSON_DEPTH_MAX 64

/**
 * DrayJsonAnswer:
 * @status: the status code
 * @error_code: (nullable): the hub's X-Error-Code
 * @retry_after: seconds that the server asks to wait; -1 where it does not say
 * @url: what gave this answer, after redirects
 * @link: (nullable): the Link headers, as sent
 * @root: (nullable): the body; %NULL unless @status is 200
 */
typedef struct
{
  guint status;
  char *error_code;
  gint64 retry_after;
  char *url;
  char *link;
  JsonNode *root;
} DrayJsonAnswer;

gboolean dray_server_check (const char *variable,
                            const char *address,
                            const char *example,
                            GError **error);
DrayJsonAnswer *dray_json_fetch (SoupSession *session,
                                 const DrayHttpQuery *query,
                                 GCancellable *cancellable,
                                 GError **error);
void dray_json_answer_free (DrayJsonAnswer *answer);
JsonNode *dray_json_parse (const char *text, gsize length, GError **error);

JsonObject *dray_json_get_object (JsonNode *node);
JsonArray *dray_json_get_array (JsonNode *node);
JsonNode *dray_json_get_member (JsonObject *object, const char *name);
const char *dray_json_get_text (JsonObject *object, const char *name);
gboolean dray_json_get_size (JsonObject *object, const char *name, gint64 *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayJsonAnswer, dray_json_answer_free)

G_END_DECLS
