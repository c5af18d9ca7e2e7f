/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a source resolves to: the files that make up a model, and where they are asked for.
 *
 * A plain value that whoever has it may read in any thread; it is handed over, never shared.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DrayPlannedAsset:
 * @url: where to ask for it; the hub's own link, never the signed one that it redirects to
 * @name: (nullable): the name of the finished file; %NULL until the server says it
 * @size: in bytes, or %DRAY_SIZE_UNKNOWN
 * @sha256: (nullable): its digest in hexadecimal, where the source publishes one
 * @is_companion: whether the model also runs without it, such as the eyes of a language model
 *
 * One file of a plan.
 */
typedef struct
{
  char *url;
  char *name;
  gint64 size;
  char *sha256;
  gboolean is_companion;
} DrayPlannedAsset;

/**
 * DrayVariant:
 * @name: what a person chooses it by, such as `Q4_K_M`
 * @size: of its files together in bytes, without companions, or %DRAY_SIZE_UNKNOWN
 * @n_files: how many files it has, without companions
 *
 * One of several forms of a model that a source offers.
 */
typedef struct
{
  char *name;
  gint64 size;
  guint n_files;
} DrayVariant;

/**
 * DrayPlan:
 * @model_id: the model id of the reference
 * @aliases: (element-type utf8): other model ids of the same model
 * @title: (nullable): what a person calls the model
 * @publisher: (nullable): the first folder level in the library; %NULL to take it from the link
 * @model: (nullable): the second
 * @assets: (element-type DrayPlannedAsset): at least one; shards in their order, companions last
 * @variants: (element-type DrayVariant): what there is to choose from, smallest first; none if
 *   there is no choice
 * @variant: (nullable): the name of the variant that @assets are
 * @suggested: (nullable): the name of the variant that is proposed where none was asked for
 */
typedef struct
{
  char *model_id;
  GPtrArray *aliases;
  char *title;
  char *publisher;
  char *model;
  GPtrArray *assets;
  GPtrArray *variants;
  char *variant;
  char *suggested;
} DrayPlan;

DrayPlan *dray_plan_new (const char *model_id);
void dray_plan_free (DrayPlan *plan);
DrayPlannedAsset *dray_plan_add_asset (DrayPlan *plan, const char *url);
DrayVariant *dray_plan_add_variant (DrayPlan *plan, const char *name);
void dray_plan_leave_out (DrayPlan *plan, const char *const *names);
gint64 dray_plan_get_size (const DrayPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayPlan, dray_plan_free)

G_END_DECLS
