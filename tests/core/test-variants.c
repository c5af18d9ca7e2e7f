/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/variants.h"

#include "core/base/piece.h"

#include <string.h>

/* Files are given as "path=size path=size"; a size of "?" is unknown. */
static GPtrArray *
make_files (const char *text)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_repository_file_free);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (words[i], "=", 2);
      gint64 size = parts[1] == NULL ? 1
                    : *parts[1] == '?'
                        ? DRAY_SIZE_UNKNOWN
                        : g_ascii_strtoll (parts[1], NULL, 10);

      g_ptr_array_add (files, dray_repository_file_new (parts[0], size, NULL));
    }

  return files;
}

/* The sets as "name:files:size name:files:size". */
static char *
describe (GPtrArray *sets)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);

      g_string_append_printf (text, "%s%s:%u:%" G_GINT64_FORMAT, i > 0 ? " " : "", set->name,
                              set->files->len, set->size);
    }

  return g_string_free (text, FALSE);
}

static void
assert_all_can_be_chosen (DrayVariants *variants)
{
  GPtrArray *sets = dray_variants_get_sets (variants);

  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);

      g_assert_true (dray_variants_choose (variants, set->name, NULL) == set);
    }
}

static void
test_group (void)
{
  static const struct
  {
    const char *files;
    const char *sets;
    const char *suggested;
    const char *companion;
  } cases[] = {
    /* How a name says it. */
    { "m-Q4_K_M.gguf=4", "Q4_K_M:1:4", "Q4_K_M", NULL },
    { "m.Q4_K_M.gguf=4", "Q4_K_M:1:4", "Q4_K_M", NULL },
    { "m-q4_k_m.gguf=4", "Q4_K_M:1:4", "Q4_K_M", NULL },
    { "m_q8_0.GGUF=4", "Q8_0:1:4", "Q8_0", NULL },
    { "m-UD-Q4_K_XL.gguf=4", "UD-Q4_K_XL:1:4", "UD-Q4_K_XL", NULL },
    { "m-IQ2_M.gguf=4 m-iq1_s.gguf=3", "IQ1_S:1:3 IQ2_M:1:4", "IQ1_S", NULL },
    { "m-IQ2_XXS.gguf=1 m-IQ4_NL.gguf=2 m-IQ4_XS.gguf=3", "IQ2_XXS:1:1 IQ4_NL:1:2 IQ4_XS:1:3",
      "IQ2_XXS", NULL },
    { "m-BF16.gguf=9 m-f16.gguf=8 m-F32.gguf=16", "F16:1:8 BF16:1:9 F32:1:16", "F16", NULL },
    { "m-Q4_0_4_8.gguf=4 m-Q4_0.gguf=3", "Q4_0:1:3 Q4_0_4_8:1:4", "Q4_0", NULL },
    { "m-MXFP4.gguf=4 n-MXFP4_MOE.gguf=5", "MXFP4:1:4 MXFP4_MOE:1:5", "MXFP4", NULL },
    { "m-TQ1_0.gguf=1 m-Q2_K.gguf=2 m-Q3_K_XL.gguf=3 m-Q6_K_L.gguf=6",
      "TQ1_0:1:1 Q2_K:1:2 Q3_K_XL:1:3 Q6_K_L:1:6", "TQ1_0", NULL },
    { "m-Q4_K_M-imat.gguf=4", "Q4_K_M:1:4", "Q4_K_M", NULL },
    { "visionpsy-nano-460m-q8.gguf=4", "Q8:1:4", "Q8", NULL },
    { "Qwen3-4B-F16-Q4_K_S.gguf=4", "Q4_K_S:1:4", "Q4_K_S", NULL },
    { "Q4_K_M/model.gguf=4 Q8_0/model.gguf=8", "Q4_K_M:1:4 Q8_0:1:8", "Q4_K_M", NULL },
    { "BF16/sub/model.gguf=4", "BF16:1:4", "BF16", NULL },
    { "Qwen3Q4.gguf=4 IQ-test.gguf=5", "Qwen3Q4:1:4 IQ-test:1:5", "Qwen3Q4", NULL },
    { "weights.gguf=4", "weights:1:4", "weights", NULL },

    /* Which one is suggested. */
    { "m-Q2_K.gguf=2 m-Q4_K_M.gguf=4 m-Q8_0.gguf=8", "Q2_K:1:2 Q4_K_M:1:4 Q8_0:1:8", "Q4_K_M",
      NULL },
    { "m-Q2_K.gguf=2 m-Q4_K_S.gguf=4 m-Q8_0.gguf=8", "Q2_K:1:2 Q4_K_S:1:4 Q8_0:1:8", "Q8_0", NULL },
    { "m-Q6_K.gguf=6 m-Q2_K.gguf=2", "Q2_K:1:2 Q6_K:1:6", "Q2_K", NULL },
    { "m-UD-Q4_K_M.gguf=4 m-Q2_K.gguf=2", "Q2_K:1:2 UD-Q4_K_M:1:4", "Q2_K", NULL },

    /* Shards. */
    { "m-Q8_0-00002-of-00002.gguf=5 m-Q8_0-00001-of-00002.gguf=4", "Q8_0:2:9", "Q8_0", NULL },
    { "UD-IQ2_M/m-UD-IQ2_M-00001-of-00003.gguf=1 UD-IQ2_M/m-UD-IQ2_M-00002-of-00003.gguf=2 "
      "UD-IQ2_M/m-UD-IQ2_M-00003-of-00003.gguf=3",
      "UD-IQ2_M:3:6", "UD-IQ2_M", NULL },
    { "m-Q8_0-00001-of-00002.gguf=? m-Q8_0-00002-of-00002.gguf=4", "Q8_0:2:-1", "Q8_0", NULL },
    { "m-Q8_0-00001-of-00002.gguf=4 m-Q2_K.gguf=2", "Q2_K:1:2", "Q2_K", NULL },
    { "m-Q8_0-00003-of-00002.gguf=4", "Q8_0:1:4", "Q8_0", NULL },
    { "m-Q8_0-00000-of-00002.gguf=4", "Q8_0:1:4", "Q8_0", NULL },
    { "m-Q8_0-00001-of-01001.gguf=4", "Q8_0:1:4", "Q8_0", NULL },
    { "m-Q8_0-00001-of-00001.gguf=4", "Q8_0:1:4", "Q8_0", NULL },

    /* Two models of one quantisation. */
    { "a-Q4_K_M.gguf=4 b-Q4_K_M.gguf=5", "a-Q4_K_M:1:4 b-Q4_K_M:1:5", "a-Q4_K_M", NULL },
    { "x/m-Q8_0.gguf=4 y/m-Q8_0.gguf=5 m-Q2_K.gguf=1",
      "Q2_K:1:1 x/m-Q8_0:1:4 y/m-Q8_0:1:5", "x/m-Q8_0", NULL },

    { "x/m-Q8_0-00001-of-00001.gguf=4 y/m-Q8_0-00001-of-00001.gguf=5",
      "x/m-Q8_0:1:4 y/m-Q8_0:1:5", "x/m-Q8_0", NULL },

    { "m-Q8_0.gguf=4 m-Q8_0-00001-of-00002.gguf=2 m-Q8_0-00002-of-00002.gguf=3",
      "m-Q8_0.gguf:1:4 m-Q8_0-*-of-00002.gguf:2:5", "m-Q8_0.gguf", NULL },
    { "model.bin=4 model.pt=5", "model.bin:1:4 model.pt:1:5", "model.bin", NULL },
    { "A/m.gguf=4 a/m.gguf=5", "A/m.gguf:1:4 a/m.gguf:1:5", "A/m.gguf", NULL },

    /* Companions. */
    { "m-Q8_0.gguf=8 mmproj-F16.gguf=1 mmproj-BF16.gguf=1", "Q8_0:1:8", "Q8_0", "mmproj-F16.gguf" },
    { "m-Q8_0.gguf=8 mmproj-Q8_0.gguf=1 mmproj-m-bf16.gguf=1", "Q8_0:1:8", "Q8_0",
      "mmproj-m-bf16.gguf" },
    { "m-Q8_0.gguf=8 mmproj-Q8_0.gguf=1 mmproj-F32.gguf=1", "Q8_0:1:8", "Q8_0",
      "mmproj-Q8_0.gguf" },
    { "Qwen3.5-2B.Q4_K_M.gguf=8 Qwen3.5-2B.mmproj-Q8_0.gguf=1", "Q4_K_M:1:8", "Q4_K_M",
      "Qwen3.5-2B.mmproj-Q8_0.gguf" },
    { "mmproj-F16.gguf=8", "", NULL, NULL },

    /* What is no model. */
    { "README.md=1 config.json=1 m-Q8_0.gguf=8 imatrix_unsloth.gguf=1 imatrix.dat=1", "Q8_0:1:8",
      "Q8_0", NULL },
    { "README.md=1 tokenizer.json=1", "", NULL, NULL },
    { ".gguf=1", "", NULL, NULL },

    /* Other formats. */
    { "model-00001-of-00002.safetensors=4 model-00002-of-00002.safetensors=5 "
      "model.safetensors.index.json=1 config.json=1",
      "safetensors:2:9", "safetensors", NULL },
    { "model.safetensors=4 pytorch_model.bin=4", "safetensors:1:4", "safetensors", NULL },
    { "model.safetensors=4 m-Q8_0.gguf=2", "Q8_0:1:2", "Q8_0", NULL },
    { "unet/model.safetensors=4 vae/model.safetensors=2",
      "vae/model:1:2 unet/model:1:4", "vae/model", NULL },
    { "w-fp8.safetensors=4 w-bf16.safetensors=8", "FP8:1:4 BF16:1:8", "FP8", NULL },
    { "pytorch_model-00001-of-00002.bin=3 pytorch_model-00002-of-00002.bin=3 training_args.bin=1 "
      "optimizer.pt=9",
      "pytorch_model:2:6", "pytorch_model", NULL },
    { "ggml-base.bin=3 ggml-tiny.bin=1", "ggml-tiny:1:1 ggml-base:1:3", "ggml-tiny", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) files = make_files (cases[i].files);
      g_autoptr (DrayVariants) variants = dray_variants_new (files);
      g_autofree char *sets = describe (dray_variants_get_sets (variants));
      const DrayFileSet *suggested = dray_variants_get_suggested (variants);
      const DrayRepositoryFile *companion = dray_variants_get_companion (variants);

      g_test_message ("%s", cases[i].files);
      g_assert_cmpstr (sets, ==, cases[i].sets);
      g_assert_cmpstr (suggested != NULL ? suggested->name : NULL, ==, cases[i].suggested);
      assert_all_can_be_chosen (variants);
      if (*cases[i].sets != '\0')
        g_assert_cmpstr (companion != NULL ? companion->path : NULL, ==, cases[i].companion);
    }
}

