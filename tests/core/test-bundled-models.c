/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/bundled-models.h"

#include "core/base/digest.h"
#include "core/source/bundled-plan.h"

#include <string.h>

#define N_MODELS 148

static void
test_list (void)
{
  const GPtrArray *all = dray_bundled_models_get_all ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n_sharded = 0;

  g_assert_cmpuint (all->len, ==, N_MODELS);
  for (guint i = 0; i < all->len; i++)
    {
      const DrayBundledModel *model = g_ptr_array_index (all, i);
      g_auto (GStrv) repo = g_strsplit (model->repo, "/", -1);
      gint64 size = 0;

      g_test_message ("%s: %s", model->name, model->title);
      g_assert_true (dray_bundled_models_find (model->name) == model);
      g_assert_cmpuint (g_strv_length (repo), ==, 2);
      g_assert_true (strlen (model->revision) == 40 || g_str_equal (model->revision, "main"));
      g_assert_nonnull (model->task);
      g_assert_cmpuint (model->files->len, >, 0);
      n_sharded += model->files->len > 1;
      for (guint j = 0; j < model->files->len; j++)
        {
          const DrayBundledFile *file = g_ptr_array_index (model->files, j);
          g_autofree char *digest = dray_digest_normalise_hex (file->sha256);

          g_assert_cmpstr (digest, ==, file->sha256);
          g_assert_cmpint (file->size, >, 0);
          size += file->size;
        }
      g_assert_cmpint (model->size, ==, size);

      /* Two models that look the same to a person could not be chosen between. */
      g_assert_true (
          g_hash_table_add (seen, g_strdup_printf ("%s %s", model->title, model->quantisation)));
    }
  g_assert_cmpuint (n_sharded, ==, 3);
}

