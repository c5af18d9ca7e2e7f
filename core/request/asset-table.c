/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/asset-table.h"

#include "core/base/download-key.h"
#include "core/library/file-name.h"
#include "core/transfer/partial-file.h"

/* Of a download key that is a digest. */
#define DIGEST_PREFIX "sha256:"

struct _DrayAssetTable
{
  GPtrArray *assets; /* of DrayStoredAsset, owned */
};

DrayAssetTable *
dray_asset_table_new (void)
{
  DrayAssetTable *table = g_new0 (DrayAssetTable, 1);

  table->assets = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_stored_asset_free);
  return table;
}

void
dray_asset_table_free (DrayAssetTable *table)
{
  g_ptr_array_unref (table->assets);
  g_free (table);
}

/**
 * dray_asset_table_add:
 * @table: the table
 * @asset: (transfer full): an asset
 */
void
dray_asset_table_add (DrayAssetTable *table, DrayStoredAsset *asset)
{
  g_ptr_array_add (table->assets, asset);
}

/**
 * dray_asset_table_remove:
 * @table: the table
 * @asset: an asset of it, freed by this call
 */
void
dray_asset_table_remove (DrayAssetTable *table, DrayStoredAsset *asset)
{
  g_ptr_array_remove (table->assets, asset);
}

guint
dray_asset_table_get_size (DrayAssetTable *table)
{
  return table->assets->len;
}

DrayStoredAsset *
dray_asset_table_get (DrayAssetTable *table, guint position)
{
  return g_ptr_array_index (table->assets, position);
}

/**
 * dray_asset_table_find:
 * @table: the table
 * @id: an asset's id
 *
 * Returns: (transfer none) (nullable): the asset
 */
DrayStoredAsset *
dray_asset_table_find (DrayAssetTable *table, gint64 id)
{
  for (guint i = 0; i < table->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (table->assets, i);

      if (asset->record.id == id)
        return asset;
    }

  return NULL;
}

static gboolean
is_digest_key (const char *key)
{
  return g_str_has_prefix (key, DIGEST_PREFIX);
}

/**
 * dray_asset_table_find_unfinished:
 * @table: the table
 * @key: a download key
 * @except: (nullable): an asset that is not meant
 *
 * There is one at most: two that prove equal become one.
 *
 * Returns: (transfer none) (nullable): the asset that has that key and lacks bytes
 */
DrayStoredAsset *
dray_asset_table_find_unfinished (DrayAssetTable *table,
                                  const char *key,
                                  const DrayStoredAsset *except)
{
  for (guint i = 0; i < table->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (table->assets, i);

      if (asset != except && asset->record.state == DRAY_ASSET_FETCHING && dray_stored_asset_has_key (asset, key))
        return asset;
    }

  return NULL;
}

/* Of a finished file the digest is known, whatever key it was asked for by. */
static gboolean
has_final_key (const DrayStoredAsset *asset, const char *key)
{
  return dray_stored_asset_has_key (asset, key)
         || (is_digest_key (key) && asset->record.sha256 != NULL
             && g_str_equal (key + strlen (DIGEST_PREFIX), asset->record.sha256));
}

/**
 * dray_asset_table_find_finished:
 * @table: the table
 * @key: a download key
 * @directory: the folder that is liked best
 *
 * Returns: (transfer none) (nullable): an asset that has that key and whose file was finished
 */
DrayStoredAsset *
dray_asset_table_find_finished (DrayAssetTable *table, const char *key, const char *directory)
{
  DrayStoredAsset *found = NULL;

  for (guint i = 0; i < table->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (table->assets, i);

      if (asset->record.state != DRAY_ASSET_COMPLETE || !has_final_key (asset, key))
        continue;
      if (g_str_equal (asset->record.directory, directory))
        return asset;
      found = asset;
    }

  return found;
}

/**
 * dray_asset_table_find_copy:
 * @table: the table
 * @sha256: a digest
 * @directory: a folder
 *
 * Returns: (transfer none) (nullable): the asset whose finished file in that folder has that digest
 */