static void
test_choose (void)
{
  static const char files[]
      = "m-Q2_K.gguf=2 m-Q4_K_M.gguf=4 m-UD-Q4_K_XL.gguf=5 m-Q8_0-00001-of-00003.gguf=3 "
        "m-Q8_0-00003-of-00003.gguf=3 a-F16.gguf=8 b-F16.gguf=9";
  static const struct
  {
    const char *files;
    const char *asked;
    const char *chosen;
    const char *message;
  } cases[] = {
    { files, NULL, "Q4_K_M", NULL },
    { files, "q2_k", "Q2_K", NULL },
    { files, "UD-Q4_K_XL", "UD-Q4_K_XL", NULL },
    { files, "ud-q4_k_xl", "UD-Q4_K_XL", NULL },
    { files, "A-f16", "a-F16", NULL },
    { files, "F16", NULL,
      "The repository has no variant “F16”. It has: Q2_K, Q4_K_M, UD-Q4_K_XL, a-F16, b-F16" },
    { files, "Q4", NULL,
      "The repository has no variant “Q4”. It has: Q2_K, Q4_K_M, UD-Q4_K_XL, a-F16, b-F16" },
    { files, "Q8_0", NULL,
      "The repository has only 2 of the 3 shards of Q8_0. Whole are: Q2_K, Q4_K_M, UD-Q4_K_XL, "
      "a-F16, b-F16" },
    { "m-Q8_0-00001-of-00002.gguf", NULL, NULL,
      "The repository has only 1 of the 2 shards of Q8_0" },
    { "README.md", NULL, NULL, "The repository has no model files" },
    { "README.md", "Q8_0", NULL, "The repository has no model files" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) list = make_files (cases[i].files);
      g_autoptr (DrayVariants) variants = dray_variants_new (list);
      g_autoptr (GError) error = NULL;
      const DrayFileSet *set = dray_variants_choose (variants, cases[i].asked, &error);

      g_test_message ("%s", cases[i].asked);
      g_assert_cmpstr (set != NULL ? set->name : NULL, ==, cases[i].chosen);
      g_assert_cmpstr (error != NULL ? error->message : NULL, ==, cases[i].message);
      if (set == NULL)
        g_assert_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
    }
}