static void
test_titles (void)
{
  static const struct
  {
    const char *name;
    const char *title;
  } cases[] = {
    { "LLAMA_3_2_1B_INST_Q4_0", "Llama 3.2 1B Instruct" },
    { "LLAMA_TOOL_CALLING_1B_INST_Q4_K", "Llama 3.2 1B Instruct Tool Calling V2" },
    { "GEMMA4_2B_MULTIMODAL_Q8_0", "Gemma 4 E2B Instruct" },
    { "GPT_OSS_20B_INST_Q4_K_M", "GPT OSS 20B" },
    { "LASER_DOLPHIN_2X7B_INST_Q2_K", "Laser Dolphin Mixtral 2x7B DPO" },
    { "TRANSLATEPSY_AFRISLM_0_8B_TRANSLATION_Q8_0", "TranslatePsy AfriSLM 0.8B" },
    { "QWEN3_6_35B_A3B_MULTIMODAL_Q4_K_M", "Qwen3.6 35B A3B" },
    { "MMPROJ_OCR_0_6B_MULTIMODAL_F16", "LightOnOCR 2 1B Vision" },
    { "FLUX_2_KLEIN_4B_Q6_K", "FLUX.2 Klein 4B" },
    { "FLUX_2_KLEIN_4B_VAE", "FLUX.2 Klein 4B VAE" },
    { "WAN2_1_I2V_14B_Q4_K_M_1", "Wan2.1 I2V 14B 720P" },
    { "WHISPER_EN_TINY_Q8_0", "Whisper Tiny English" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpstr (dray_bundled_models_find (cases[i].name)->title, ==, cases[i].title);
}

static void
test_find (void)
{
  const DrayBundledModel *model = dray_bundled_models_find ("llama_3_2_1b_inst_q4_0");

  g_assert_cmpstr (model->name, ==, "LLAMA_3_2_1B_INST_Q4_0");
  g_assert_cmpstr (model->parameters, ==, "1B");
  g_assert_cmpint (model->size, ==, 773025824);
  g_assert_null (dray_bundled_models_find (""));
  g_assert_null (dray_bundled_models_find ("LLAMA_3_2_1B_INST"));
  g_assert_null (dray_bundled_models_find ("LLAMA_3_2_1B_INST_Q4_0 "));
}

static void
test_search (void)
{
  static const struct
  {
    const char *query;
    guint n_found;
    const char *first;
  } cases[] = {
    { "", N_MODELS, "AFRICAN_4B_TRANSLATION_Q4_K_M" },
    { "llama 3.2 instruct", 2, "LLAMA_3_2_1B_INST_Q4_0" },
    { "  Whisper\tenglish ", 6, "WHISPER_EN_BASE_Q0F16" },
    { "embeddings", 6, "EMBEDDINGGEMMA_300M_BF16" },
    { "8b", 1, "QWEN3_8B_INST_Q4_K_M" },
    { "0.8B q6_k", 1, "QWEN3_5_0_8B_MULTIMODAL_Q6_K" },
    { "a3b vision bf16", 1, "MMPROJ_QWEN3_6_35B_A3B_MULTIMODAL_BF16" },
    { "ud-q4_k_xl flash", 1, "QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_UD_Q4_K_XL_SHARD" },
    { "unsloth llama", 1, "LLAMA_3_2_1B_INST_Q4_0" },
    { "lama", 0, NULL },
    { "llama whisper", 0, NULL },
    { "\xff\xfe", 0, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) found = dray_bundled_models_search (cases[i].query);
      g_autofree char *shown = g_strescape (cases[i].query, NULL);

      g_test_message ("“%s”", shown);
      g_assert_cmpuint (found->len, ==, cases[i].n_found);
      if (found->len > 0)
        g_assert_cmpstr (((DrayBundledModel *) found->pdata[0])->name, ==, cases[i].first);
    }
}

/* Whatever lets a model see is of its own repository, and there is one of it. */
static void
test_companions (void)
{
  const GPtrArray *all = dray_bundled_models_get_all ();

  for (guint i = 0; i < all->len; i++)
    {
      const DrayBundledModel *model = g_ptr_array_index (all, i);
      const DrayBundledModel *companion = dray_bundled_model_get_companion (model);

      g_test_message ("%s", model->name);
      g_assert_cmpint (companion != NULL, ==,
                       !model->is_companion && strstr (model->name, "MULTIMODAL") != NULL);
      if (companion != NULL)
        {
          g_assert_true (companion->is_companion);
          g_assert_cmpstr (companion->repo, ==, model->repo);
        }
    }

  g_assert_cmpstr (
      dray_bundled_model_get_companion (dray_bundled_models_find ("QWEN3_5_4B_MULTIMODAL_Q6_K"))
          ->name,
      ==, "MMPROJ_QWEN3_5_4B_MULTIMODAL_F16");
  g_assert_cmpstr (dray_bundled_model_get_companion (
                       dray_bundled_models_find ("VISIONPSY_NANO_460M_MULTIMODAL_Q8_0_1"))
                       ->name,
                   ==, "MMPROJ_VISIONPSY_NANO_460M_MULTIMODAL_Q8_0_1");
}

static DrayPlan *
plan_for (const char *source)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayReference) reference = dray_reference_parse (source, &error);
  DrayPlan *plan;

  g_assert_no_error (error);
  g_assert_cmpint (reference->kind, ==, DRAY_REFERENCE_BUNDLED);
  g_assert_false (dray_planner_needs_network (reference));
  plan = dray_planner_plan (reference, NULL, NULL, &error);
  g_assert_no_error (error);

  return plan;
}

static void
test_plan (void)
{
  g_autoptr (DrayPlan) plan = plan_for (" Llama_3_2_1b_Inst_Q4_0\n");
  const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, 0);

  g_assert_cmpstr (plan->model_id, ==, "LLAMA_3_2_1B_INST_Q4_0");
  g_assert_cmpstr (plan->title, ==, "Llama 3.2 1B Instruct");
  g_assert_cmpstr (plan->publisher, ==, "unsloth");
  g_assert_cmpstr (plan->model, ==, "Llama-3.2-1B-Instruct-GGUF");
  g_assert_cmpstr (plan->variant, ==, "Q4_0");
  g_assert_cmpuint (plan->variants->len, ==, 0);
  g_assert_cmpuint (plan->assets->len, ==, 1);
  g_assert_cmpstr (asset->url, ==,
                   "https://huggingface.co/unsloth/Llama-3.2-1B-Instruct-GGUF/resolve/"
                   "b69aef112e9f895e6f98d7ae0949f72ff09aa401/Llama-3.2-1B-Instruct-Q4_0.gguf");
  g_assert_cmpstr (asset->name, ==, "Llama-3.2-1B-Instruct-Q4_0.gguf");
  g_assert_cmpint (asset->size, ==, 773025824);
  g_assert_nonnull (asset->sha256);
  g_assert_false (asset->is_companion);
}

