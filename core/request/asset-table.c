/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/asset-table.h"

#include "core/base/download-key.h"

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

/**
 * dray_asset_table_find_download:
 * @table: the table
 * @url: where the bytes are asked for
 * @sha256: (nullable): their digest, where the caller knows it
 * @directory: the folder that they go to
 * @complete: whether a finished one is looked for, or an unfinished one
 *
 * Finds the asset that another call for the same bytes has begun: by the link, whatever its
 * signature, or by the digest.
 *
 * Returns: (transfer none) (nullable): the asset
 */
DrayStoredAsset *
dray_asset_table_find_download (DrayAssetTable *table,
                                const char *url,
                                const char *sha256,
                                const char *directory,
                                gboolean complete)
{
  g_autofree char *normalised = dray_url_normalise (url);

  for (guint i = 0; i < table->assets->len; i++)
    {
      DrayStoredAsset *asset = g_ptr_array_index (table->assets, i);
      const DrayAssetRecord *record = &asset->record;
      g_autofree char *other = NULL;

      if (record->state != (complete ? DRAY_ASSET_COMPLETE : DRAY_ASSET_FETCHING)
          || !g_str_equal (record->directory, directory))
        continue;
      if (sha256 != NULL && g_strcmp0 (record->expected_sha256, sha256) == 0)
        return asset;

      other = dray_url_normalise (record->url);
      if (g_strcmp0 (normalised, other) == 0)
        return asset;
    }

  return NULL;
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
