/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the header of a model file says. A plain value; whoever has it owns it.
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef enum
{
  DRAY_MODEL_FORMAT_GGUF,
  DRAY_MODEL_FORMAT_SAFETENSORS,
} DrayModelFormat;

/**
 * DrayModelFacts:
 * @format: the file's format
 * @version: the format's version, or -1 where it has none
 * @architecture: (nullable): as the file names it, such as `llama`
 * @name: (nullable): what the file calls the model
 * @quantisation: (nullable): how most of the numbers are stored, such as `Q4_K_M` or `BF16`
 * @n_parameters: how many numbers the tensors of this file have in all
 * @context_length: in tokens, or -1
 * @n_layers: how many blocks the model has, or -1
 * @embedding_length: how many numbers stand for a token, or -1
 * @n_shards: how many files the model is split into, or -1
 * @n_tensors: how many tensors this file has
 * @n_unknown_tensors: how many of them are of a type that is not known here. Their size cannot be
 *   checked
 * @size: the file's size in bytes
 *
 * What is not said is %NULL or -1.
 */
typedef struct
{
  DrayModelFormat format;
  gint64 version;
  char *architecture;
  char *name;
  char *quantisation;
  gint64 n_parameters;
  gint64 context_length;
  gint64 n_layers;
  gint64 embedding_length;
  gint64 n_shards;
  gint64 n_tensors;
  gint64 n_unknown_tensors;
  gint64 size;
} DrayModelFacts;

#define DRAY_TYPE_MODEL_FACTS (dray_model_facts_get_type ())

GType dray_model_facts_get_type (void);

DrayModelFacts *dray_model_facts_new (DrayModelFormat format);
DrayModelFacts *dray_model_facts_copy (const DrayModelFacts *facts);
void dray_model_facts_free (DrayModelFacts *facts);
const char *dray_model_format_get_name (DrayModelFormat format);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayModelFacts, dray_model_facts_free)

G_END_DECLS
