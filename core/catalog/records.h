/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The rows of the catalog as plain structs.
 *
 * They cross from the main thread to the catalog thread and back by hand-over, never by sharing.
 * Times are seconds since the epoch (UTC), sizes bytes.
 */

#pragma once

#include "core/base/digest.h"
#include "core/base/file-identity.h"
#include "core/base/piece.h"

G_BEGIN_DECLS

/**
 * DrayAssetState:
 * @DRAY_ASSET_FETCHING: bytes are missing; the partial file may not exist yet
 * @DRAY_ASSET_FINISHING: whole, verified and synced; the partial file gets, or has, its final name
 * @DRAY_ASSET_COMPLETE: the finished file is in its place
 * @DRAY_ASSET_DISCARDING: the partial file is to be deleted, then this row
 */
typedef enum
{
  DRAY_ASSET_FETCHING,
  DRAY_ASSET_FINISHING,
  DRAY_ASSET_COMPLETE,
  DRAY_ASSET_DISCARDING,
} DrayAssetState;

/* A model: what requests are grouped and swept by. */
typedef struct
{
  char *id;        /* the model id */
  char *publisher; /* the first folder level of the library */
  char *name;      /* the second */
} DrayModelRecord;

/* An asset: one file of a model, and how far its bytes are. */
typedef struct
{
  gint64 id;
  char *model_id;
  char *download_key;
  char *url;
  char *directory;       /* absolute; where the partial and the finished file lie */
  char *name;            /* of the finished file; NULL until the first response */
  char *planned_name;    /* what the source calls the file; NULL for nothing */
  DrayAssetState state;
  gint64 total;          /* DRAY_SIZE_UNKNOWN */
  char *expected_sha256; /* hexadecimal; NULL for none */
  char *sha256;          /* of the finished file; NULL before */
  gboolean length_proven;
  char *etag;            /* NULL for none */
  char *last_modified;   /* NULL for none */
  gint64 date_gap;       /* seconds from Last-Modified to Date at the time, -1 unknown */
  DrayFileIdentity identity;
  gboolean sync_failed;  /* an fdatasync of this partial file failed: nothing in it counts */
  gboolean digest_tied;  /* some bytes are tied to the others by expected_sha256 alone */
  char *external;        /* the program that keeps the finished file; NULL where Dray does */
  gint64 external_modified; /* when that file was last written to, in nanoseconds */
  gint64 created_at;
  gint64 completed_at;   /* 0 before */
} DrayAssetRecord;

/* A request: one caller's wish. */
typedef struct
{
  char *id;
  char *kind;            /* "download" */
  char *source;          /* what the caller gave */
  char *model_id;
  char *parent_id;       /* NULL for none */
  gint64 asset_id;       /* 0 before an asset is known */
  char *caller;          /* "terminal", "window", … */
  char *state;           /* as in the contract */
  char *error_name;      /* NULL unless failed */
  char *error_message;   /* NULL unless failed */
  char *directory;       /* asked for by the caller; NULL for the library */
  char *expected_sha256; /* asked for by the caller; NULL for none */
  gint64 created_at;
  gint64 position;       /* place in the queue, the smallest first */
  char *left_out;        /* names of companions that are not wanted, one on a line; NULL for none */
  gboolean resumes;      /* it ran when the program ended in good order */
} DrayRequestRecord;

/* An asset with the rows that hang on it. */
typedef struct
{
  DrayAssetRecord record;
  GArray *pieces; /* of DrayPiece, in file order */
  GArray *blocks; /* of DrayDigestState; element k is the state after block k */
  GPtrArray *aliases; /* of char *: other download keys of the same bytes, sorted */
} DrayStoredAsset;

/* Another model id under which a model is known. */
typedef struct
{
  char *alias;
  char *model_id;
} DrayModelAlias;

/* What the header of a model's file says; NULL or -1 is what it does not say. */
typedef struct
{
  char *model_id;
  char *format;            /* "gguf", "safetensors" */
  gint64 version;          /* of the format */
  char *architecture;      /* as in "llama" */
  char *name;              /* what the file calls the model */
  char *quantisation;      /* as in "Q4_K_M" */
  gint64 parameters;
  gint64 context_length;   /* in tokens */
  gint64 layers;
  gint64 embedding_length; /* how many numbers stand for a token */
  gint64 shards;           /* how many files the model is split into */
  gint64 tensors;
  gint64 unknown_tensors;  /* of a type that is not known here */
  gint64 size;             /* in bytes */
} DrayFactsRecord;

/* All that a catalog holds, as read when it is opened. */
typedef struct
{
  GPtrArray *models;   /* of DrayModelRecord */
  GPtrArray *assets;   /* of DrayStoredAsset */
  GPtrArray *requests; /* of DrayRequestRecord, oldest first */
  GPtrArray *model_aliases; /* of DrayModelAlias */
  GPtrArray *facts;    /* of DrayFactsRecord, one for a model at most */
  GHashTable *settings; /* from a setting's name to its value, both char * */
} DrayCatalogContents;

DrayModelRecord *dray_model_record_new (const char *id, const char *publisher, const char *name);
DrayModelRecord *dray_model_record_copy (const DrayModelRecord *record);
void dray_model_record_free (DrayModelRecord *record);

void dray_asset_record_init (DrayAssetRecord *record);
void dray_asset_record_copy_into (DrayAssetRecord *to, const DrayAssetRecord *from);
void dray_asset_record_clear (DrayAssetRecord *record);

DrayRequestRecord *dray_request_record_new (void);
DrayRequestRecord *dray_request_record_copy (const DrayRequestRecord *record);
void dray_request_record_free (DrayRequestRecord *record);

void dray_model_alias_free (DrayModelAlias *alias);

DrayFactsRecord *dray_facts_record_new (const char *model_id, const char *format);
DrayFactsRecord *dray_facts_record_copy (const DrayFactsRecord *record);
void dray_facts_record_free (DrayFactsRecord *record);

DrayStoredAsset *dray_stored_asset_new (void);
void dray_stored_asset_free (DrayStoredAsset *asset);

DrayCatalogContents *dray_catalog_contents_new (void);
void dray_catalog_contents_free (DrayCatalogContents *contents);

const char *dray_asset_state_get_name (DrayAssetState state);
gboolean dray_asset_state_from_name (const char *name, DrayAssetState *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayModelRecord, dray_model_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayRequestRecord, dray_request_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayModelAlias, dray_model_alias_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayFactsRecord, dray_facts_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayStoredAsset, dray_stored_asset_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayCatalogContents, dray_catalog_contents_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DrayAssetRecord, dray_asset_record_clear)

G_END_DECLS
