/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/facts.h"

G_DEFINE_BOXED_TYPE (DrayModelFacts, dray_model_facts, dray_model_facts_copy, dray_model_facts_free)

/**
 * dray_model_facts_new:
 * @format: a format
 *
 * Returns: (transfer full): facts of which nothing else is known
 */
DrayModelFacts *
dray_model_facts_new (DrayModelFormat format)
{
  DrayModelFacts *facts = g_new0 (DrayModelFacts, 1);

  facts->format = format;
  facts->version = -1;
  facts->context_length = -1;
  facts->n_layers = -1;
  facts->embedding_length = -1;
  facts->n_shards = -1;

  return facts;
}

/**
 * dray_model_facts_copy:
 * @facts: facts
 *
 * Returns: (transfer full): the same
 */
DrayModelFacts *
dray_model_facts_copy (const DrayModelFacts *facts)
{
  DrayModelFacts *copy = g_new (DrayModelFacts, 1);

  *copy = *facts;
  copy->architecture = g_strdup (facts->architecture);
  copy->name = g_strdup (facts->name);
  copy->quantisation = g_strdup (facts->quantisation);

  return copy;
}

void
dray_model_facts_free (DrayModelFacts *facts)
{
  g_free (facts->architecture);
  g_free (facts->name);
  g_free (facts->quantisation);
  g_free (facts);
}

/**
 * dray_model_format_get_name:
 * @format: a format
 *
 * Returns: (transfer none): its stable name, as it stands in JSON
 */
const char *
dray_model_format_get_name (DrayModelFormat format)
{
  static const char *const names[] = {
    [DRAY_MODEL_FORMAT_GGUF] = "gguf",
    [DRAY_MODEL_FORMAT_SAFETENSORS] = "safetensors",
  };

  g_return_val_if_fail ((guint) format < G_N_ELEMENTS (names), NULL);

  return names[format];
}
