/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/json.h"

#include <string.h>

/* How deep values may lie in one another. */
#define DEPTH_MAX 16

/* How many digits a number may have. */
#define NUMBER_LENGTH_MAX 64

static gboolean
refuse (DrayJson *json, const char *what, GError **error)
{
  return dray_malformed (error, "The header is no JSON: %s before byte %" G_GUINT64_FORMAT, what,
                         dray_reader_get_position (json->reader));
}

/* The next byte is looked at; there may be none. */
static gboolean
look (DrayJson *json, gboolean *is_there, GError **error)
{
  guint64 byte;

  *is_there = json->has_next || dray_reader_get_left (json->reader) > 0;
  if (json->has_next || !*is_there)
    return TRUE;
  if (!dray_reader_read_number (json->reader, 1, &byte, error))
    return FALSE;
  json->next = (guint8) byte;
  json->has_next = TRUE;

  return TRUE;
}

static gboolean
take (DrayJson *json, guint8 *byte, GError **error)
{
  gboolean is_there;

  if (!look (json, &is_there, error))
    return FALSE;
  if (!is_there)
    return refuse (json, "it ends in the middle", error);
  *byte = json->next;
  json->has_next = FALSE;

  return TRUE;
}

static gboolean
skip_space (DrayJson *json, gboolean *is_there, GError **error)
{
  while (TRUE)
    {
      if (!look (json, is_there, error))
        return FALSE;
      if (!*is_there || json->next == '\0' || strchr (" \t\r\n", json->next) == NULL)
        return TRUE;
      json->has_next = FALSE;
    }
}

/**
 * dray_json_is_next:
 * @json: where the text is read
 * @character: a character
 * @is_next: (out): whether it comes next, after white space. It is not taken
 * @error: return location for a #GError
 *
 * Returns: whether the text could be read
 */
gboolean
dray_json_is_next (DrayJson *json, char character, gboolean *is_next, GError **error)
{
  gboolean is_there;

  if (!skip_space (json, &is_there, error))
    return FALSE;
  *is_next = is_there && json->next == (guint8) character;

  return TRUE;
}

/* Takes @character, after white space. */
gboolean
dray_json_expect (DrayJson *json, char character, GError **error)
{
  char what[] = "there is no “.”";
  gboolean is_next;

  if (!dray_json_is_next (json, character, &is_next, error))
    return FALSE;
  if (!is_next)
    {
      *strchr (what, '.') = character;
      return refuse (json, what, error);
    }
  json->has_next = FALSE;

  return TRUE;
}

/**
 * dray_json_next_item:
 * @json: where the text is read, in an object or array
 * @closing: what closes it
 * @n: how many items came before
 * @more: (out): whether another one follows; if not, @closing has been taken
 * @error: return location for a #GError
 *
 * Takes what stands between two items.
 *
 * Returns: whether that is as it should be
 */
gboolean
dray_json_next_item (DrayJson *json, char closing, guint64 n, gboolean *more, GError **error)
{
  gboolean is_closed;

  if (!dray_json_is_next (json, closing, &is_closed, error))
    return FALSE;
  *more = !is_closed;
  if (is_closed)
    {
      json->has_next = FALSE;
      return TRUE;
    }

  return n == 0 || dray_json_expect (json, ',', error);
}

/* Nothing but white space may follow. */
gboolean
dray_json_expect_end (DrayJson *json, GError **error)
{
  gboolean is_there;

  if (!skip_space (json, &is_there, error))
    return FALSE;

  return !is_there || refuse (json, "something follows its end", error);
}

static gboolean
take_hex (DrayJson *json, gunichar *unit, GError **error)
{
  *unit = 0;
  for (guint i = 0; i < 4; i++)
    {
      guint8 digit = 0;

      if (!take (json, &digit, error))
        return FALSE;
      if (!g_ascii_isxdigit (digit))
        return refuse (json, "a character's number has no four digits", error);
      *unit = 16 * *unit + (gunichar) g_ascii_xdigit_value ((char) digit);
    }

  return TRUE;
}

/* After "\u"; a character beyond the first 65536 is written as two halves. */
static gboolean
take_numbered (DrayJson *json, gunichar *character, GError **error)
{
  gunichar low;
  guint8 backslash, letter;

  if (!take_hex (json, character, error))
    return FALSE;
  if (*character < 0xd800 || *character > 0xdfff)
    return TRUE;
  if (*character > 0xdbff)
    return refuse (json, "half a character stands alone", error);

  if (!take (json, &backslash, error) || !take (json, &letter, error))
    return FALSE;
  if (backslash != '\\' || letter != 'u')
    return refuse (json, "half a character stands alone", error);
  if (!take_hex (json, &low, error))
    return FALSE;
  if (low < 0xdc00 || low > 0xdfff)
    return refuse (json, "half a character stands alone", error);
  *character = 0x10000 + ((*character - 0xd800) << 10) + (low - 0xdc00);

  return TRUE;
}

static gboolean
take_escaped (DrayJson *json, gunichar *character, GError **error)
{
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  const char *found;
  guint8 letter;

  if (!take (json, &letter, error))
    return FALSE;
  if (letter == 'u')
    return take_numbered (json, character, error);

  found = letter != '\0' ? strchr (letters, letter) : NULL;
  if (found == NULL)
    return refuse (json, "a backslash has no meaning", error);
  *character = (gunichar) meanings[found - letters];

  return TRUE;
}

