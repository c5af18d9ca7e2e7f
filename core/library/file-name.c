/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/file-name.h"

#include <libsoup/soup.h>
#include <string.h>

/* What a name is called by when nothing usable is left of it. */
#define FALLBACK "download"

/* The longest extension, with its dot, that shortening spares. */
#define LONGEST_EXTENSION 16

/* Names that end so are taken by partial files. */
#define PARTIAL_SUFFIX ".part"

static gboolean
is_bidi_control (gunichar c)
{
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e)
         || (c >= 0x2066 && c <= 0x2069);
}

static gboolean
is_removed (gunichar c)
{
  return g_unichar_iscntrl (c) || is_bidi_control (c) || c == 0x2028 || c == 0x2029 || c == 0xfeff;
}

/* The text after the last slash of either kind that has text after it. */
static char *
last_component (const char *name)
{
  gsize end = strlen (name);
  gsize start;

  while (end > 0 && strchr ("/\\", name[end - 1]) != NULL)
    end--;
  for (start = end; start > 0 && strchr ("/\\", name[start - 1]) == NULL; start--)
    ;

  return g_strndup (name + start, end - start);
}

/* Drops what is invisible or turns text around, and replaces what some filesystem forbids. */
static GString *
replace_characters (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  GString *clean = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (is_removed (c))
        continue;
      if (c < 0x80 && strchr ("<>:\"|?*", c) != NULL)
        c = '_';
      g_string_append_unichar (clean, c);
    }

  return clean;
}

static void
strip_end (GString *name)
{
  while (name->len > 0 && strchr (". ", name->str[name->len - 1]) != NULL)
    g_string_truncate (name, name->len - 1);
}

static void
strip_start (GString *name)
{
  g_string_erase (name, 0, strspn (name->str, ". "));
}

/* Whether Windows takes the name for a device, which it does whatever the extension. */
static gboolean
is_device_name (const char *name)
{
  static const char *const devices[] = { "con", "prn", "aux", "nul", "conin$", "conout$" };
  static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6",
                                        "7", "8", "9", "¹", "²", "³" };
  g_autofree char *base = g_ascii_strdown (name, strcspn (name, "."));

  g_strchomp (base);
  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    if (g_str_equal (base, devices[i]))
      return TRUE;

  if (!g_str_has_prefix (base, "com") && !g_str_has_prefix (base, "lpt"))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (digits); i++)
    if (g_str_equal (base + 3, digits[i]))
      return TRUE;

  return FALSE;
}

/* The length of "-00001-of-00003" at the end of the first @length bytes of @name, or 0. */
static gsize
shard_length (const char *name, gsize length)
{
  static const char pattern[] = "-00000-of-00000";
  gsize n = strlen (pattern);

  if (length < n)
    return 0;

  for (gsize i = 0; i < n; i++)
    {
      char c = name[length - n + i];

      if (pattern[i] == '0' ? !g_ascii_isdigit (c) : c != pattern[i])
        return 0;
    }

  return n;
}

/* Where the end of a name begins that shortening and numbering leave as it is: the extension and,
 * before it, the number of a shard, by which a program finds the other shards. */
static gsize
tail_start (const char *name)
{
  gsize length = strlen (name);
  const char *dot = strrchr (name, '.');
  gsize stem = length;

  if (dot != NULL && dot != name && length - (dot - name) <= LONGEST_EXTENSION)
    stem = dot - name;

  return stem - shard_length (name, stem);
}

static void
shorten (GString *name)
{
  g_autofree char *tail = NULL;
  gsize cut;

  if (name->len <= DRAY_FILE_NAME_MAX)
    return;

  tail = g_strdup (name->str + tail_start (name->str));
  cut = DRAY_FILE_NAME_MAX - strlen (tail);
  while ((name->str[cut] & 0xc0) == 0x80)
    cut--;
  g_string_truncate (name, cut);
  strip_end (name);
  g_string_append (name, tail);
}

