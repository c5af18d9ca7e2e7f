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

/* What each kind is understood as. */
static void
test_kinds (void)
{
  static const struct
  {
    const char *source;
    DrayReference expected;
  } cases[] = {
    { "hf:o/r", { DRAY_REFERENCE_HUB, .model_id = "hf:o/r", .repo = "o/r" } },
    { "hf.co/o/r:q8_0",
      { DRAY_REFERENCE_HUB, .model_id = "hf:o/r:Q8_0", .repo = "o/r", .variant = "Q8_0" } },
    { "hf:o/r@v1:UD-Q4_K_XL",
      { DRAY_REFERENCE_HUB, .model_id = "hf:o/r@v1:UD-Q4_K_XL", .repo = "o/r", .revision = "v1",
        .variant = "UD-Q4_K_XL" } },
    { "https://huggingface.co/o/r/resolve/main/d/m-00002-of-00003.gguf?download=true",
      { DRAY_REFERENCE_HUB, .model_id = "hf:o/r/d/m-*-of-00003.gguf", .repo = "o/r",
        .path = "d/m-00002-of-00003.gguf" } },
    { "https://huggingface.co/o/r/blob/refs%2Fpr%2F3/a%20b.gguf",
      { DRAY_REFERENCE_HUB, .model_id = "hf:o/r@refs%2Fpr%2F3/a b.gguf", .repo = "o/r",
        .revision = "refs/pr/3", .path = "a b.gguf" } },
    { "ollama:llama3.2",
      { DRAY_REFERENCE_OLLAMA, .model_id = "ollama:llama3.2:latest", .name = "llama3.2",
        .tag = "latest" } },
    { "https://ollama.com/user/m:7b",
      { DRAY_REFERENCE_OLLAMA, .model_id = "ollama:user/m:7b", .name = "user/m", .tag = "7b" } },
    { "file:///a%20b.gguf",
      { DRAY_REFERENCE_FILE, .model_id = "file:/a b.gguf", .path = "/a b.gguf" } },
    { "/x/../m.gguf", { DRAY_REFERENCE_FILE, .model_id = "file:/m.gguf", .path = "/m.gguf" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const DrayReference *expected = &cases[i].expected;
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayReference) reference = dray_reference_parse (cases[i].source, &error);

      g_test_message ("%s", cases[i].source);
      g_assert_no_error (error);
      g_assert_cmpint (reference->kind, ==, expected->kind);
      g_assert_cmpstr (reference->model_id, ==, expected->model_id);
      g_assert_cmpstr (reference->repo, ==, expected->repo);
      g_assert_cmpstr (reference->revision, ==, expected->revision);
      g_assert_cmpstr (reference->variant, ==, expected->variant);
      g_assert_cmpstr (reference->path, ==, expected->path);
      g_assert_cmpstr (reference->name, ==, expected->name);
      g_assert_cmpstr (reference->tag, ==, expected->tag);
      g_assert_null (reference->url);
      g_assert_null (reference->urls);
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
    "javascript:alert(1)", "\xff\xfe", "https://exa mple.com/a", "//example.com/a", "a\nb", "~/m",
    "https://huggingface.co/datasets/o/r", "https://huggingface.co/docs/hub", "hf:o", "hf:o/r/../x",
    "https://huggingface.co/gpt2", "ollama:", "ollama:a/b/c", "https://ollama.com/a",
    "file://server/a", "file:///a%00b", "/",
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
  g_test_add_func ("/reference/kinds", test_kinds);
  g_test_add_func ("/reference/asked", test_asked);
  g_test_add_func ("/reference/others", test_others);
  g_test_add_func ("/reference/shelf", test_shelf);

  return g_test_run ();
}
