/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/request.h"

#include <string.h>

/* Reads digits. Figures beyond 63 bits become the largest one, which is past every file's end. */
static gboolean
parse_figure (const char **text, gint64 *figure)
{
  const char *p = *text;
  gint64 value = 0;

  for (; g_ascii_isdigit (*p); p++)
    {
      int digit = g_ascii_digit_value (*p);

      value = value > (G_MAXINT64 - digit) / 10 ? G_MAXINT64 : value * 10 + digit;
    }
  if (p == *text)
    return FALSE;

  *text = p;
  *figure = value;

  return TRUE;
}

/**
 * dray_test_range_parse:
 * @text: (nullable): the value of a Range header
 *
 * Returns: the range, of kind %DRAY_TEST_RANGE_NONE if the header is to be ignored
 */
DrayTestRange
dray_test_range_parse (const char *text)
{
  const DrayTestRange none = { DRAY_TEST_RANGE_NONE, -1, -1 };
  DrayTestRange range = none;

  if (text == NULL || g_ascii_strncasecmp (text, "bytes=", 6) != 0)
    return none;

  text += 6;
  if (strchr (text, ',') != NULL)
    return (DrayTestRange){ DRAY_TEST_RANGE_MULTIPLE, -1, -1 };

  range.kind = parse_figure (&text, &range.first) ? DRAY_TEST_RANGE_FROM : DRAY_TEST_RANGE_SUFFIX;
  if (*text++ != '-')
    return none;
  if (!parse_figure (&text, &range.last) && range.kind == DRAY_TEST_RANGE_SUFFIX)
    return none;
  if (*text != '\0')
    return none;
  if (range.kind == DRAY_TEST_RANGE_FROM && range.last >= 0 && range.last < range.first)
    return none;

  return range;
}

/**
 * dray_test_request_dup_header:
 * @request: a request
 * @name: a header's name, in any case
 *
 * Returns: (transfer full) (nullable): the value of the first header of that name
 */
char *
dray_test_request_dup_header (const DrayTestRequest *request, const char *name)
{
  gsize length = strlen (name);

  for (guint i = 1; request->lines[i] != NULL; i++)
    {
      const char *line = request->lines[i];

      if (g_ascii_strncasecmp (line, name, length) == 0 && line[length] == ':')
        return g_strstrip (g_strdup (line + length + 1));
    }

  return NULL;
}

static char *
dup_path (const char *target)
{
  g_autofree char *raw = g_strndup (target, strcspn (target, "?"));
  g_autofree char *path = g_uri_unescape_string (raw, NULL);

  return path != NULL ? g_steal_pointer (&path) : g_steal_pointer (&raw);
}

static void
read_headers (DrayTestRequest *request, const char *version)
{
  g_autofree char *connection = dray_test_request_dup_header (request, "Connection");
  g_autofree char *length = dray_test_request_dup_header (request, "Content-Length");
  g_autofree char *range = dray_test_request_dup_header (request, "Range");

  request->closes = strcmp (version, "HTTP/1.1") != 0;
  if (connection != NULL && g_ascii_strcasecmp (connection, "close") == 0)
    request->closes = TRUE;
  request->body_size = length != NULL ? g_ascii_strtoll (length, NULL, 10) : 0;
  request->range = dray_test_range_parse (range);
}

/**
 * dray_test_request_parse:
 * @head: a request's head, up to but without the empty line
 * @length: its length in bytes
 *
 * Returns: (transfer full) (nullable): the request, or %NULL if it is malformed
 */
DrayTestRequest *
dray_test_request_parse (const char *head, gsize length)
{
  g_autoptr (DrayTestRequest) request = g_new0 (DrayTestRequest, 1);
  g_auto (GStrv) words = NULL;

  request->head = g_strndup (head, length);
  request->lines = g_strsplit (request->head, "\r\n", -1);
  if (request->lines[0] == NULL)
    return NULL;

  words = g_strsplit (request->lines[0], " ", 4);
  if (g_strv_length (words) != 3 || !g_str_has_prefix (words[2], "HTTP/1.") || words[1][0] != '/')
    return NULL;

  request->method = g_strdup (words[0]);
  request->target = g_strdup (words[1]);
  request->path = dup_path (words[1]);
  read_headers (request, words[2]);
  if (request->body_size < 0)
    return NULL;

  return g_steal_pointer (&request);
}

void
dray_test_request_free (DrayTestRequest *request)
{
  g_free (request->head);
  g_strfreev (request->lines);
  g_free (request->method);
  g_free (request->target);
  g_free (request->path);
  g_free (request);
}