static void
keep_off_partial_files (GString *name)
{
  gsize n = strlen (PARTIAL_SUFFIX);

  if (name->len < n || g_ascii_strcasecmp (name->str + name->len - n, PARTIAL_SUFFIX) != 0)
    return;

  g_string_truncate (name, MIN (name->len, DRAY_FILE_NAME_MAX - 1));
  g_string_append_c (name, '_');
}

/* As dray_file_name_clean(), but NULL where nothing is left. */
static char *
clean_or_null (const char *name)
{
  g_autofree char *component = last_component (name);
  GString *clean = replace_characters (component);

  strip_start (clean);
  strip_end (clean);
  if (is_device_name (clean->str))
    g_string_prepend_c (clean, '_');
  shorten (clean);
  keep_off_partial_files (clean);

  return g_string_free (clean, clean->len == 0);
}

/**
 * dray_file_name_clean:
 * @name: what a server, a link or a person calls a file; any bytes
 *
 * Makes a name that is one visible component on every common filesystem: no path, no control or
 * direction characters, no device, no hidden file, valid UTF-8 of at most %DRAY_FILE_NAME_MAX bytes
 * with its extension, and never that of a partial file. A clean name stays as it is.
 *
 * Returns: (transfer full): the name, "download" where nothing is left of @name
 */
char *
dray_file_name_clean (const char *name)
{
  char *clean;

  g_return_val_if_fail (name != NULL, NULL);

  clean = clean_or_null (name);

  return clean != NULL ? clean : g_strdup (FALLBACK);
}

/**
 * dray_file_name_from_url:
 * @url: the address of a file
 *
 * Returns: (transfer full): a clean name from the last part of the address's path, "download" where
 *   it has none
 */
char *
dray_file_name_from_url (const char *url)
{
  g_autoptr (GUri) uri = NULL;
  g_autofree char *segment = NULL;
  g_autofree char *decoded = NULL;

  g_return_val_if_fail (url != NULL, NULL);

  uri = g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);
  if (uri == NULL)
    return g_strdup (FALLBACK);

  segment = last_component (g_uri_get_path (uri));
  decoded = g_uri_unescape_string (segment, NULL);

  return dray_file_name_clean (decoded != NULL ? decoded : segment);
}

/**
 * dray_file_name_from_disposition:
 * @header: the value of a Content-Disposition header
 *
 * Returns: (transfer full) (nullable): a clean name, or %NULL if the header gives none of use
 */
char *
dray_file_name_from_disposition (const char *header)
{
  SoupMessageHeaders *headers;
  g_autofree char *disposition = NULL;
  g_autoptr (GHashTable) parameters = NULL;
  const char *name = NULL;

  g_return_val_if_fail (header != NULL, NULL);

  headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  soup_message_headers_append (headers, "Content-Disposition", header);
  if (soup_message_headers_get_content_disposition (headers, &disposition, &parameters))
    name = g_hash_table_lookup (parameters, "filename");
  soup_message_headers_unref (headers);

  return name != NULL ? clean_or_null (name) : NULL;
}

/**
 * dray_file_name_strip_shard:
 * @stem: a clean name without its extension
 *
 * Takes away the number of a shard at the end, as in "-00001-of-00003", unless nothing else is left.
 */
void
dray_file_name_strip_shard (char *stem)
{
  gsize length, n;

  g_return_if_fail (stem != NULL);

  length = strlen (stem);
  n = shard_length (stem, length);
  if (n < length)
    stem[length - n] = '\0';
}

/**
 * dray_file_name_numbered:
 * @name: a clean name that is taken
 * @number: which one of that name this is, from 2 on
 *
 * Puts the number before the extension, and before the number of a shard. The result may exceed
 * %DRAY_FILE_NAME_MAX by as much as the number is long.
 *
 * Returns: (transfer full): another name
 */
char *
dray_file_name_numbered (const char *name, guint number)
{
  gsize stem;

  g_return_val_if_fail (name != NULL, NULL);

  stem = tail_start (name);

  return g_strdup_printf ("%.*s (%u)%s", (int)stem, name, number, name + stem);
}
