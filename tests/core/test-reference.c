/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/reference.h"

#include "core/library/library.h"

static void
test_links (void)
{
  static const struct
  {
    const char *source;
    const char *model_id;
    const char *url;
  } cases[] = {
    { "https://Example.com/a.gguf", "url:https://example.com/a.gguf",
      "https://Example.com/a.gguf" },
    { "  https://example.com/a.gguf\n", "url:https://example.com/a.gguf",
      "https://example.com/a.gguf" },
    { "https://example.com/a.gguf#x", "url:https://example.com/a.gguf",
      "https://example.com/a.gguf" },
    { "https://example.com/a?X-Amz-Signature=1", "url:https://example.com/a",
      "https://example.com/a?X-Amz-Signature=1" },
    { "https://example.com/m-00002-of-00005.gguf", "url:https://example.com/m-*-of-00005.gguf",
      "https://example.com/m-00002-of-00005.gguf" },
    { "https://example.com/m-2-of-5.gguf", "url:https://example.com/m-2-of-5.gguf",
      "https://example.com/m-2-of-5.gguf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayReference) reference = dray_reference_parse (cases[i].source, &error);

      g_test_message ("%s", cases[i].source);
      g_assert_no_error (error);
      g_assert_cmpstr (reference->model_id, ==, cases[i].model_id);
      g_assert_cmpstr (reference->url, ==, cases[i].url);
    }
}

static void
test_others (void)
{
  static const char *const sources[] = {
    "", "   ", "word", "two words", "ftp://example.com/a", "http://", "https:///a", "http:a",
    "javascript:alert(1)", "\xff\xfe", "https://exa mple.com/a",
  };

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (dray_reference_parse (sources[i], &error));
      g_assert_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
}

/* Two levels, neither of which can lead out of the library. */
static void
test_shelf (void)
{
  static const struct
  {
    const char *url;
    const char *directory;
  } cases[] = {
    { "https://example.com/x/model.gguf", "/library/example.com/model" },
    { "https://example.com/archive.tar.gz", "/library/example.com/archive.tar" },
    { "https://example.com/.hidden", "/library/example.com/hidden" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (DrayShelf) shelf = { 0 };
      g_autofree char *directory = NULL;

      dray_shelf_init_for_link (&shelf, cases[i].url);
      directory = dray_shelf_get_directory (&shelf, "/library");
      g_assert_cmpstr (directory, ==, cases[i].directory);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reference/links", test_links);
  g_test_add_func ("/reference/others", test_others);
  g_test_add_func ("/reference/shelf", test_shelf);

  return g_test_run ();
}
