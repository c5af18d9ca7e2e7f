/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/facts.h"

/**
 * dray_facts_to_record:
 * @facts: what the files of a model say
 * @model_id: the model's id
 *
 * Returns: (transfer full): the row that keeps it
 */
DrayFactsRecord *
dray_facts_to_record (const DrayModelFacts *facts, const char *model_id)
{
  DrayFactsRecord *record
      = dray_facts_record_new (model_id, dray_model_format_get_name (facts->format));

  record->version = facts->version;
  record->architecture = g_strdup (facts->architecture);
  record->name = g_strdup (facts->name);
  record->quantisation = g_strdup (facts->quantisation);
  record->parameters = facts->n_parameters;
  record->context_length = facts->context_length;
  record->layers = facts->n_layers;
  record->embedding_length = facts->embedding_length;
  record->shards = facts->n_shards;
  record->tensors = facts->n_tensors;
  record->unknown_tensors = facts->n_unknown_tensors;
  record->size = facts->size;

  return record;
}

/**
 * dray_facts_from_record:
 * @record: a row
 *
 * Returns: (transfer full) (nullable): what it keeps, or %NULL if it is of a format that is not known
 *   here
 */
DrayModelFacts *
dray_facts_from_record (const DrayFactsRecord *record)
{
  static const DrayModelFormat formats[]
      = { DRAY_MODEL_FORMAT_GGUF, DRAY_MODEL_FORMAT_SAFETENSORS };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      DrayModelFacts *facts;

      if (!g_str_equal (record->format, dray_model_format_get_name (formats[i])))
        continue;

      facts = dray_model_facts_new (formats[i]);
      facts->version = record->version;
      facts->architecture = g_strdup (record->architecture);
      facts->name = g_strdup (record->name);
      facts->quantisation = g_strdup (record->quantisation);
      facts->n_parameters = record->parameters;
      facts->context_length = record->context_length;
      facts->n_layers = record->layers;
      facts->embedding_length = record->embedding_length;
      facts->n_shards = record->shards;
      facts->n_tensors = record->tensors;
      facts->n_unknown_tensors = record->unknown_tensors;
      facts->size = record->size;
      return facts;
    }

  return NULL;
}
