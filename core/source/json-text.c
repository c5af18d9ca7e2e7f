/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/json-text.h"

#include "core/base/piece.h"
#include "core/http/response.h"

#include <string.h>

/* Digits of an integer that surely fits its type; the parser would make another one of a larger. */
#define DIGITS_MAX 18

typedef enum
{
  VERDICT_FINE,
  VERDICT_NO_JSON,
  VERDICT_TOO_MUCH,
} Verdict;

/* A text that is read from its start to its end. */
typedef struct
{
  const char *at;
  const char *end;
} Scan;

/* Takes @c if it is next. */
static gboolean
take (Scan *scan, char c)
{
  if (scan->at == scan->end || *scan->at != c)
    return FALSE;

  scan->at++;
  return TRUE;
}

/* Takes the digits that are next. Returns how many. */
static gsize
take_digits (Scan *scan)
{
  const char *start = scan->at;

  while (scan->at < scan->end && g_ascii_isdigit (*scan->at))
    scan->at++;

  return (gsize) (scan->at - start);
}

/* Takes the four digits of an escaped character. Returns 0 for others, and for a NUL. */
static guint
take_code (Scan *scan)
{
  guint code = 0;

  for (guint i = 0; i < 4; i++, scan->at++)
    {
      if (scan->at == scan->end || !g_ascii_isxdigit (*scan->at))
        return 0;
      code = 16 * code + (guint) g_ascii_xdigit_value (*scan->at);
    }

  return code;
}

static gboolean
is_surrogate (guint code, guint first)
{
  return code >= first && code < first + 0x400;
}

/* What follows a backslash. */
static gboolean
take_escape (Scan *scan)
{
  guint code;

  if (!take (scan, 'u'))
    return scan->at < scan->end && *scan->at != '\0' && strchr ("\"\\/bfnrt", *scan->at++) != NULL;

  code = take_code (scan);
  if (is_surrogate (code, 0xd800))
    return take (scan, '\\') && take (scan, 'u') && is_surrogate (take_code (scan), 0xdc00);

  return code != 0 && !is_surrogate (code, 0xdc00);
}

/* The rest of a string, and the quotation mark after it. */
static gboolean
take_string (Scan *scan)
{
  while (scan->at < scan->end)
    {
      guchar c = (guchar) *scan->at++;

      if (c == '"')
        return TRUE;
      if (c < ' ' || (c == '\\' && !take_escape (scan)))
        return FALSE;
    }

  return FALSE;
}

static gboolean
take_number (Scan *scan)
{
  gboolean is_zero;
  gsize n_digits;

  take (scan, '-');
  is_zero = scan->at < scan->end && *scan->at == '0';
  n_digits = take_digits (scan);
  if (n_digits == 0 || n_digits > DIGITS_MAX || (is_zero && n_digits > 1))
    return FALSE;
  if (take (scan, '.') && take_digits (scan) == 0)
    return FALSE;
  if (!take (scan, 'e') && !take (scan, 'E'))
    return TRUE;
  if (!take (scan, '+'))
    take (scan, '-');

  return take_digits (scan) > 0;
}

/* A string, a number, or one of the three words. */
static gboolean
take_value (Scan *scan)
{
  static const char *const words[] = { "true", "false", "null" };

  if (take (scan, '"'))
    return take_string (scan);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize length = strlen (words[i]);

      if ((gsize) (scan->end - scan->at) >= length && memcmp (scan->at, words[i], length) == 0)
        {
          scan->at += length;
          return TRUE;
        }
    }

  return take_number (scan);
}

/* Whether the text is made of what JSON is made of (RFC 8259), and of no more than is believed. The
 * parser takes comments, strings in other marks and more, which could hide a part of the text from
 * what counts here; whether the parts stand in the right order is left to it. */
static Verdict
judge (const char *text, gsize length)
{
  Scan scan;
  gsize n_values = 0;
  gsize depth = 0;

  /* An empty text may be NULL. */
  if (length == 0)
    return VERDICT_NO_JSON;
  scan = (Scan){ .at = text, .end = text + length };

  while (scan.at < scan.end)
    {
      gboolean opens = *scan.at == '[' || *scan.at == '{';

      if (opens || *scan.at == ']' || *scan.at == '}')
        depth = opens ? depth + 1 : depth - (depth > 0);
      if (*scan.at != '\0' && strchr (" \t\r\n,:[]{}", *scan.at) != NULL)
        scan.at++;
      else if (!take_value (&scan))
        return VERDICT_NO_JSON;
      else
        n_values++;

      n_values += opens;
      if (depth > DRAY_JSON_DEPTH_MAX || n_values > DRAY_JSON_VALUES_MAX)
        return VERDICT_TOO_MUCH;
    }

  return VERDICT_FINE;
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
  Verdict verdict;
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
  verdict = judge (text, length);
  if (verdict == VERDICT_TOO_MUCH)
    {
      g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
                           "the answer holds more than any model has");
      return NULL;
    }

  /* The parser would take bytes that are no text. */
  if (verdict != VERDICT_FINE || !g_utf8_validate_len (text, length, NULL)
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
 * Returns: (transfer none) (nullable): its text, if it is UTF-8
 */
const char *
dray_json_get_text (JsonObject *object, const char *name)
{
  JsonNode *node = dray_json_get_member (object, name);
  const char *text;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;

  text = json_node_get_string (node);
  return text != NULL && g_utf8_validate (text, -1, NULL) ? text : NULL;
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
