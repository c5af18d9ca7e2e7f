/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/source-list.h"

#include "core/base/error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static char *folder;

/* The sources with "|" between them. */
static void
check_list (GStrv list, const char *expected)
{
  g_autofree char *joined = NULL;

  g_assert_nonnull (list);
  joined = g_strjoinv ("|", list);
  g_assert_cmpstr (joined, ==, expected);
}

static void
test_text (void)
{
  static const struct
  {
    const char *text;
    const char *sources;
  } cases[] = {
    { "", "" },
    { "\n\r\n  \n\t\n", "" },
    { "# a comment\n  # another\n", "" },
    { "hf:o/r", "hf:o/r" },
    { "  hf:o/r \r\nollama:x\r\n", "hf:o/r|ollama:x" },
    { "hf:o/r\rollama:x", "hf:o/r|ollama:x" },
    { "\xef\xbb\xbfhf:o/r\n", "hf:o/r" },
    { "hf:o/r\nhf:o/r\nhf:o/s\nhf:o/r", "hf:o/r|hf:o/s" },
    { "hf:o/r ollama:x\thttps://example.com/a", "hf:o/r|ollama:x|https://example.com/a" },
    { "https://example.com/a # the small one", "https://example.com/a" },
    { "The model: https://example.com/a (recommended)", "https://example.com/a" },
    { "gte_large_fp16 and nothing else", "gte_large_fp16" },
    { "/models/with a space.gguf\n/b", "/models/with a space.gguf|/b" },
    /* What is none stays, so that somebody can say so. */
    { "word", "word" },
    { "two words", "two words" },
    { "htps://example.com/a https://example.com/b", "htps://example.com/a|https://example.com/b" },
    { "https://example.com/a#part\n", "https://example.com/a#part" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) list = dray_source_list_from_text (cases[i].text, &error);

      g_test_message ("%s", cases[i].text);
      g_assert_no_error (error);
      check_list (list, cases[i].sources);
    }
}

static char *
make_lines (guint n_lines)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n_lines; i++)
    g_string_append_printf (text, "https://example.com/models/%u.gguf and more\n", i);

  return g_string_free (text, FALSE);
}

/* Lines by the thousand are no burden, in any order of growth but the linear one they would be. */
static void
test_many (void)
{
  g_autofree char *five_thousand = make_lines (5000);
  g_autofree char *most = make_lines (DRAY_SOURCE_LIST_MAX);
  g_autofree char *more = make_lines (DRAY_SOURCE_LIST_MAX + 1);
  g_autofree char *same = g_strnfill (4 * 1024 * 1024, '\n');
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) list = NULL;
  g_auto (GStrv) longest = NULL;
  g_auto (GStrv) none = NULL;
  gint64 start = g_get_monotonic_time ();

  list = dray_source_list_from_text (five_thousand, &error);
  g_test_message ("5,000 lines: %.1f ms", (double) (g_get_monotonic_time () - start) / 1000);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (list), ==, 5000);

  longest = dray_source_list_from_text (most, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (longest), ==, DRAY_SOURCE_LIST_MAX);

  g_assert_null (dray_source_list_from_text (more, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE);
  g_clear_error (&error);

  none = dray_source_list_from_text (same, &error);
  g_assert_no_error (error);
  check_list (none, "");
}

static char *
write_file (const char *name, const char *content, gssize length)
{
  char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, content, length, &error);
  g_assert_no_error (error);

  return path;
}

