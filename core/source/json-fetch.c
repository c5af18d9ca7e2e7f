/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/json-fetch.h"

#include "core/base/download-key.h"
#include "core/base/piece.h"

#include <string.h>

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

/* Digits of an integer that surely fits its type. */
#define DIGITS_MAX 18

/* Whether the text is no larger than what is believed; a parser that would find it no JSON sees to
 * the rest. Each value but the first of its list stands after a comma, the first after a bracket, a
 * brace or a colon. */
static gboolean
is_bounded (const char *text, gsize length)
{
  gboolean in_string = FALSE;
  gsize n_values = 0;
  gsize depth = 0;

  for (gsize i = 0; i < length; i++)
    {
      char c = text[i];

      if (in_string && c == '\\')
        i++;
      else if (c == '"')
        in_string = !in_string;
      else if (in_string)
        continue;
      else if (strchr ("[{", c) != NULL)
        depth++, n_values++;
      else if (strchr ("]}", c) != NULL)
        depth -= depth > 0;
      else if (strchr (",:", c) != NULL)
        n_values++;

      if (depth > DRAY_JSON_DEPTH_MAX || n_values > DRAY_JSON_VALUES_MAX)
        return FALSE;
    }

  return TRUE;
}

/* Whether an integer is too large for the parser, which would make another one of it. */
static gboolean
has_wild_number (const char *text, gsize length)
{
  gboolean in_string = FALSE;
  gsize n_digits = 0;

  for (gsize i = 0; i < length; i++)
    {
      if (in_string && text[i] == '\\')
        i++;
      else if (text[i] == '"')
        in_string = !in_string;

      n_digits = !in_string && i < length && g_ascii_isdigit (text[i]) ? n_digits + 1 : 0;
      if (n_digits > DIGITS_MAX)
        return TRUE;
    }

  return FALSE;
}

/**
 * dray_json_parse:
 * @text: JSON
 * @length: of @text in bytes
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_A_MODEL for a web page, %DRAY_ERROR_UNSUPPORTED for more than is believed,
 * %DRAY_ERROR_SERVER_ERROR for anything else that is no JSON.
 *
 * Returns: (transfer full) (nullable): what it says
 */
JsonNode *
dray_json_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local_error = NULL;
  JsonNode *root;
  gsize start = 0;

  while (start < length && g_ascii_isspace (text[start]))
    start++;
  if (start < length && text[start] == '<')
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_NOT_A_MODEL,
                           "a web page came instead of an answer; this network may ask for a "
                           "sign-in on a page of its own first");
      return NULL;
    }
  if (!is_bounded (text, length))
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
                           "the answer holds more than any model has");
      return NULL;
    }

  /* The parser would take bytes that are no text, and stop at a NUL. */
  if (!g_utf8_validate_len (text, length, NULL) || has_wild_number (text, length)
      || !json_parser_load_from_data (parser, text, (gssize) length, &local_error))
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR,
                           "the answer is not the JSON that it should be");
      return NULL;
    }

  root = json_parser_steal_root (parser);
  if (root == NULL)
    g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_SERVER_ERROR, "the answer is empty");

  return root;
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
          g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
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

  if (body == NULL)
    return NULL;
  if (answer->response.content_length >= 0 && body->len < answer->response.content_length)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_NETWORK, "the answer ended early");
      return NULL;
    }

  return dray_json_parse ((const char *) body->data, body->len, error);
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
      g_autofree char *shown = dray_url_redact (http->url);

      answer->root = read_json (http, cancellable, error);
      if (answer->root == NULL)
        {
          if (error != NULL && !g_str_has_prefix ((*error)->message, "Could not fetch"))
            g_prefix_error (error, "“%s”: ", shown);
          return NULL;
        }
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

/**
 * dray_json_get_object:
 * @node: (nullable): a value
 *
 * Returns: (transfer none) (nullable): @node if it is an object
 */
JsonObject *
dray_json_get_object (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/**
 * dray_json_get_array:
 * @node: (nullable): a value
 *
 * Returns: (transfer none) (nullable): @node if it is an array
 */
JsonArray *
dray_json_get_array (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/**
 * dray_json_get_member:
 * @object: (nullable): an object
 * @name: of a member
 *
 * Returns: (transfer none) (nullable): its value; %NULL for null, too
 */
JsonNode *
dray_json_get_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

/**
 * dray_json_get_text:
 * @object: (nullable): an object
 * @name: of a member
 *
 * Returns: (transfer none) (nullable): its text
 */
const char *
dray_json_get_text (JsonObject *object, const char *name)
{
  JsonNode *node = dray_json_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/**
 * dray_json_get_size:
 * @object: (nullable): an object
 * @name: of a member
 * @size: (out): its value in bytes, or %DRAY_SIZE_UNKNOWN if there is none
 *
 * Returns: %FALSE for what is no size that a file can have
 */
gboolean
dray_json_get_size (JsonObject *object, const char *name, gint64 *size)
{
  JsonNode *node = dray_json_get_member (object, name);

  *size = DRAY_SIZE_UNKNOWN;
  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  if (json_node_get_int (node) < 0 || json_node_get_int (node) > DRAY_LENGTH_MAX)
    return FALSE;
  *size = json_node_get_int (node);

  return TRUE;
}
