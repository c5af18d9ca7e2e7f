/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a change consists of: steps that are carried out in order and as one.
 *
 * For the catalog's own files. The main thread builds a change, then hands it over.
 */

#pragma once

#include "core/catalog/catalog.h"

G_BEGIN_DECLS

typedef enum
{
  DRAY_STEP_PUT_MODEL,
  DRAY_STEP_PUT_ASSET,
  DRAY_STEP_PUT_PIECES,
  DRAY_STEP_PUT_BLOCKS,
  DRAY_STEP_DELETE_ASSET,
  DRAY_STEP_PUT_REQUEST,
  DRAY_STEP_DELETE_REQUEST,
  DRAY_STEP_PUT_ALIASES,
  DRAY_STEP_PUT_MODEL_ALIAS,
  DRAY_STEP_PUT_FACTS,
  DRAY_STEP_PUT_SETTING,
} DrayStepKind;

typedef struct
{
  DrayStepKind kind;
  gint64 asset_id;            /* of the pieces, blocks or aliases, or the asset to delete */
  char *request_id;           /* of the request to delete */
  DrayModelRecord *model;
  DrayAssetRecord asset;
  DrayRequestRecord *request;
  guint first_block;
  GArray *rows;               /* of DrayPiece or of DrayDigestState */
  GPtrArray *aliases;         /* of char *, of an asset */
  DrayFactsRecord *facts;
  char *name;                 /* of a setting, or the alias of a model */
  char *value;                /* of the setting, or the model's id */
} DrayStep;

struct _DrayCatalogChange
{
  GPtrArray *steps; /* of DrayStep */
};

G_END_DECLS
