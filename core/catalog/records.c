/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/records.h"

static const char *const asset_states[] = {
  [DRAY_ASSET_FETCHING] = "fetching",
  [DRAY_ASSET_FINISHING] = "finishing",
  [DRAY_ASSET_COMPLETE] = "complete",
  [DRAY_ASSET_DISCARDING] = "discarding",
};

/**
 * dray_model_record_new:
 * @id: the model id
 * @publisher: the first folder level of the library
 * @name: the second
 *
 * Returns: (transfer full): a record with copies of the three
 */
DrayModelRecord *
dray_model_record_new (const char *id, const char *publisher, const char *name)
{
  DrayModelRecord *record = g_new0 (DrayModelRecord, 1);

  record->id = g_strdup (id);
  record->publisher = g_strdup (publisher);
  record->name = g_strdup (name);

  return record;
}

/**
 * dray_model_record_copy:
 * @record: a record
 *
 * Returns: (transfer full): a deep copy
 */
DrayModelRecord *
dray_model_record_copy (const DrayModelRecord *record)
{
  return dray_model_record_new (record->id, record->publisher, record->name);
}

/**
 * dray_model_record_free:
 * @record: (transfer full) (nullable): a record
 */
void
dray_model_record_free (DrayModelRecord *record)
{
  if (record == NULL)
    return;

  g_free (record->id);
  g_free (record->publisher);
  g_free (record->name);
  g_free (record);
}

/**
 * dray_asset_record_init:
 * @record: (out caller-allocates): memory for a record
 *
 * Makes @record an asset of which nothing is known yet.
 */
void
dray_asset_record_init (DrayAssetRecord *record)
{
  *record = (DrayAssetRecord){ .total = DRAY_SIZE_UNKNOWN, .date_gap = -1 };
}

/**
 * dray_asset_record_copy_into:
 * @to: (out caller-allocates): memory for a record; what it held is not freed
 * @from: a record
 *
 * Makes @to a deep copy of @from.
 */
void
dray_asset_record_copy_into (DrayAssetRecord *to, const DrayAssetRecord *from)
{
  *to = *from;
  to->model_id = g_strdup (from->model_id);
  to->download_key = g_strdup (from->download_key);
  to->url = g_strdup (from->url);
  to->directory = g_strdup (from->directory);
  to->name = g_strdup (from->name);
  to->expected_sha256 = g_strdup (from->expected_sha256);
  to->sha256 = g_strdup (from->sha256);
  to->etag = g_strdup (from->etag);
  to->planned_name = g_strdup (from->planned_name);
  to->external = g_strdup (from->external);
  to->last_modified = g_strdup (from->last_modified);
}

/**
 * dray_asset_record_clear:
 * @record: a record
 *
 * Frees what @record holds, and makes it as dray_asset_record_init() does.
 */
void
dray_asset_record_clear (DrayAssetRecord *record)
{
  g_free (record->model_id);
  g_free (record->download_key);
  g_free (record->url);
  g_free (record->directory);
  g_free (record->name);
  g_free (record->expected_sha256);
  g_free (record->sha256);
  g_free (record->etag);
  g_free (record->planned_name);
  g_free (record->external);
  g_free (record->last_modified);
  dray_asset_record_init (record);
}

/**
 * dray_request_record_new:
 *
 * Returns: (transfer full): an empty record
 */
DrayRequestRecord *
dray_request_record_new (void)
{
  return g_new0 (DrayRequestRecord, 1);
}

/**
 * dray_request_record_copy:
 * @record: a record
 *
 * Returns: (transfer full): a deep copy
 */
DrayRequestRecord *
dray_request_record_copy (const DrayRequestRecord *record)
{
  DrayRequestRecord *copy = dray_request_record_new ();

  *copy = *record;
  copy->id = g_strdup (record->id);
  copy->kind = g_strdup (record->kind);
  copy->source = g_strdup (record->source);
  copy->model_id = g_strdup (record->model_id);
  copy->parent_id = g_strdup (record->parent_id);
  copy->caller = g_strdup (record->caller);
  copy->state = g_strdup (record->state);
  copy->error_name = g_strdup (record->error_name);
  copy->error_message = g_strdup (record->error_message);
  copy->directory = g_strdup (record->directory);
  copy->expected_sha256 = g_strdup (record->expected_sha256);
  copy->left_out = g_strdup (record->left_out);

  return copy;
}

/**
 * dray_request_record_free:
 * @record: (transfer full) (nullable): a record
 */
void
dray_request_record_free (DrayRequestRecord *record)
{
  if (record == NULL)
    return;

  g_free (record->id);
  g_free (record->kind);
  g_free (record->source);
  g_free (record->model_id);
  g_free (record->parent_id);
  g_free (record->caller);
  g_free (record->state);
  g_free (record->error_name);
  g_free (record->error_message);
  g_free (record->directory);
  g_free (record->expected_sha256);
  g_free (record->left_out);
  g_free (record);
}