static void
test_kinds (void)
{
  static const struct
  {
    const char *source;
    gboolean is_list;
  } cases[] = {
    { "/a/list.txt", TRUE },
    { "/a/LIST.TXT", TRUE },
    { "file:///a/my%20list.txt", TRUE },
    { "/a/link.url", TRUE },
    { "/a/link.desktop", TRUE },
    { "/a/model.gguf", FALSE },
    { "/a/txt", FALSE },
    { "/a/.txt/model.gguf", FALSE },
    { "list.txt", FALSE },
    { "https://example.com/list.txt", FALSE },
    { "hf:o/r/list.txt", FALSE },
    { "", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (dray_source_list_is_file (cases[i].source), ==, cases[i].is_list);
}

static void
test_files (void)
{
  static const struct
  {
    const char *name;
    const char *content;
    const char *sources; /* NULL if it is refused */
  } cases[] = {
    { "list.txt", "hf:o/r\n\n# no\nollama:x\n", "hf:o/r|ollama:x" },
    { "empty.txt", "# nothing\n", NULL },
    { "windows.url", "[InternetShortcut]\r\nURL=https://example.com/a?b=c\r\nIconIndex=0\r\n",
      "https://example.com/a?b=c" },
    { "groups.url",
      "[{000214A0-0000-0000-C000-000000000046}]\nURL=https://example.com/wrong\n"
      "[internetshortcut]\nurl = https://example.com/right \n",
      "https://example.com/right" },
    { "none.url", "[InternetShortcut]\nIconIndex=0\n", NULL },
    { "empty.url", "[InternetShortcut]\nURL=\n", NULL },
    { "other.url", "https://example.com/a\n", NULL },
    { "link.desktop", "[Desktop Entry]\nType=Link\nName=A\nURL=hf:o/r\n", "hf:o/r" },
    { "action.desktop",
      "[Desktop Entry]\nType=Link\nURLs=x\nURL=hf:o/r\n[Other]\nURL=https://example.com/a\n",
      "hf:o/r" },
    { "program.desktop", "[Desktop Entry]\nType=Application\nExec=sh\nURL=hf:o/r\n", NULL },
    { "latin.txt", "h\xe9\n", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = write_file (cases[i].name, cases[i].content, -1);
      g_auto (GStrv) list = dray_source_list_read_file (path, &error);

      g_test_message ("%s", path);
      if (cases[i].sources != NULL)
        {
          g_assert_no_error (error);
          check_list (list, cases[i].sources);
        }
      else
        {
          g_assert_null (list);
          g_assert_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE);
        }
    }
}

static void
check_refused (const char *path, DrayError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dray_source_list_read_file (path, &error));
  g_assert_error (error, DRAY_ERROR, (int) code);
}

/* A model by the wrong name, what does not end, and what is not there. */
static void
test_others (void)
{
  g_autofree char *binary = write_file ("binary.txt", "GGUF\0\0\0\3", 8);
  g_autofree char *missing = g_build_filename (folder, "missing.txt", NULL);
  g_autofree char *directory = g_build_filename (folder, "folder.txt", NULL);
  g_autofree char *pipe = g_build_filename (folder, "pipe.txt", NULL);
  g_autofree char *filling = g_strnfill (5 * 1024 * 1024, '\n');
  g_autofree char *large = write_file ("large.txt", filling, -1);

  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  check_refused (binary, DRAY_ERROR_INVALID_SOURCE);
  check_refused (missing, DRAY_ERROR_NOT_FOUND);
  check_refused (directory, DRAY_ERROR_INVALID_SOURCE);
  check_refused (pipe, DRAY_ERROR_INVALID_SOURCE);
  check_refused (large, DRAY_ERROR_INVALID_SOURCE);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* A file of sources may name another, which is then one of them. */
static void
test_expand (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (folder, "outer.txt", NULL);
  g_autofree char *content = g_strdup_printf ("hf:o/r\n%s\n/m.gguf\n", path);
  g_autofree char *written = write_file ("outer.txt", content, -1);
  g_autofree char *missing = g_build_filename (folder, "missing.txt", NULL);
  g_autofree char *expected = g_strdup_printf ("ollama:x|hf:o/r|%s|/m.gguf|word|word", path);
  g_auto (GStrv) list = dray_source_list_expand (
      (const char *[]){ "ollama:x", "hf:o/r", written, "word", "word", NULL }, &error);

  g_assert_no_error (error);
  check_list (list, expected);

  g_assert_null (dray_source_list_expand ((const char *[]){ "hf:o/r", missing, NULL }, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
}

static void
remove_folder (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("dray-source-list.XXXXXX", NULL);

  g_test_add_func ("/source-list/text", test_text);
  g_test_add_func ("/source-list/many", test_many);
  g_test_add_func ("/source-list/kinds", test_kinds);
  g_test_add_func ("/source-list/files", test_files);
  g_test_add_func ("/source-list/others", test_others);
  g_test_add_func ("/source-list/expand", test_expand);
  status = g_test_run ();

  remove_folder ();
  return status;
}
