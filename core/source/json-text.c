/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/json-text.h"

#include "core/base/piece.h"
#include "core/http/response.h"

#include <string.h>

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