DrayStoredAsset *
dray_asset_table_find_copy (DrayAssetTable *table, const char *sha256, const char *directory)
{
  for (guint i = 0; i < table->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (table->assets, i);

      if (asset->record.state == DRAY_ASSET_COMPLETE
          && g_strcmp0 (asset->record.sha256, sha256) == 0
          && g_str_equal (asset->record.directory, directory))
        return asset;
    }

  return NULL;
}

/**
 * dray_asset_table_is_discarding:
 * @table: the table
 * @asset: an asset
 *
 * Returns: whether a partial file of the same bytes, from an earlier asset, is being deleted
 */
gboolean
dray_asset_table_is_discarding (DrayAssetTable *table, const DrayStoredAsset *asset)
{
  for (guint i = 0; i < table->assets->len; i++)
    {
      DrayStoredAsset *other = g_ptr_array_index (table->assets, i);

      if (other->record.state != DRAY_ASSET_DISCARDING)
        continue;
      if (dray_stored_asset_has_key (other, asset->record.download_key))
        return TRUE;
      for (guint j = 0; j < asset->aliases->len; j++)
        if (dray_stored_asset_has_key (other, g_ptr_array_index (asset->aliases, j)))
          return TRUE;
    }

  return FALSE;
}

/**
 * dray_asset_table_is_name_used:
 * @table: the table
 * @directory: a folder
 * @name: a file's name
 * @except: (nullable): an asset that may use it
 *
 * Names that differ only by case count as one: some drives take them for one.
 *
 * Returns: whether an asset has, or will have, that file
 */
gboolean
dray_asset_table_is_name_used (DrayAssetTable *table,
                               const char *directory,
                               const char *name,
                               const DrayStoredAsset *except)
{
  g_autofree char *folded = g_utf8_casefold (name, -1);

  for (guint i = 0; i < table->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (table->assets, i);
      g_autofree char *other = NULL;

      if (asset == except || asset->record.name == NULL
          || !g_str_equal (asset->record.directory, directory))
        continue;

      other = g_utf8_casefold (asset->record.name, -1);
      if (g_str_equal (folded, other))
        return TRUE;
    }

  return FALSE;
}

/**
 * dray_asset_table_claim_name:
 * @table: the table
 * @asset: an asset of it
 * @suggested: what its file should be called
 * @attempt: (inout): counts from 1, and goes up with each name that is taken
 *
 * Gives the file of an asset a name that no other asset has in that folder.
 *
 * Returns: (transfer full): the name, which @asset has now
 */
char *
dray_asset_table_claim_name (DrayAssetTable *table,
                             DrayStoredAsset *asset,
                             const char *suggested,
                             guint *attempt)
{
  g_autofree char *clean = dray_file_name_clean (suggested);

  for (;; (*attempt)++)
    {
      g_autofree char *name
          = *attempt > 1 ? dray_file_name_numbered (clean, *attempt) : g_strdup (clean);

      if (dray_asset_table_is_name_used (table, asset->record.directory, name, asset))
        continue;

      g_free (asset->record.name);
      asset->record.name = g_strdup (name);
      return g_steal_pointer (&name);
    }
}

/**
 * dray_stored_asset_has_alias:
 * @asset: an asset
 * @key: a download key
 *
 * Returns: whether the asset goes by @key beside its own
 */
gboolean
dray_stored_asset_has_alias (const DrayStoredAsset *asset, const char *key)
{
  return g_ptr_array_find_with_equal_func (asset->aliases, key, g_str_equal, NULL);
}

/**
 * dray_stored_asset_has_key:
 * @asset: an asset
 * @key: a download key
 *
 * Returns: whether the asset goes by @key
 */
gboolean
dray_stored_asset_has_key (const DrayStoredAsset *asset, const char *key)
{
  return g_str_equal (asset->record.download_key, key) || dray_stored_asset_has_alias (asset, key);
}

/**
 * dray_stored_asset_add_alias:
 * @asset: an asset
 * @key: a download key of the same bytes
 *
 * Returns: whether it was not known yet
 */
