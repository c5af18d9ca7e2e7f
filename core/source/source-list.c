/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/source-list.h"

#include "core/base/error.h"
#include "core/source/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A list is what a person has put together. What is longer is something else. */
#define FILE_SIZE_MAX (4 * 1024 * 1024)

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Sources in the order in which they came. */
typedef struct
{
  GPtrArray *sources;
  GHashTable *seen; /* of the same strings */
} List;

static void
list_init (List *list)
{
  list->sources = g_ptr_array_new_with_free_func (g_free);
  list->seen = g_hash_table_new (g_str_hash, g_str_equal);
}

static void
list_clear (List *list)
{
  g_clear_pointer (&list->seen, g_hash_table_unref);
  g_clear_pointer (&list->sources, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (List, list_clear)

static void
list_append (List *list, const char *source)
{
  char *copy = g_strdup (source);

  g_hash_table_add (list->seen, copy);
  g_ptr_array_add (list->sources, copy);
}

static void
list_add (List *list, const char *source)
{
  if (!g_hash_table_contains (list->seen, source))
    list_append (list, source);
}

static GStrv
list_end (List *list, GError **error)
{
  if (list->sources->len > DRAY_SOURCE_LIST_MAX)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                   "These are too many sources. Up to %d are taken at once", DRAY_SOURCE_LIST_MAX);
      return NULL;
    }

  g_ptr_array_add (list->sources, NULL);
  return (GStrv) g_ptr_array_steal (list->sources, NULL);
}

/* A word that is a source, or was meant for one. */
static gboolean
is_meant (const char *word)
{
  g_autoptr (DrayReference) reference = NULL;

  if (strstr (word, "://") != NULL)
    return TRUE;

  reference = dray_reference_parse (word, NULL);
  return reference != NULL;
}

/* Among other words on a line, those count that are sources. A line without one stands for itself,
 * so that whoever reads it can say what is wrong. */
static void
add_words (List *list, char *line)
{
  g_auto (GStrv) words = g_strsplit_set (line, " \t", -1);
  gboolean found = FALSE;

  for (guint i = 0; words[i] != NULL && words[i][0] != '#'; i++)
    if (*words[i] != '\0' && is_meant (words[i]))
      {
        list_add (list, words[i]);
        found = TRUE;
      }

  if (!found)
    list_add (list, line);
}

static void
add_line (List *list, char *line)
{
  g_strstrip (line);
  if (*line == '\0' || *line == '#')
    return;

  /* The path of a file may have spaces. */
  if (*line == '/' || strpbrk (line, " \t") == NULL)
    list_add (list, line);
  else
    add_words (list, line);
}

/**
 * dray_source_list_from_text:
 * @text: what was typed, dropped or pasted, or stands in a file
 * @error: return location for a #GError
 *
 * Every line is a source, or has several with spaces between them. Empty lines and those that begin
 * with “#”, as in a `text/uri-list` (RFC 2483 §5), are none; what comes twice counts once. The
 * sources themselves are not judged.
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE if there are more than %DRAY_SOURCE_LIST_MAX.
 *
 * Returns: (transfer full) (nullable): the sources in their order, perhaps none
 */
GStrv
dray_source_list_from_text (const char *text, GError **error)
{
  g_auto (List) list = { 0 };
  const char *start =
      g_str_has_prefix (text, BYTE_ORDER_MARK) ? text + strlen (BYTE_ORDER_MARK) : text;

  list_init (&list);
  while (*start != '\0' && list.sources->len <= DRAY_SOURCE_LIST_MAX)
    {
      gsize length = strcspn (start, "\r\n");
      g_autofree char *line = g_strndup (start, length);

      add_line (&list, line);
      start += length + strspn (start + length, "\r\n");
    }

  return list_end (&list, error);
}

static gboolean
has_suffix (const char *path, const char *suffix)
{
  gsize length = strlen (path), suffix_length = strlen (suffix);

  return length > suffix_length && g_ascii_strcasecmp (path + length - suffix_length, suffix) == 0;
}

/* The path of the file that is named, if it is one that holds sources. */
static char *
find_path (const char *source)
{
  g_autoptr (DrayReference) reference = dray_reference_parse (source, NULL);

  if (reference == NULL || reference->kind != DRAY_REFERENCE_FILE
      || !(has_suffix (reference->path, ".txt") || has_suffix (reference->path, ".url")
           || has_suffix (reference->path, ".desktop")))
    return NULL;

  return g_strdup (reference->path);
}

/**
 * dray_source_list_is_file:
 * @source: what a person typed or dropped
 *
 * Does not look at the disk.
 *
 * Returns: whether it names a file that holds sources, and is no model: a `.txt`, or a link's
 *   `.url` or `.desktop`
 */
