/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a person typed, read as a reference to a model. Pure, before any network; any thread.
 */

#pragma once

#include "core/base/error.h"

G_BEGIN_DECLS

/**
 * DrayReferenceKind:
 * @DRAY_REFERENCE_LINK: a link to a file, or to one shard of a set, which stands for them all
 * @DRAY_REFERENCE_BUNDLED: a model of the list that comes with Dray
 * @DRAY_REFERENCE_HUB: a repository of Hugging Face, or a file of one
 * @DRAY_REFERENCE_OLLAMA: a model of Ollama's registry
 * @DRAY_REFERENCE_FILE: a file on this computer
 */
typedef enum
{
  DRAY_REFERENCE_LINK,
  DRAY_REFERENCE_BUNDLED,
  DRAY_REFERENCE_HUB,
  DRAY_REFERENCE_OLLAMA,
  DRAY_REFERENCE_FILE,
} DrayReferenceKind;

/**
 * DrayReference:
 * @kind: what kind of source it is
 * @model_id: the model id, a function of the text alone
 * @url: (nullable): of a link: where the first file is asked for, which is also the first of @urls
 * @urls: (nullable) (element-type utf8): of a link: where each of the files is asked for, in the order of the
 *   shards
 * @asked: of a link: which of @urls the text itself names, from 0
 * @name: (nullable): of a bundled model: its name, as the list spells it; of Ollama's: as in
 *   `llama3.2` or `user/model`
 * @repo: (nullable): of the hub: `ORG/REPO`
 * @revision: (nullable): of the hub: a branch, tag, commit or `refs/pr/3`; %NULL for `main`
 * @variant: (nullable): of the hub: the quantisation that was asked for
 * @path: (nullable): of the hub: the file in the repository, which stands for all if it is a
 *   shard; of a file: the absolute path
 * @tag: (nullable): of Ollama's: which of the model's forms
 */
typedef struct
{
  DrayReferenceKind kind;
  char *model_id;
  char *url;
  GPtrArray *urls;
  guint asked;
  char *name;
  char *repo;
  char *revision;
  char *variant;
  char *path;
  char *tag;
} DrayReference;

DrayReference *dray_reference_parse (const char *source, GError **error);
char *dray_reference_choose (const DrayReference *reference, const char *variant);
void dray_reference_free (DrayReference *reference);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayReference, dray_reference_free)

G_END_DECLS