gboolean
dray_stored_asset_add_alias (DrayStoredAsset *asset, const char *key)
{
  if (dray_stored_asset_has_alias (asset, key))
    return FALSE;

  g_ptr_array_add (asset->aliases, g_strdup (key));
  return TRUE;
}

/**
 * dray_stored_asset_keep_link_key:
 * @asset: an asset
 *
 * Keeps the key that comes of its link as an alias, before another key takes its place.
 */
void
dray_stored_asset_keep_link_key (DrayStoredAsset *asset)
{
  g_autofree char *key = dray_download_key_new (asset->record.url, NULL);

  if (key != NULL)
    dray_stored_asset_add_alias (asset, key);
}

/**
 * dray_stored_asset_get_promise:
 * @asset: an asset
 *
 * Returns: (nullable): the download key of the digest that the server gave for it
 */
const char *
dray_stored_asset_get_promise (const DrayStoredAsset *asset)
{
  for (guint i = 0; i < asset->aliases->len; i++)
    if (is_digest_key (g_ptr_array_index (asset->aliases, i)))
      return g_ptr_array_index (asset->aliases, i);

  return NULL;
}

/**
 * dray_stored_asset_set_promise:
 * @asset: an asset
 * @key: the download key of the digest that the server gives for it
 *
 * The last word counts. It is the one alias that is a digest: what callers expect is no promise.
 *
 * Returns: whether it is another promise than before
 */
gboolean
dray_stored_asset_set_promise (DrayStoredAsset *asset, const char *key)
{
  if (g_strcmp0 (dray_stored_asset_get_promise (asset), key) == 0)
    return FALSE;

  for (guint i = 0; i < asset->aliases->len; i++)
    if (is_digest_key (g_ptr_array_index (asset->aliases, i)))
      g_ptr_array_remove_index (asset->aliases, i--);

  return dray_stored_asset_add_alias (asset, key);
}

/**
 * dray_stored_asset_get_written:
 * @asset: an asset
 *
 * Returns: how many bytes of it are on the disk
 */
gint64
dray_stored_asset_get_written (const DrayStoredAsset *asset)
{
  gint64 written = 0;

  if (asset->record.state == DRAY_ASSET_COMPLETE)
    return asset->record.total;

  for (guint i = 0; i < asset->pieces->len; i++)
    {
      const DrayPiece *piece = &g_array_index (asset->pieces, DrayPiece, i);

      written += piece->written - piece->start;
    }

  return written;
}

/**
 * dray_stored_asset_get_path:
 * @asset: an asset
 *
 * Returns: (transfer full) (nullable): where the finished file is or will be, once decided
 */
char *
dray_stored_asset_get_path (const DrayStoredAsset *asset)
{
  return asset->record.name != NULL
             ? g_build_filename (asset->record.directory, asset->record.name, NULL)
             : NULL;
}

/**
 * dray_stored_asset_get_need:
 * @asset: an asset whose file is not finished
 * @total: how large it will be, in bytes, or %DRAY_SIZE_UNKNOWN
 *
 * Returns: (transfer full): the room that its file needs
 */
DraySpaceNeed *
dray_stored_asset_get_need (const DrayStoredAsset *asset, gint64 total)
{
  g_autofree char *path = dray_stored_asset_get_path (asset);
  g_autofree char *part_path = path != NULL ? g_strconcat (path, DRAY_PARTIAL_SUFFIX, NULL) : NULL;

  return dray_space_need_new (asset->record.directory, part_path, total);
}

/**
 * dray_stored_asset_get_finished:
 * @asset: an asset whose file was finished
 *
 * Returns: what tells whether the file is still as it was made
 */
DrayFinishedFile
dray_stored_asset_get_finished (const DrayStoredAsset *asset)
{
  return (DrayFinishedFile){
    .inode = asset->record.identity.inode,
    .size = asset->record.total,
    .completed_at = asset->record.completed_at,
    .external = asset->record.external != NULL,
    .modified = asset->record.external_modified,
  };
}