/* Thousands of names do not make a message of megabytes. */
static void
test_many (void)
{
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_repository_file_free);
  g_autoptr (DrayVariants) variants = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *path = g_strdup_printf ("m%u-Q4_K_M.gguf", i);

      g_ptr_array_add (files, dray_repository_file_new (path, i, NULL));
    }
  variants = dray_variants_new (files);
  g_assert_cmpuint (dray_variants_get_sets (variants)->len, ==, 5000);
  g_assert_null (dray_variants_choose (variants, "Q4_K_M", &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
  g_assert_cmpuint (strlen (error->message), <, 1000);
  g_assert_nonnull (strstr (error->message, "and 4960 more"));
}

static void
test_file (void)
{
  static const char files[] = "README.md=1 a/m-00001-of-00002.gguf=3 a/m-00002-of-00002.gguf=4 "
                              "m-00001-of-00002.gguf=5 w.gguf=6";
  static const struct
  {
    const char *path;
    guint n_files;
    gint64 size;
    const char *message;
  } cases[] = {
    { "README.md", 1, 1, NULL },
    { "w.gguf", 1, 6, NULL },
    { "a/m-00001-of-00002.gguf", 2, 7, NULL },
    { "a/m-00002-of-00002.gguf", 2, 7, NULL },
    { "m-00001-of-00002.gguf", 0, 0,
      "The repository has only 1 of the 2 shards of “m-00001-of-00002.gguf”" },
    { "m-00002-of-00002.gguf", 0, 0, "The repository has no file “m-00002-of-00002.gguf”" },
    { "W.gguf", 0, 0, "The repository has no file “W.gguf”" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) list = make_files (files);
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayFileSet) set = dray_file_set_find (list, cases[i].path, &error);

      g_test_message ("%s", cases[i].path);
      g_assert_cmpstr (error != NULL ? error->message : NULL, ==, cases[i].message);
      if (cases[i].message != NULL)
        {
          g_assert_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
          continue;
        }
      g_assert_cmpuint (set->files->len, ==, cases[i].n_files);
      g_assert_cmpint (set->size, ==, cases[i].size);
    }
}