/**
 * dray_model_alias_free:
 * @alias: (transfer full) (nullable): an alias
 */
void
dray_model_alias_free (DrayModelAlias *alias)
{
  if (alias == NULL)
    return;

  g_free (alias->alias);
  g_free (alias->model_id);
  g_free (alias);
}

/**
 * dray_facts_record_new:
 * @model_id: whose facts they are
 * @format: the format of the model's file
 *
 * Returns: (transfer full): a record in which nothing else is known
 */
DrayFactsRecord *
dray_facts_record_new (const char *model_id, const char *format)
{
  DrayFactsRecord *record = g_new0 (DrayFactsRecord, 1);

  record->model_id = g_strdup (model_id);
  record->format = g_strdup (format);
  record->version = -1;
  record->parameters = -1;
  record->context_length = -1;
  record->layers = -1;
  record->embedding_length = -1;
  record->shards = -1;
  record->tensors = -1;
  record->unknown_tensors = -1;
  record->size = -1;

  return record;
}

/**
 * dray_facts_record_copy:
 * @record: a record
 *
 * Returns: (transfer full): a deep copy
 */
DrayFactsRecord *
dray_facts_record_copy (const DrayFactsRecord *record)
{
  DrayFactsRecord *copy = g_new0 (DrayFactsRecord, 1);

  *copy = *record;
  copy->model_id = g_strdup (record->model_id);
  copy->format = g_strdup (record->format);
  copy->architecture = g_strdup (record->architecture);
  copy->name = g_strdup (record->name);
  copy->quantisation = g_strdup (record->quantisation);

  return copy;
}

/**
 * dray_facts_record_free:
 * @record: (transfer full) (nullable): a record
 */
void
dray_facts_record_free (DrayFactsRecord *record)
{
  if (record == NULL)
    return;

  g_free (record->model_id);
  g_free (record->format);
  g_free (record->architecture);
  g_free (record->name);
  g_free (record->quantisation);
  g_free (record);
}

/**
 * dray_stored_asset_new:
 *
 * Returns: (transfer full): an asset without pieces, blocks or aliases
 */
DrayStoredAsset *
dray_stored_asset_new (void)
{
  DrayStoredAsset *asset = g_new0 (DrayStoredAsset, 1);

  dray_asset_record_init (&asset->record);
  asset->pieces = g_array_new (FALSE, FALSE, sizeof (DrayPiece));
  asset->blocks = g_array_new (FALSE, FALSE, sizeof (DrayDigestState));
  asset->aliases = g_ptr_array_new_with_free_func (g_free);

  return asset;
}

/**
 * dray_stored_asset_free:
 * @asset: (transfer full) (nullable): an asset
 */
void
dray_stored_asset_free (DrayStoredAsset *asset)
{
  if (asset == NULL)
    return;

  dray_asset_record_clear (&asset->record);
  g_array_unref (asset->pieces);
  g_array_unref (asset->blocks);
  g_ptr_array_unref (asset->aliases);
  g_free (asset);
}

/**
 * dray_catalog_contents_new:
 *
 * Returns: (transfer full): what an empty catalog holds
 */
DrayCatalogContents *
dray_catalog_contents_new (void)
{
  DrayCatalogContents *contents = g_new0 (DrayCatalogContents, 1);

  contents->models = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_model_record_free);
  contents->assets = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_stored_asset_free);
  contents->requests = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_request_record_free);
  contents->model_aliases
      = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_model_alias_free);
  contents->facts = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_facts_record_free);
  contents->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  return contents;
}

/**
 * dray_catalog_contents_free:
 * @contents: (transfer full) (nullable): contents
 */
void
dray_catalog_contents_free (DrayCatalogContents *contents)
{
  if (contents == NULL)
    return;

  g_ptr_array_unref (contents->models);
  g_ptr_array_unref (contents->assets);
  g_ptr_array_unref (contents->requests);
  g_ptr_array_unref (contents->model_aliases);
  g_ptr_array_unref (contents->facts);
  g_hash_table_unref (contents->settings);
  g_free (contents);
}

/**
 * dray_asset_state_get_name:
 * @state: a state
 *
 * Returns: (transfer none): its name in the catalog
 */
const char *
dray_asset_state_get_name (DrayAssetState state)
{
  g_return_val_if_fail ((guint) state < G_N_ELEMENTS (asset_states), NULL);

  return asset_states[state];
}

/**
 * dray_asset_state_from_name:
 * @name: a name, perhaps one of dray_asset_state_get_name()
 * @state: (out): where the state goes
 *
 * Returns: whether @name is the name of a state
 */
gboolean
dray_asset_state_from_name (const char *name, DrayAssetState *state)
{
  for (guint i = 0; i < G_N_ELEMENTS (asset_states); i++)
    {
      if (g_str_equal (asset_states[i], name))
        {
          *state = i;
          return TRUE;
        }
    }

  return FALSE;
}
