/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a server's answer tells of the keys of its bytes, and what follows where two transfers prove
 * to be of the same bytes: the one with fewer of them ends, and its callers move. */

#include "core/request/manager-private.h"

#include "core/base/download-key.h"
#include "core/source/reference.h"

/* Remembers that requests on a model are also meant when somebody says @alias. */
void
dray_manager_add_model_alias (DrayManager *self, const char *alias, const char *model_id)
{
  GHashTable *models = g_hash_table_lookup (self->model_aliases, alias);

  if (models == NULL)
    {
      models = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_hash_table_insert (self->model_aliases, g_strdup (alias), models);
    }
  g_hash_table_add (models, g_strdup (model_id));
}

static void
learn_model_alias (DrayManager *self, DrayDownloadJob *job, const char *url)
{
  g_autoptr (DrayReference) reference = dray_reference_parse (url, NULL);
  GPtrArray *requests = dray_download_job_get_requests (job);
  DrayCatalogChange *change;

  if (reference == NULL)
    return;

  change = dray_catalog_change_new ();
  for (guint i = 0; i < requests->len; i++)
    {
      const char *model_id = dray_request_get_model_id (g_ptr_array_index (requests, i));

      if (g_str_equal (model_id, reference->model_id))
        continue;
      dray_manager_add_model_alias (self, reference->model_id, model_id);
      dray_catalog_change_put_model_alias (change, reference->model_id, model_id);
    }
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

/* The digest that the server gives is the best key; where the bytes came from is another. */
static gboolean
learn_keys (DrayStoredAsset *asset, const DrayServerFacts *facts)
{
  g_autofree char *link_key = dray_download_key_new (facts->url, NULL);
  gboolean learnt = FALSE;

  if (facts->sha256 != NULL)
    {
      g_autofree char *key = dray_download_key_new (NULL, facts->sha256);

      learnt = dray_stored_asset_set_promise (asset, key);
      if (asset->record.expected_sha256 == NULL && learnt)
        {
          dray_stored_asset_keep_link_key (asset);
          g_free (asset->record.download_key);
          asset->record.download_key = g_steal_pointer (&key);
        }
    }
  if (link_key != NULL && !g_str_equal (link_key, asset->record.download_key)
      && dray_stored_asset_add_alias (asset, link_key))
    learnt = TRUE;

  return learnt;
}

static void
record_keys (DrayManager *self, DrayDownloadJob *job, DrayStoredAsset *asset)
{
  DrayCatalogChange *change = dray_catalog_change_new ();
  g_autoptr (GPtrArray) requests = dray_engine_snapshot (dray_download_job_get_requests (job));

  dray_catalog_change_put_asset (change, &asset->record);
  dray_catalog_change_put_aliases (change, asset->record.id, asset->aliases);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
  for (guint i = 0; i < requests->len; i++)
    dray_request_set_key (g_ptr_array_index (requests, i), asset->record.download_key);
}

/* A shared digest is proof. A shared link is, unless it has shown different files. */
static gboolean
is_equal (DrayManager *self,
          const DrayStoredAsset *other,
          const char *key,
          const DrayServerFacts *facts)
{
  const DrayAssetRecord *record = &other->record;
  DrayValidator recorded = { record->etag, record->last_modified, record->date_gap };
  DrayDownloadJob *job = dray_manager_find_job (self, record->id);
  const DrayValidator *validator = NULL;
  gint64 total = record->total;

  if (g_str_has_prefix (key, "sha256:") || record->name == NULL)
    return TRUE;

  if (job != NULL)
    validator = dray_download_job_get_validator (job, &total);
  if (validator == NULL)
    validator = &recorded;
  return total == facts->total
         && dray_validator_compare (validator, facts->validator) == DRAY_VALIDATORS_EQUAL;
}

static DrayStoredAsset *
find_twin (DrayManager *self, DrayStoredAsset *asset, const DrayServerFacts *facts)
{
  guint n_keys = asset->aliases->len + 1;

  for (guint i = 0; i < n_keys; i++)
    {
      const char *key = i < asset->aliases->len ? g_ptr_array_index (asset->aliases, i)
                                                : asset->record.download_key;
      DrayStoredAsset *other
          = dray_asset_table_find_unfinished (self->engine.assets, key, asset);

      if (other != NULL && is_equal (self, other, key, facts)
          && !g_hash_table_contains (self->merges, &other->record.id))
        return other;
    }

  return NULL;
}

static void
plan_merge (DrayManager *self, const DrayStoredAsset *from, const DrayStoredAsset *into)
{
  DrayDownloadJob *job = dray_manager_find_job (self, from->record.id);

  g_hash_table_insert (self->merges, g_memdup2 (&from->record.id, sizeof (gint64)),
                       g_memdup2 (&into->record.id, sizeof (gint64)));
  if (job != NULL)
    dray_download_job_cancel (job);
  else
    dray_manager_finish_merge (self, from->record.id);
}

/* How many bytes an asset has, with those that its job has fetched and not recorded yet. */
static gint64
count_bytes (DrayManager *self, const DrayStoredAsset *asset)
{
  DrayDownloadJob *job = dray_manager_find_job (self, asset->record.id);

  return job != NULL ? dray_download_job_get_downloaded (job)
                     : dray_stored_asset_get_written (asset);
}

/* Connected to every job. */
void
dray_manager_answered (DrayDownloadJob *job, const DrayServerFacts *facts, gpointer user_data)
{
  DrayManager *self = DRAY_MANAGER (user_data);
  DrayStoredAsset *asset
      = dray_asset_table_find (self->engine.assets, dray_download_job_get_asset_id (job));
  DrayStoredAsset *twin;

  if (learn_keys (asset, facts))
    {
      learn_model_alias (self, job, facts->url);
      record_keys (self, job, asset);
    }

  twin = find_twin (self, asset, facts);
  if (twin == NULL || self->closing != NULL)
    return;
  if (count_bytes (self, asset) > count_bytes (self, twin))
    plan_merge (self, twin, asset);
  else
    plan_merge (self, asset, twin);
}

static void
discarded_cb (GObject *source, GAsyncResult *result, G_GNUC_UNUSED gpointer user_data)
{
  dray_manager_discard_asset_finish (DRAY_MANAGER (source), result);
}

/* Everybody who wanted the one asset wants the other from now on, in one change with its end. */
static void
move_callers (DrayManager *self, DrayStoredAsset *from, DrayStoredAsset *into)
{
  DrayCatalogChange *change = dray_catalog_change_new ();
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));

  dray_stored_asset_keep_link_key (from);
  for (guint i = 0; i < from->aliases->len; i++)
    dray_stored_asset_add_alias (into, g_ptr_array_index (from->aliases, i));
  dray_catalog_change_put_aliases (change, into->record.id, into->aliases);

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (request->record->asset_id != from->record.id)
        continue;
      dray_request_set_asset (request, into);
      dray_catalog_change_put_request (change, request->record);
    }
  dray_manager_discard_asset_async (self, from, change, discarded_cb, NULL);
}

/* Called when the job of an asset has ended, if it had one: where the asset was to become another,
 * it does now. One that was finished before it could be stopped stays. */
void
dray_manager_finish_merge (DrayManager *self, gint64 asset_id)
{
  const gint64 *into_id = g_hash_table_lookup (self->merges, &asset_id);
  DrayStoredAsset *from = dray_asset_table_find (self->engine.assets, asset_id);
  DrayStoredAsset *into;

  if (into_id == NULL)
    return;

  into = dray_asset_table_find (self->engine.assets, *into_id);
  if (from != NULL && from->record.state == DRAY_ASSET_FETCHING && into != NULL
      && (into->record.state == DRAY_ASSET_FETCHING || into->record.state == DRAY_ASSET_COMPLETE)
      && self->closing == NULL)
    move_callers (self, from, into);
  g_hash_table_remove (self->merges, &asset_id);
}