gboolean
dray_source_list_is_file (const char *source)
{
  g_autofree char *path = find_path (source);

  return path != NULL;
}

static void
set_read_error (GError **error, int errnum, const char *path)
{
  if (errnum == ENOENT)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "There is no file “%s”", path);
  else
    dray_set_file_error (error, errnum, "read", path);
}

/* Reads a regular file of bounded size that is text. */
static char *
read_text (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat facts;
  gsize length = 0;
  ssize_t n_read = 1;

  if (fd < 0 || fstat (fd, &facts) < 0)
    {
      set_read_error (error, errno, path);
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  if (!S_ISREG (facts.st_mode) || facts.st_size > FILE_SIZE_MAX)
    {
      close (fd);
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                   "“%s” is no list of sources. One is a text of up to %d bytes", path,
                   FILE_SIZE_MAX);
      return NULL;
    }

  text = g_malloc ((gsize) facts.st_size + 1);
  while (length < (gsize) facts.st_size
         && (n_read = read (fd, text + length, (gsize) facts.st_size - length)) > 0)
    length += (gsize) n_read;
  text[length] = '\0';
  if (n_read < 0)
    set_read_error (error, errno, path);
  close (fd);
  if (n_read < 0)
    return NULL;

  if (!g_utf8_validate_len (text, length, NULL))
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                   "“%s” is no list of sources. One is a text with a source on each line", path);
      return NULL;
    }
  return g_steal_pointer (&text);
}

/* The value of a key in a group of an .ini file, which is what both kinds of links are. */
static char *
find_value (const char *text, const char *group, const char *key)
{
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);
  gsize key_length = strlen (key);
  gboolean inside = FALSE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strstrip (lines[i]);

      if (*line == '[')
        inside = g_ascii_strcasecmp (line, group) == 0;
      else if (inside && g_ascii_strncasecmp (line, key, key_length) == 0
               && g_str_has_prefix (line + key_length + strspn (line + key_length, " "), "="))
        return g_strstrip (g_strdup (strchr (line + key_length, '=') + 1));
    }

  return NULL;
}

static GStrv
read_link (const char *path, const char *text, GError **error)
{
  gboolean is_desktop = has_suffix (path, ".desktop");
  const char *group = is_desktop ? "[Desktop Entry]" : "[InternetShortcut]";
  g_autofree char *type = is_desktop ? find_value (text, group, "Type") : g_strdup ("Link");
  g_autofree char *url = find_value (text, group, "URL");

  if (g_strcmp0 (type, "Link") != 0 || url == NULL || *url == '\0')
    {
      g_set_error (
          error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
          "“%s” holds no link. A file of its kind that does has a line “URL=…” in its part "
          "%s",
          path, group);
      return NULL;
    }

  return g_strdupv ((char *[]){ url, NULL });
}

/**
 * dray_source_list_read_file:
 * @source: what dray_source_list_is_file() says yes to
 * @error: return location for a #GError
 *
 * Blocks while the file is read. A file that such a file names is a source, and is not read.
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE if it is no text, or too long, or holds no source; %DRAY_ERROR_NOT_FOUND and others if it cannot be read.
 *
 * Returns: (transfer full) (nullable): the sources in their order, at least one
 */
GStrv
dray_source_list_read_file (const char *source, GError **error)
{
  g_autofree char *path = find_path (source);
  g_autofree char *text = NULL;
  g_auto (GStrv) sources = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  text = read_text (path, error);
  if (text == NULL)
    return NULL;

  if (!has_suffix (path, ".txt"))
    return read_link (path, text, error);

  sources = dray_source_list_from_text (text, error);
  if (sources != NULL && sources[0] == NULL)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE,
                   "“%s” holds no source. One stands on a line of its own", path);
      return NULL;
    }
  return g_steal_pointer (&sources);
}

/**
 * dray_source_list_expand:
 * @sources: what a person typed or dropped
 * @error: return location for a #GError
 *
 * Puts what stands in a file of sources, and is not there yet, in the place of the file. Blocks while such files are read.
 *
 * Errors: as dray_source_list_read_file(), and as dray_source_list_from_text().
 *
 * Returns: (transfer full) (nullable): the sources in their order
 */
GStrv
dray_source_list_expand (const char *const *sources, GError **error)
{
  g_auto (List) list = { 0 };

  list_init (&list);
  for (guint i = 0; sources[i] != NULL; i++)
    {
      g_auto (GStrv) inner = NULL;

      if (!dray_source_list_is_file (sources[i]))
        {
          list_append (&list, sources[i]);
          continue;
        }
      inner = dray_source_list_read_file (sources[i], error);
      if (inner == NULL)
        return NULL;
      for (guint j = 0; inner[j] != NULL; j++)
        list_add (&list, inner[j]);
    }

  return list_end (&list, error);
}
