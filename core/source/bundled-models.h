/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The list of models that comes with Dray: each with a revision, sizes and digests.
 *
 * It is read once, by whoever asks first, and never changes; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DrayBundledFile:
 * @path: its path in the repository
 * @size: in bytes
 * @sha256: its digest in hexadecimal
 *
 * One file of a bundled model.
 */
typedef struct
{
  char *path;
  gint64 size;
  char *sha256;
} DrayBundledFile;

/**
 * DrayBundledModel:
 * @name: what it is asked for by, as in `LLAMA_3_2_1B_INST_Q4_0`
 * @title: what a person calls it, as in "Llama 3.2 1B Instruct"
 * @task: what it is for: `llm`, `embeddings`, `diffusion`, `whisper`
 * @parameters: (nullable): how many it has, as in `1B` or `35B-A3B`
 * @quantisation: (nullable): how they are stored, as in `Q4_0`
 * @repo: the repository on Hugging Face, `ORG/REPO`
 * @revision: the commit, or `main` where only the digests tell which one
 * @files: (element-type DrayBundledFile): at least one; shards in their order
 * @size: of all files together, in bytes
 * @is_companion: whether it is of use only beside another model of the same repository
 *
 * One model of the list.
 */
typedef struct
{
  char *name;
  char *title;
  char *task;
  char *parameters;
  char *quantisation;
  char *repo;
  char *revision;
  GPtrArray *files;
  gint64 size;
  gboolean is_companion;
} DrayBundledModel;

const GPtrArray *dray_bundled_models_get_all (void);
const DrayBundledModel *dray_bundled_models_find (const char *name);
GPtrArray *dray_bundled_models_search (const char *query);
const DrayBundledModel *dray_bundled_model_get_companion (const DrayBundledModel *model);

G_END_DECLS