/* A file that has the name by which the shards of a set could be called. */
static void
test_asterisk (void)
{
  static const char *const orders[] = {
    "m-*-of-01000.gguf=3 m-01000-of-01000.gguf=4 m-00001-of-01000.gguf=5",
    "m-01000-of-01000.gguf=4 m-*-of-01000.gguf=3 m-00001-of-01000.gguf=5",
  };

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      g_autoptr (GPtrArray) list = make_files (orders[i]);
      g_autoptr (DrayVariants) variants = dray_variants_new (list);
      g_autofree char *sets = describe (dray_variants_get_sets (variants));
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayFileSet) set = dray_file_set_find (list, "m-*-of-01000.gguf", &error);

      g_assert_no_error (error);
      g_assert_cmpuint (set->files->len, ==, 1);
      g_assert_cmpint (set->size, ==, 3);
      g_assert_cmpstr (sets, ==, "m-*-of-01000:1:3");
      g_assert_null (dray_file_set_find (list, "m-01000-of-01000.gguf", &error));
      g_assert_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND);
      g_assert_nonnull (strstr (error->message, "only 2 of the 1000 shards"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/variants/group", test_group);
  g_test_add_func ("/variants/choose", test_choose);
  g_test_add_func ("/variants/many", test_many);
  g_test_add_func ("/variants/file", test_file);
  g_test_add_func ("/variants/asterisk", test_asterisk);

  return g_test_run ();
}
