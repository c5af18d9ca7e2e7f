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
 */
typedef enum
{
  DRAY_REFERENCE_LINK,
} DrayReferenceKind;

/**
 * DrayReference:
 * @kind: what kind of source it is
 * @model_id: the model id, a function of the text alone
 * @url: (nullable): of a link: where the first file is asked for, which is also the first of @urls
 * @urls: (nullable) (element-type utf8): of a link: where each of the files is asked for, in the order of the
 *   shards
 * @asked: of a link: which of @urls the text itself names, from 0
 */
typedef struct
{
  DrayReferenceKind kind;
  char *model_id;
  char *url;
  GPtrArray *urls;
  guint asked;
} DrayReference;

DrayReference *dray_reference_parse (const char *source, GError **error);
void dray_reference_free (DrayReference *reference);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayReference, dray_reference_free)

G_END_DECLS
