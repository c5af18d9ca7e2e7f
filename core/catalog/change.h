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
} DrayStepKind;

typedef struct
{
  DrayStepKind kind;
  gint64 asset_id;            /* of the pieces, the blocks or the asset to delete */
  char *request_id;           /* of the request to delete */
  DrayModelRecord *model;
  DrayAssetRecord asset;
  DrayRequestRecord *request;
  guint first_block;
  GArray *rows;               /* of DrayPiece or of DrayDigestState */
} DrayStep;

struct _DrayCatalogChange
{
  GPtrArray *steps; /* of DrayStep */
};

G_END_DECLS