/* A character of UTF-8 whose first byte was taken. */
static gboolean
take_rest (DrayJson *json, guint8 first, gunichar *character, GError **error)
{
  char bytes[6] = { (char) first };
  guint length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

  for (guint i = 1; i < length; i++)
    {
      guint8 byte = 0;

      if (!take (json, &byte, error))
        return FALSE;
      bytes[i] = (char) byte;
    }
  *character = g_utf8_get_char_validated (bytes, length);
  if (*character == (gunichar) -1 || *character == (gunichar) -2)
    return refuse (json, "it is not UTF-8", error);

  return TRUE;
}

/**
 * dray_json_read_text:
 * @json: where the text is read
 * @text: (nullable): where the string goes; %NULL if nobody wants it
 * @max: how many bytes @text may have
 * @error: return location for a #GError
 *
 * Returns: whether a string came, and had no more than @max bytes if it was wanted
 */
gboolean
dray_json_read_text (DrayJson *json, GString *text, gsize max, GError **error)
{
  if (!dray_json_expect (json, '"', error))
    return FALSE;
  if (text != NULL)
    g_string_truncate (text, 0);

  while (TRUE)
    {
      gunichar character;
      guint8 byte = 0;

      if (!take (json, &byte, error))
        return FALSE;
      if (byte == '"')
        return TRUE;
      if (byte < 0x20)
        return refuse (json, "a control character stands in a text", error);
      if (byte == '\\' ? !take_escaped (json, &character, error)
                       : !take_rest (json, byte, &character, error))
        return FALSE;

      if (text == NULL)
        continue;
      if (character == 0)
        return dray_malformed (error, "A text in the header has a zero in it");
      g_string_append_unichar (text, character);
      if (text->len > max)
        return dray_malformed (error,
                               "A text in the header has more than %" G_GSIZE_FORMAT " bytes", max);
    }
}

/* Takes a run of characters of which any may be in a number or a word. */
static gboolean
take_word (DrayJson *json, char word[static NUMBER_LENGTH_MAX + 1], GError **error)
{
  gboolean is_there;
  gsize length = 0;

  if (!skip_space (json, &is_there, error))
    return FALSE;
  while (is_there
         && (g_ascii_isalnum (json->next) || json->next == '-' || json->next == '+'
             || json->next == '.'))
    {
      if (length == NUMBER_LENGTH_MAX)
        return refuse (json, "a number is too long", error);
      word[length++] = (char) json->next;
      json->has_next = FALSE;
      if (!look (json, &is_there, error))
        return FALSE;
    }
  word[length] = '\0';

  return TRUE;
}

/**
 * dray_json_read_natural:
 * @json: where the text is read
 * @number: (out): a whole number that is not negative
 * @error: return location for a #GError
 *
 * Returns: whether one came that 64 bits can hold
 */
gboolean
dray_json_read_natural (DrayJson *json, guint64 *number, GError **error)
{
  char word[NUMBER_LENGTH_MAX + 1];

  if (!take_word (json, word, error))
    return FALSE;
  if ((word[0] == '0' && word[1] != '\0')
      || !g_ascii_string_to_unsigned (word, 10, 0, G_MAXUINT64, number, NULL))
    return refuse (json, "a size or an offset is no whole number", error);

  return TRUE;
}

static const char *
skip_digits (const char *text)
{
  while (g_ascii_isdigit (*text))
    text++;

  return text;
}

/* RFC 8259, section 6. */
static gboolean
is_number (const char *word)
{
  const char *digits = word + (*word == '-' ? 1 : 0);
  const char *end = skip_digits (digits);

  if (end == digits || (*digits == '0' && end - digits > 1))
    return FALSE;
  if (*end == '.')
    {
      digits = end + 1;
      end = skip_digits (digits);
      if (end == digits)
        return FALSE;
    }
  if (*end == 'e' || *end == 'E')
    {
      digits = end + 1;
      if (*digits == '+' || *digits == '-')
        digits++;
      end = skip_digits (digits);
      if (end == digits)
        return FALSE;
    }

  return *end == '\0';
}

static gboolean
skip_word (DrayJson *json, GError **error)
{
  char word[NUMBER_LENGTH_MAX + 1];

  if (!take_word (json, word, error))
    return FALSE;

  return is_number (word) || g_str_equal (word, "true") || g_str_equal (word, "false")
         || g_str_equal (word, "null") || refuse (json, "there is no value", error);
}

static gboolean skip_nested (DrayJson *json, guint depth, GError **error);

static gboolean
skip_items (DrayJson *json, char closing, guint depth, GError **error)
{
  gboolean more;

  if (depth > DEPTH_MAX)
    return refuse (json, "values lie in one another too deep", error);

  for (guint64 n = 0;; n++)
    {
      if (!dray_json_next_item (json, closing, n, &more, error))
        return FALSE;
      if (!more)
        return TRUE;
      if (closing == '}'
          && (!dray_json_read_text (json, NULL, 0, error) || !dray_json_expect (json, ':', error)))
        return FALSE;
      if (!skip_nested (json, depth, error))
        return FALSE;
    }
}

static gboolean
skip_nested (DrayJson *json, guint depth, GError **error)
{
  gboolean is_there;

  if (!skip_space (json, &is_there, error))
    return FALSE;

  switch (is_there ? json->next : '\0')
    {
    case '"':
      return dray_json_read_text (json, NULL, 0, error);

    case '{':
      json->has_next = FALSE;
      return skip_items (json, '}', depth + 1, error);

    case '[':
      json->has_next = FALSE;
      return skip_items (json, ']', depth + 1, error);

    default:
      return skip_word (json, error);
    }
}

/* Takes a value of any kind, which nobody wants. */
gboolean
dray_json_skip_value (DrayJson *json, GError **error)
{
  return skip_nested (json, 0, error);
}
