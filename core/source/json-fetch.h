/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Asking a server for JSON that nobody trusts. Blocks: for a thread that may wait. */

#pragma once

#include "core/http/session.h"
#include "core/source/json-text.h"

G_BEGIN_DECLS

/* Bytes of an answer. */
#define DRAY_JSON_SIZE_MAX (16 * 1024 * 1024)

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayJsonAnswer, dray_json_answer_free)

G_END_DECLS