/* A set is one model: its shards in their order, what lets it see at the end. */
static void
test_set_plan (void)
{
  g_autoptr (DrayPlan) plan = plan_for ("QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_UD_Q4_K_XL_SHARD");
  gint64 companions = 0;

  g_assert_cmpuint (plan->assets->len, ==, 5);
  for (guint i = 0; i < plan->assets->len; i++)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i);
      g_autofree char *shard =
          g_strdup_printf ("Qwen3.8-Flash-Next-UD-Q4_K_XL-%05u-of-00004.gguf", i + 1);

      g_assert_cmpstr (asset->name, ==, i < 4 ? shard : "mmproj-F16.gguf");
      g_assert_cmpint (asset->is_companion, ==, i == 4);
      companions += asset->is_companion ? asset->size : 0;
    }
  g_assert_cmpint (dray_plan_get_size (plan) - companions, ==, 111334654784);
}

/* A companion that is asked for by its name is a model as others. */
static void
test_companion_plan (void)
{
  g_autoptr (DrayPlan) plan = plan_for ("MMPROJ_SMOLVLM2_500M_MULTIMODAL_Q8_0");

  g_assert_cmpuint (plan->assets->len, ==, 1);
  g_assert_false (((DrayPlannedAsset *) plan->assets->pdata[0])->is_companion);
}

static void
test_every_plan (void)
{
  const GPtrArray *all = dray_bundled_models_get_all ();

  for (guint i = 0; i < all->len; i++)
    {
      const DrayBundledModel *model = g_ptr_array_index (all, i);
      g_autoptr (DrayPlan) plan = plan_for (model->name);
      g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
      const char *alias = g_ptr_array_index (plan->aliases, 0);
      g_autoptr (DrayReference) file = dray_reference_parse (alias, NULL);

      /* The alias is the model id of a link to the file. */
      g_assert_cmpuint (plan->aliases->len, ==, 1);
      g_assert_cmpstr (file->model_id, ==, alias);
      g_assert_cmpstr (file->path, ==, ((DrayBundledFile *) model->files->pdata[0])->path);

      g_assert_cmpstr (plan->model_id, ==, model->name);
      for (guint j = 0; j < plan->assets->len; j++)
        {
          const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, j);

          g_assert_nonnull (asset->sha256);
          g_assert_null (strchr (asset->name, '/'));
          g_assert_true (g_hash_table_add (names, asset->name));
        }
    }
}

static void
test_mirror (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayReference) reference = dray_reference_parse ("SD_V2_1_1B_Q4_0", NULL);

  g_setenv ("HF_ENDPOINT", "http://localhost:8080/hub/", TRUE);
  {
    g_autoptr (DrayPlan) plan = plan_for ("SD_V2_1_1B_Q4_0");
    const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, 0);

    g_assert_true (g_str_has_prefix (asset->url, "http://localhost:8080/hub/gpustack/"));
    g_assert_cmpstr (plan->model_id, ==, "SD_V2_1_1B_Q4_0");
  }

  g_setenv ("HF_ENDPOINT", "hf-mirror", TRUE);
  g_assert_null (dray_planner_plan (reference, NULL, NULL, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE);
  g_unsetenv ("HF_ENDPOINT");
}

static gpointer
find_in_thread (gpointer name)
{
  return (gpointer) dray_bundled_models_find (name);
}

/* Whoever asks first reads the list, and whoever asks meanwhile waits for it. */
static void
test_threads (void)
{
  GThread *threads[8];
  gpointer found[G_N_ELEMENTS (threads)];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("find", find_in_thread, (gpointer) "GTE_LARGE_FP16");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    found[i] = g_thread_join (threads[i]);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_true (found[i] != NULL && found[i] == found[0]);
}

int
main (int argc, char **argv)
{
  g_unsetenv ("HF_ENDPOINT");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/bundled-models/threads", test_threads);
  g_test_add_func ("/bundled-models/list", test_list);
  g_test_add_func ("/bundled-models/titles", test_titles);
  g_test_add_func ("/bundled-models/find", test_find);
  g_test_add_func ("/bundled-models/search", test_search);
  g_test_add_func ("/bundled-models/companions", test_companions);
  g_test_add_func ("/bundled-models/plan", test_plan);
  g_test_add_func ("/bundled-models/set-plan", test_set_plan);
  g_test_add_func ("/bundled-models/companion-plan", test_companion_plan);
  g_test_add_func ("/bundled-models/every-plan", test_every_plan);
  g_test_add_func ("/bundled-models/mirror", test_mirror);

  return g_test_run ();
}
