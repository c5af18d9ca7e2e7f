/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/json-fetch.h"

#include "core/base/download-key.h"

/* How much is read at a time, in bytes. */
#define PORTION (64 * 1024)

/**
 * dray_server_check:
 * @variable: the environment variable that names the server
 * @address: what it says
 * @example: what it could say
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE.
 *
 * Returns: whether @address is that of a server, to which a path can be added
 */
gboolean
dray_server_check (const char *variable, const char *address, const char *example, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (address, SOUP_HTTP_URI_FLAGS, NULL);

  if (uri != NULL && g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0'
      && g_uri_get_query (uri) == NULL && g_uri_get_fragment (uri) == NULL
      && g_uri_get_userinfo (uri) == NULL
      && (g_str_equal (g_uri_get_scheme (uri), "https")
          || g_str_equal (g_uri_get_scheme (uri), "http")))
    return TRUE;

  g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
               "%s is not the address of a server, such as %s", variable, example);
  return FALSE;
}

/* Says what is wrong with an answer. */
static void
complain (GError **error, DrayError code, const char *url, const char *what)
{
  g_autofree char *shown = dray_url_redact (url);

  g_set_error (error, DRAY_ERROR, code, "“%s”: %s", shown, what);
}

static GByteArray *
read_body (DrayHttpAnswer *answer, GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  gssize n;

  do
    {
      gsize had = body->len;

      if (had > DRAY_JSON_SIZE_MAX)
        {
          complain (error, DRAY_ERROR_UNSUPPORTED, answer->url,
                    "the answer is larger than any that is needed");
          return NULL;
        }
      g_byte_array_set_size (body, had + PORTION);
      n = dray_http_read (answer, body->data + had, PORTION, cancellable, error);
      g_byte_array_set_size (body, had + (gsize) MAX (0, n));
    }
  while (n > 0);

  return n == 0 ? g_steal_pointer (&body) : NULL;
}

static JsonNode *
read_json (DrayHttpAnswer *answer, GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) body = read_body (answer, cancellable, error);
  GError *local_error = NULL;
  JsonNode *root;

  if (body == NULL)
    return NULL;
  if (answer->response.content_length >= 0 && body->len < answer->response.content_length)
    {
      complain (error, DRAY_ERROR_NETWORK, answer->url, "the answer ended early");
      return NULL;
    }

  root = dray_json_parse ((const char *) body->data, body->len, &local_error);
  if (root == NULL)
    {
      complain (error, (DrayError) local_error->code, answer->url, local_error->message);
      g_error_free (local_error);
    }

  return root;
}

/**
 * dray_json_fetch:
 * @session: a session that is lent to this thread
 * @query: what to get
 * @cancellable: (nullable): ends the call within milliseconds
 * @error: return location for a #GError
 *
 * Any status but 200 is an answer without a body, not an error.
 *
 * Errors: as dray_http_get(), dray_http_read() and dray_json_parse().
 *
 * Returns: (transfer full) (nullable): the answer
 */
DrayJsonAnswer *
dray_json_fetch (SoupSession *session,
                 const DrayHttpQuery *query,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (DrayHttpAnswer) http = dray_http_get (session, query, cancellable, error);
  g_autoptr (DrayJsonAnswer) answer = NULL;

  if (http == NULL)
    return NULL;

  answer = g_new0 (DrayJsonAnswer, 1);
  answer->status = http->response.status;
  answer->error_code = g_strdup (http->response.error_code);
  answer->retry_after = http->response.retry_after;
  answer->url = g_strdup (http->url);
  answer->link = g_strdup (http->link);
  if (answer->status == 200)
    {
      answer->root = read_json (http, cancellable, error);
      if (answer->root == NULL)
        return NULL;
    }

  return g_steal_pointer (&answer);
}

void
dray_json_answer_free (DrayJsonAnswer *answer)
{
  g_free (answer->error_code);
  g_free (answer->url);
  g_free (answer->link);
  g_clear_pointer (&answer->root, json_node_unref);
  g_free (answer);
}
