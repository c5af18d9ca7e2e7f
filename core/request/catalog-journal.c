/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/catalog-journal.h"

struct _DrayCatalogJournal
{
  GObject parent_instance;

  DrayCatalog *catalog;
  DrayAssetTable *table;
  gint64 asset_id;
};

static void dray_catalog_journal_iface_init (DrayJournalInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DrayCatalogJournal,
                               dray_catalog_journal,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (DRAY_TYPE_JOURNAL,
                                                      dray_catalog_journal_iface_init))

static char *
claim_name (DrayJournal *journal, const char *suggested, guint attempt)
{
  DrayCatalogJournal *self = DRAY_CATALOG_JOURNAL (journal);

  return dray_asset_table_claim_name (self->table,
                                      dray_asset_table_find (self->table, self->asset_id),
                                      suggested, &attempt);
}

static void
replace_string (char **field, const char *value)
{
  if (g_strcmp0 (*field, value) == 0)
    return;

  g_free (*field);
  *field = g_strdup (value);
}

static void
replace_array (GArray *array, guint length, GArray *tail)
{
  g_array_set_size (array, length);
  g_array_append_vals (array, tail->data, tail->len);
}

static void
update_asset (DrayStoredAsset *asset, const DrayJournalEntry *entry)
{
  static const DrayAssetState states[] = {
    [DRAY_JOURNAL_FETCHING] = DRAY_ASSET_FETCHING,
    [DRAY_JOURNAL_FINISHING] = DRAY_ASSET_FINISHING,
    [DRAY_JOURNAL_COMPLETE] = DRAY_ASSET_COMPLETE,
  };
  DrayAssetRecord *record = &asset->record;

  record->state = states[entry->phase];
  record->total = entry->total;
  record->length_proven = entry->length_proven;
  record->identity = *entry->identity;
  record->sync_failed = entry->sync_failed;
  record->digest_tied = entry->digest_tied;
  record->date_gap = entry->validator->date_gap;
  replace_string (&record->name, entry->name);
  replace_string (&record->sha256, entry->sha256);
  replace_string (&record->etag, entry->validator->etag);
  replace_string (&record->last_modified, entry->validator->last_modified);
  if (entry->phase == DRAY_JOURNAL_COMPLETE)
    record->completed_at = g_get_real_time () / G_USEC_PER_SEC;

  replace_array (asset->pieces, 0, entry->pieces);
  replace_array (asset->blocks, entry->first_block, entry->blocks);
}

static void
recorded_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;

  if (dray_catalog_write_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
record_async (DrayJournal *journal,
              const DrayJournalEntry *entry,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  DrayCatalogJournal *self = DRAY_CATALOG_JOURNAL (journal);
  DrayStoredAsset *asset = dray_asset_table_find (self->table, self->asset_id);
  DrayCatalogChange *change = dray_catalog_change_new ();
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, record_async);
  if (asset != NULL)
    {
      update_asset (asset, entry);
      dray_catalog_change_put_asset (change, &asset->record);
      dray_catalog_change_put_pieces (change,
                                      self->asset_id,
                                      (const DrayPiece *) entry->pieces->data,
                                      entry->pieces->len);
      dray_catalog_change_put_blocks (change,
                                      self->asset_id,
                                      entry->first_block,
                                      (const DrayDigestState *) entry->blocks->data,
                                      entry->blocks->len);
    }
  dray_catalog_write_async (self->catalog,
                            change,
                            entry->durable ? DRAY_DURABILITY_MACHINE : DRAY_DURABILITY_PROCESS,
                            recorded_cb,
                            task);
}

static gboolean
record_finish (DrayJournal *journal, GAsyncResult *result, GError **error)
{
  g_assert (g_task_is_valid (result, journal));

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
dray_catalog_journal_iface_init (DrayJournalInterface *iface)
{
  iface->claim_name = claim_name;
  iface->record_async = record_async;
  iface->record_finish = record_finish;
}

static void
dray_catalog_journal_class_init (G_GNUC_UNUSED DrayCatalogJournalClass *klass)
{
}

static void
dray_catalog_journal_init (G_GNUC_UNUSED DrayCatalogJournal *self)
{
}

/**
 * dray_catalog_journal_new:
 * @catalog: the catalog; must outlive the journal
 * @table: the manager's assets; must outlive the journal
 * @asset: the asset whose transfer it serves
 *
 * Returns: (transfer full): a journal
 */
DrayJournal *
dray_catalog_journal_new (DrayCatalog *catalog, DrayAssetTable *table, DrayStoredAsset *asset)
{
  DrayCatalogJournal *self = g_object_new (DRAY_TYPE_CATALOG_JOURNAL, NULL);

  self->catalog = catalog;
  self->table = table;
  self->asset_id = asset->record.id;

  return DRAY_JOURNAL (self);
}
