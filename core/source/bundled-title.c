/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/bundled-title.h"

#include <string.h>

/* Models whose repository is called after something else, by the beginning of their names; the
 * first that fits counts. */
static const struct
{
  const char *prefix;
  const char *title;
} titles[] = {
  { "CLIP_VISION_H", "CLIP Vision H" },
  { "FLUX_2_KLEIN_4B_VAE", "FLUX.2 Klein 4B VAE" },
  { "LTX_2_3_22B_DISTILLED_EMBEDDINGS_CONNECTORS", "LTX 2.3 22B Distilled Embeddings Connectors" },
  { "LTX_2_3_22B", "LTX 2.3 22B Distilled" },
  { "LTX_2_3_AUDIO_VAE", "LTX 2.3 Audio VAE" },
  { "LTX_2_3_VIDEO_VAE", "LTX 2.3 Video VAE" },
  { "OCR_0_6B", "LightOnOCR 2 1B" },
  { "QWEN3_8_FLASH_NEXT_177B", "Qwen3.8 Flash Next 177B" },
  { "SD_V2_1", "Stable Diffusion 2.1" },
  { "UMT5_XXL", "UMT5 XXL" },
  { "VAD_SILERO_5_1_2", "Silero VAD 5.1.2" },
  { "WAN2_1_T2V_1_3B", "Wan2.1 T2V 1.3B" },
  { "WAN_2_1_COMFYUI_REPACKAGED_VAE", "Wan2.1 VAE" },
  { "WAN_2_2_COMFYUI_REPACKAGED_VAE", "Wan2.2 VAE" },
  { "WHISPER_BASE", "Whisper Base" },
  { "WHISPER_EN_BASE", "Whisper Base English" },
  { "WHISPER_EN_SMALL", "Whisper Small English" },
  { "WHISPER_EN_TINY", "Whisper Tiny English" },
  { "WHISPER_LARGE_V3_TURBO", "Whisper Large V3 Turbo" },
  { "WHISPER_SMALL", "Whisper Small" },
  { "WHISPER_TINY", "Whisper Tiny" },
};

/* Words that a capital at the beginning does not make right; "" leaves a word out. */
static const struct
{
  const char *word;
  const char *written;
} words[] = {
  { "dpo", "DPO" },           { "embeddinggemma", "EmbeddingGemma" },
  { "google", "" },           { "gpt", "GPT" },
  { "gte", "GTE" },           { "intruct", "Instruct" },
  { "it", "Instruct" },       { "kwaipilot", "" },
  { "medgemma", "MedGemma" }, { "ocr", "OCR" },
  { "oss", "OSS" },           { "xl", "XL" },
};

/* "12b" and "2x7b" are written with a capital at the end. */
static gboolean
is_count (const char *word)
{
  return g_regex_match_simple ("^([0-9]+x)?[0-9.]+[bm]$", word, 0, 0);
}

/* What says how the model is stored, not which it is. */
static gboolean
is_storage (const char *word)
{
  return g_regex_match_simple ("^(ggufs?|q[0-9])$", word, G_REGEX_CASELESS, 0);
}

static char *
write_word (const char *word)
{
  char *written;

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_ascii_strcasecmp (word, words[i].word) == 0)
      return g_strdup (words[i].written);
  if (is_storage (word))
    return g_strdup ("");

  written = g_strdup (word);
  written[0] = g_ascii_toupper (written[0]);
  if (is_count (word))
    written[strlen (written) - 1] = g_ascii_toupper (written[strlen (written) - 1]);

  return written;
}

static char *
title_from_repo (const char *repo)
{
  const char *name = strchr (repo, '/');
  g_auto (GStrv) parts = g_strsplit_set (name != NULL ? name + 1 : repo, "-_ ", -1);
  GString *title = g_string_new (NULL);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *written = *parts[i] != '\0' ? write_word (parts[i]) : g_strdup ("");

      if (*written != '\0')
        g_string_append_printf (title, "%s%s", title->len > 0 ? " " : "", written);
    }

  return g_string_free (title, FALSE);
}

/**
 * dray_bundled_title_new:
 * @name: the name of a bundled model
 * @repo: its repository, `ORG/REPO`
 *
 * Returns: (transfer full): what a person calls it, without how it is quantised
 */
char *
dray_bundled_title_new (const char *name, const char *repo)
{
  g_autofree char *title = NULL;
  const char *plain = name;
  gboolean sees = g_str_has_prefix (name, DRAY_BUNDLED_COMPANION_PREFIX);

  if (sees)
    plain += strlen (DRAY_BUNDLED_COMPANION_PREFIX);
  for (guint i = 0; title == NULL && i < G_N_ELEMENTS (titles); i++)
    if (g_str_has_prefix (plain, titles[i].prefix))
      title = g_strdup (titles[i].title);
  if (title == NULL)
    title = title_from_repo (repo);

  return sees ? g_strconcat (title, " Vision", NULL) : g_steal_pointer (&title);
}
