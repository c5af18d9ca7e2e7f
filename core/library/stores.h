/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The folders in which other programs keep models: the Hugging Face cache, Ollama, LM Studio.
 *
 * They are looked at, never written to. Made in the main thread and not changed afterwards, so that
 * any thread may look; looking blocks, so a reader thread does it.
 */

#pragma once

#include "core/library/file-digest.h"

G_BEGIN_DECLS

/**
 * DrayStoreLayout:
 * @DRAY_STORE_HUB: `models--ORG--REPO/blobs/<sha256>`, with `snapshots/COMMIT/PATH` leading to it
 * @DRAY_STORE_OLLAMA: `blobs/sha256-<sha256>`
 * @DRAY_STORE_SHELVES: `<publisher>/<model>/<file>`, where only the content tells
 *
 * How a program lays out its files.
 */
typedef enum
{
  DRAY_STORE_HUB,
  DRAY_STORE_OLLAMA,
  DRAY_STORE_SHELVES,
} DrayStoreLayout;

/**
 * DrayStoreQuery:
 * @sha256: its digest in lower-case hexadecimal
 * @size: in bytes, or negative if it is not known
 * @name: (nullable): what it is likely to be called
 *
 * The file that is looked for.
 */
typedef struct
{
  const char *sha256;
  gint64 size;
  const char *name;
} DrayStoreQuery;

/**
 * DrayStoreFile:
 * @program: whose it is, for a person
 * @path: where that program shows it; in the Hugging Face cache a link to the bytes
 * @facts: what it is
 *
 * A file that may be the one. Only its digest tells.
 */
typedef struct
{
  char *program;
  char *path;
  DrayFileFacts facts;
} DrayStoreFile;

typedef struct _DrayStores DrayStores;

DrayStores *dray_stores_new (void);
DrayStores *dray_stores_new_for_user (void);
void dray_stores_free (DrayStores *stores);
void dray_stores_add (DrayStores *stores,
                      DrayStoreLayout layout,
                      const char *program,
                      const char *root);
GPtrArray *dray_stores_find (DrayStores *stores,
                             const DrayStoreQuery *query,
                             GCancellable *cancellable);

void dray_store_file_free (DrayStoreFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayStores, dray_stores_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayStoreFile, dray_store_file_free)

G_END_DECLS
