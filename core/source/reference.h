/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a person typed, read as a reference to a model. Pure, before any network; any thread.
 */

#pragma once

#include "core/base/error.h"

G_BEGIN_DECLS

/**
 * DrayReference:
 * @model_id: the model id, a function of the text alone
 * @url: where the first file is asked for, which is also the first of @urls
 * @urls: (element-type utf8): where each of the files is asked for, in the order of the shards
 * @asked: which of @urls the text itself names, from 0
 *
 * A link to one file, or to one shard of a set, which stands for them all.
 */
typedef struct
{
  char *model_id;
  char *url;
  GPtrArray *urls;
  guint asked;
} DrayReference;

DrayReference *dray_reference_parse (const char *source, GError **error);
void dray_reference_free (DrayReference *reference);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayReference, dray_reference_free)

G_END_DECLS
