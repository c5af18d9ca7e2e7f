/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/source-title.h"

#include "core/source/bundled-models.h"

#include <string.h>

/* "Qwen3 32B" of unsloth/Qwen3-32B-GGUF: that it is in GGUF is said of nearly all. */
static char *
title_from_repo (const char *repo)
{
  const char *slash = strchr (repo, '/');
  char *title = g_strdup (slash != NULL ? slash + 1 : repo);
  gsize length = strlen (title);

  if (length > strlen ("-GGUF")
      && g_ascii_strcasecmp (title + length - strlen ("-GGUF"), "-GGUF") == 0)
    title[length - strlen ("-GGUF")] = '\0';

  return g_strdelimit (title, "-_", ' ');
}

/**
 * dray_source_title_new:
 * @reference: what a person typed
 *
 * Returns: (transfer full) (nullable): as in "Llama 3.2 1B Instruct"; %NULL where only the name of a
 *   file is known
 */
char *
dray_source_title_new (const DrayReference *reference)
{
  switch (reference->kind)
    {
    case DRAY_REFERENCE_BUNDLED:
      return g_strdup (dray_bundled_models_find (reference->name)->title);

    case DRAY_REFERENCE_HUB:
      return title_from_repo (reference->repo);

    case DRAY_REFERENCE_OLLAMA:
      return g_strdup_printf ("%s %s", reference->name, reference->tag);

    case DRAY_REFERENCE_LINK:
    case DRAY_REFERENCE_FILE:
    default:
      return NULL;
    }
}
