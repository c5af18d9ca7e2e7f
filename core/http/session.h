/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How Dray speaks HTTP: a libsoup session, and one blocking GET.
 *
 * A session is made in the main thread and then sends in one thread at a time (session-pool.h says
 * why). HTTP/1.1, no content decoding, no redirects of its own, and connection caps so far above
 * what is ever opened that nothing queues inside it: a queued send does not notice its cancellable.
 */

#pragma once

#include "core/http/response.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* How long a socket may be silent, in seconds, before the attempt counts as stalled. */
#define DRAY_HTTP_SILENCE 15

/**
 * DrayHttpQuery:
 * @url: what to get
 * @start: the first byte; -1 to send no Range header
 * @end: one past the last byte; %DRAY_END_UNKNOWN for the rest of the file
 * @if_range: (nullable): a validator for If-Range
 * @token: (nullable): a bearer token; sent to the origin of @url only
 * @accept: (nullable): the media types that are understood, for Accept
 */
typedef struct
{
  const char *url;
  gint64 start;
  gint64 end;
  const char *if_range;
  const char *token;
  const char *accept;
} DrayHttpQuery;

/**
 * DrayHttpAnswer:
 * @response: status and headers
 * @url: the URL that gave this answer, after redirects
 * @disposition: (nullable): the file name that Content-Disposition suggests, as sent
 * @link: (nullable): the Link headers, as sent
 * @body: the body, not yet read
 */
typedef struct
{
  DrayResponse response;
  char *url;
  char *disposition;
  char *link;
  GInputStream *body;
} DrayHttpAnswer;

SoupSession *dray_http_session_new (guint silence);
DrayHttpAnswer *dray_http_get (SoupSession *session,
                               const DrayHttpQuery *query,
                               GCancellable *cancellable,
                               GError **error);
void dray_http_answer_free (DrayHttpAnswer *answer);
gssize dray_http_read (DrayHttpAnswer *answer,
                       gpointer buffer,
                       gsize size,
                       GCancellable *cancellable,
                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayHttpAnswer, dray_http_answer_free)

G_END_DECLS
