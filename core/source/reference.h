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
 * @url: where the file is asked for
 *
 * A link to one file.
 */
typedef struct
{
  char *model_id;
  char *url;
} DrayReference;

DrayReference *dray_reference_parse (const char *source, GError **error);
void dray_reference_free (DrayReference *reference);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayReference, dray_reference_free)

G_END_DECLS
