/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From the files of a repository to the forms of a model that a person chooses from.
 *
 * What a name says of a file is all that is looked at: how it is quantised, which shard of how many
 * it is, whether it is a companion. Pure; any thread. Belongs to whoever made it, one thread at a
 * time.
 */

#pragma once

#include "core/base/error.h"

G_BEGIN_DECLS

/**
 * DrayRepositoryFile:
 * @path: where it lies in the repository, with slashes
 * @size: in bytes, or %DRAY_SIZE_UNKNOWN
 * @sha256: (nullable): its digest in hexadecimal
 *
 * One file of a repository.
 */
typedef struct
{
  char *path;
  gint64 size;
  char *sha256;
} DrayRepositoryFile;

/**
 * DrayFileSet:
 * @name: what a person chooses it by: its quantisation, or so much of its path as tells it from the
 *   others
 * @quantisation: (nullable): as the names of the files and folders say it, such as `Q4_K_M`
 * @files: (element-type DrayRepositoryFile): in the order of the shards
 * @size: of all of them in bytes, or %DRAY_SIZE_UNKNOWN
 * @n_missing: how many shards the repository lacks
 *
 * One file, or the shards that belong together.
 */
typedef struct
{
  char *name;
  char *quantisation;
  GPtrArray *files;
  gint64 size;
  guint n_missing;
} DrayFileSet;

typedef struct _DrayVariants DrayVariants;

DrayRepositoryFile *dray_repository_file_new (const char *path, gint64 size, const char *sha256);
void dray_repository_file_free (DrayRepositoryFile *file);
char *dray_repository_file_dup_name (const DrayRepositoryFile *file);

DrayVariants *dray_variants_new (GPtrArray *files);
void dray_variants_free (DrayVariants *variants);
GPtrArray *dray_variants_get_sets (DrayVariants *variants);
const DrayFileSet *dray_variants_get_suggested (DrayVariants *variants);
const DrayRepositoryFile *dray_variants_get_companion (DrayVariants *variants);
const DrayFileSet *
dray_variants_choose (DrayVariants *variants, const char *asked, GError **error);

DrayFileSet *dray_file_set_find (GPtrArray *files, const char *path, GError **error);
void dray_file_set_free (DrayFileSet *set);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayRepositoryFile, dray_repository_file_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayVariants, dray_variants_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayFileSet, dray_file_set_free)

G_END_DECLS
