/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/response.h"

#include "core/base/digest.h"

#include <string.h>

/**
 * dray_response_init:
 * @response: (out caller-allocates): a response that nothing is known of
 */
void
dray_response_init (DrayResponse *response)
{
  memset (response, 0, sizeof *response);
  response->range_start = -1;
  response->range_end = -1;
  response->range_total = DRAY_SIZE_UNKNOWN;
  response->content_length = DRAY_SIZE_UNKNOWN;
  response->validator.date_gap = -1;
  response->retry_after = -1;
}

/**
 * dray_response_clear:
 * @response: an initialised response
 *
 * Frees what @response owns and leaves it as dray_response_init() does.
 */
void
dray_response_clear (DrayResponse *response)
{
  dray_validator_clear (&response->validator);
  g_free (response->content_type);
  g_free (response->content_encoding);
  g_free (response->error_code);
  g_free (response->sha256);
  dray_response_init (response);
}

/* Reads digits at *@text, moves it past them; FALSE for none, or for more than DRAY_LENGTH_MAX. */
static gboolean
read_number (const char **text, gint64 *number)
{
  const char *p = *text;
  gint64 value = 0;

  for (; g_ascii_isdigit (*p); p++)
    {
      gint64 digit = *p - '0';

      if (value > (DRAY_LENGTH_MAX - digit) / 10)
        return FALSE;
      value = 10 * value + digit;
    }

  if (p == *text)
    return FALSE;

  *text = p;
  *number = value;
  return TRUE;
}

static gboolean
read_char (const char **text, char c)
{
  if (**text != c)
    return FALSE;

  (*text)++;
  return TRUE;
}

static gboolean
read_content_range (const char *text, gint64 *start, gint64 *end, gint64 *total)
{
  gint64 last;

  if (g_ascii_strncasecmp (text, "bytes ", strlen ("bytes ")) != 0)
    return FALSE;
  text += strlen ("bytes ");

  if (read_char (&text, '*'))
    {
      *start = *end = -1;
      return read_char (&text, '/') && read_number (&text, total) && *text == '\0';
    }

  if (!read_number (&text, start) || !read_char (&text, '-') || !read_number (&text, &last)
      || !read_char (&text, '/') || last < *start)
    return FALSE;

  *end = last + 1;
  if (read_char (&text, '*'))
    *total = DRAY_SIZE_UNKNOWN;
  else if (!read_number (&text, total) || *total < *end)
    return FALSE;

  return *text == '\0';
}

/**
 * dray_response_parse_content_range:
 * @response: the response that the header came with
 * @value: the value of a Content-Range header
 *
 * Reads a Content-Range strictly by RFC 9110, section 14.4. What breaks the grammar, contradicts
 * itself or exceeds 63 bits is noted in `bad_content_range`, and the figures stay unknown.
 *
 * Returns: whether @value could be read
 */
gboolean
dray_response_parse_content_range (DrayResponse *response, const char *value)
{
  gint64 start, end, total;

  response->has_content_range = read_content_range (value, &start, &end, &total);
  response->bad_content_range = !response->has_content_range;
  response->range_start = response->has_content_range ? start : -1;
  response->range_end = response->has_content_range ? end : -1;
  response->range_total = response->has_content_range ? total : DRAY_SIZE_UNKNOWN;

  return response->has_content_range;
}

/* Moves past a quoted string, or past one character. */
static const char *
skip_item (const char *text)
{
  if (*text != '"')
    return text + 1;

  for (text++; *text != '\0' && *text != '"'; text++)
    if (*text == '\\' && text[1] != '\0')
      text++;

  return *text == '"' ? text + 1 : text;
}

/* The value of an integer parameter of one character's name, or -1. */
static gint64
read_parameter (const char *text, char name)
{
  gint64 value;

  while (*text == ' ' || *text == '\t')
    text++;

  if (!read_char (&text, name) || !read_char (&text, '=') || !read_number (&text, &value))
    return -1;

  return value;
}

/**
 * dray_response_parse_rate_limit:
 * @value: the value of a RateLimit header, as in `"resolvers";r=0;t=87`
 *
 * A header may list several limits. Those that leave requests over (`r` above 0) ask for nothing.
 *
 * Returns: the seconds until the last exhausted limit is renewed, or -1 if none is exhausted or the
 *   header says nothing of the kind
 */
gint64
dray_response_parse_rate_limit (const char *value)
{
  gint64 longest = -1;
  gint64 remaining = 0;
  gint64 seconds = -1;
  const char *p = value;

  for (;;)
    {
      if (*p == ',' || *p == '\0')
        {
          if (remaining == 0)
            longest = MAX (longest, seconds);
          if (*p == '\0')
            return longest;
          remaining = 0;
          seconds = -1;
        }
      else if (*p == ';')
        {
          gint64 r = read_parameter (p + 1, 'r');

          remaining = MAX (remaining, r);
          seconds = MAX (seconds, read_parameter (p + 1, 't'));
        }
      p = skip_item (p);
    }
}

/**
 * dray_response_parse_repr_digest:
 * @value: a Repr-Digest header (RFC 9530, section 3)
 *
 * Returns: (transfer full) (nullable): the SHA-256 that it holds, in hexadecimal
 */
char *
dray_response_parse_repr_digest (const char *value)
{
  g_auto (GStrv) members = g_strsplit (value, ",", -1);

  for (guint i = 0; members[i] != NULL; i++)
    {
      const char *member = g_strstrip (members[i]);
      g_autofree guchar *bytes = NULL;
      g_autofree char *encoded = NULL;
      gsize length = strlen (member);

      if (g_ascii_strncasecmp (member, "sha-256=:", 9) != 0 || length < 11
          || member[length - 1] != ':')
        continue;

      encoded = g_strndup (member + 9, length - 10);
      bytes = g_base64_decode (encoded, &length);
      return length == SHA256_DIGEST_SIZE ? dray_digest_to_hex (bytes) : NULL;
    }

  return NULL;
}

/**
 * dray_response_parse_linked_etag:
 * @value: an X-Linked-ETag header of the Hugging Face hub: the SHA-256 of a large file, quoted, or
 *   the git hash of a small one
 *
 * Returns: (transfer full) (nullable): the SHA-256, in hexadecimal
 */
char *
dray_response_parse_linked_etag (const char *value)
{
  g_autofree char *bare = NULL;
  gsize length = strlen (value);

  if (length < 2 || value[0] != '"' || value[length - 1] != '"')
    return NULL;

  bare = g_strndup (value + 1, length - 2);
  return dray_digest_normalise_hex (bare);
}
