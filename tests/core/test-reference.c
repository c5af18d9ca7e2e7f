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
      "https://example.com/m-00001-of-00005.gguf" },
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

/* One link of a set stands for all of it, in the order of the shards. */
static void
test_sets (void)
{
  static const struct
  {
    const char *source;
    const char *model_id;
    guint n_urls;
    const char *last;
  } cases[] = {
    { "https://Example.com/m-00003-of-00005.gguf#x", "url:https://example.com/m-*-of-00005.gguf", 5,
      "https://Example.com/m-00005-of-00005.gguf" },
    { "https://example.com/m-00001-of-00002.safetensors",
      "url:https://example.com/m-*-of-00002.safetensors", 2,
      "https://example.com/m-00002-of-00002.safetensors" },
    { "https://example.com/m-00001-of-00002.gguf?part=a/b-00001-of-00009.gguf",
      "url:https://example.com/m-*-of-00002.gguf?part=a/b-00001-of-00009.gguf", 2,
      "https://example.com/m-00002-of-00002.gguf?part=a/b-00001-of-00009.gguf" },
    { "https://example.com/m-00001-of-00001.gguf", "url:https://example.com/m-*-of-00001.gguf", 1,
      "https://example.com/m-00001-of-00001.gguf" },
    { "https://example.com/m-01000-of-01000.gguf", "url:https://example.com/m-*-of-01000.gguf",
      1000, "https://example.com/m-01000-of-01000.gguf" },
    { "https://example.com/a-00001-of-00002/m-00001-of-00003.gguf",
      "url:https://example.com/a-00001-of-00002/m-*-of-00003.gguf", 3,
      "https://example.com/a-00001-of-00002/m-00003-of-00003.gguf" },
    /* No sets: */
    { "https://example.com/m-00001-of-01001.gguf", "url:https://example.com/m-00001-of-01001.gguf",
      1, "https://example.com/m-00001-of-01001.gguf" },
    { "https://example.com/m-00000-of-00005.gguf", "url:https://example.com/m-00000-of-00005.gguf",
      1, "https://example.com/m-00000-of-00005.gguf" },
    { "https://example.com/m-00006-of-00005.gguf", "url:https://example.com/m-00006-of-00005.gguf",
      1, "https://example.com/m-00006-of-00005.gguf" },
    { "https://example.com/m-00001-of-00000.gguf", "url:https://example.com/m-00001-of-00000.gguf",
      1, "https://example.com/m-00001-of-00000.gguf" },
    { "https://example.com/-00001-of-00002.gguf", "url:https://example.com/-00001-of-00002.gguf",
      1, "https://example.com/-00001-of-00002.gguf" },
    { "https://example.com/m-00001-of-00002.bin", "url:https://example.com/m-00001-of-00002.bin", 1,
      "https://example.com/m-00001-of-00002.bin" },
    { "https://example.com/m-00001-of-00002.gguf/x",
      "url:https://example.com/m-00001-of-00002.gguf/x", 1,
      "https://example.com/m-00001-of-00002.gguf/x" },
    { "https://example.com/get?f=m-00001-of-00002.gguf",
      "url:https://example.com/get?f=m-00001-of-00002.gguf", 1,
      "https://example.com/get?f=m-00001-of-00002.gguf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayReference) reference = dray_reference_parse (cases[i].source, &error);

      g_test_message ("%s", cases[i].source);
      g_assert_no_error (error);
      g_assert_cmpstr (reference->model_id, ==, cases[i].model_id);
      g_assert_cmpuint (reference->urls->len, ==, cases[i].n_urls);
      g_assert_cmpstr (reference->url, ==, g_ptr_array_index (reference->urls, 0));
      g_assert_cmpuint (reference->asked, <, reference->urls->len);
      g_assert_cmpstr (g_ptr_array_index (reference->urls, cases[i].n_urls - 1), ==,
                       cases[i].last);
    }
}

/* Which of the shards the person named is not lost. */
static void
test_asked (void)
{
  g_autoptr (DrayReference) shard
      = dray_reference_parse ("https://example.com/m-00003-of-00005.gguf?x=1", NULL);
  g_autoptr (DrayReference) plain = dray_reference_parse ("https://example.com/m.gguf", NULL);

  g_assert_cmpuint (shard->asked, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (shard->urls, 2), ==,
                   "https://example.com/m-00003-of-00005.gguf?x=1");
  g_assert_cmpuint (plain->asked, ==, 0);
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
    { "https://example.com/m-00001-of-00002.gguf", "/library/example.com/m" },
    { "https://example.com/m-00002-of-00002.safetensors?x=1", "/library/example.com/m" },
    { "https://example.com/-00001-of-00002.gguf", "/library/example.com/-00001-of-00002" },
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
  g_test_add_func ("/reference/sets", test_sets);
  g_test_add_func ("/reference/asked", test_asked);
  g_test_add_func ("/reference/others", test_others);
  g_test_add_func ("/reference/shelf", test_shelf);

  return g_test_run ();
}
