/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/catalog/change.h"

static void
step_free (DrayStep *step)
{
  g_free (step->request_id);
  dray_model_record_free (step->model);
  dray_asset_record_clear (&step->asset);
  dray_request_record_free (step->request);
  g_clear_pointer (&step->rows, g_array_unref);
  g_clear_pointer (&step->aliases, g_ptr_array_unref);
  dray_facts_record_free (step->facts);
  g_free (step->name);
  g_free (step->value);
  g_free (step);
}

static DrayStep *
add_step (DrayCatalogChange *change, DrayStepKind kind, gint64 asset_id)
{
  DrayStep *step = g_new0 (DrayStep, 1);

  step->kind = kind;
  step->asset_id = asset_id;
  g_ptr_array_add (change->steps, step);

  return step;
}

static GArray *
copy_rows (gconstpointer rows, gsize n_rows, guint row_size)
{
  GArray *array = g_array_sized_new (FALSE, FALSE, row_size, n_rows);

  if (n_rows > 0)
    g_array_append_vals (array, rows, n_rows);

  return array;
}

/**
 * dray_catalog_change_new:
 *
 * Returns: (transfer full): a change without steps. Its steps are carried out in the order in which
 *   they are added: a model comes before its assets and requests, an asset before its pieces,
 *   blocks, aliases and requests, a parent before its children
 */
DrayCatalogChange *
dray_catalog_change_new (void)
{
  DrayCatalogChange *change = g_new0 (DrayCatalogChange, 1);

  change->steps = g_ptr_array_new_with_free_func ((GDestroyNotify) step_free);

  return change;
}

/**
 * dray_catalog_change_free:
 * @change: (transfer full) (nullable): a change that was not written
 */
void
dray_catalog_change_free (DrayCatalogChange *change)
{
  if (change == NULL)
    return;

  g_ptr_array_unref (change->steps);
  g_free (change);
}

/**
 * dray_catalog_change_put_model:
 * @change: a change
 * @record: a model; copied
 *
 * Adds the model, or brings its row up to date.
 */
void
dray_catalog_change_put_model (DrayCatalogChange *change, const DrayModelRecord *record)
{
  add_step (change, DRAY_STEP_PUT_MODEL, 0)->model = dray_model_record_copy (record);
}

/**
 * dray_catalog_change_put_asset:
 * @change: a change
 * @record: an asset with an id of dray_catalog_reserve_asset_id(); copied
 *
 * Adds the asset, or brings its row up to date; its pieces, blocks and aliases stay.
 */
void
dray_catalog_change_put_asset (DrayCatalogChange *change, const DrayAssetRecord *record)
{
  g_return_if_fail (record->id > 0);

  dray_asset_record_copy_into (&add_step (change, DRAY_STEP_PUT_ASSET, 0)->asset, record);
}

/**
 * dray_catalog_change_put_pieces:
 * @change: a change
 * @asset_id: the asset
 * @pieces: (array length=n_pieces): all its pieces; copied
 * @n_pieces: how many, perhaps 0
 *
 * Replaces all pieces of the asset.
 */
void
dray_catalog_change_put_pieces (DrayCatalogChange *change,
                                gint64 asset_id,
                                const DrayPiece *pieces,
                                gsize n_pieces)
{
  add_step (change, DRAY_STEP_PUT_PIECES, asset_id)->rows
      = copy_rows (pieces, n_pieces, sizeof *pieces);
}

/**
 * dray_catalog_change_put_blocks:
 * @change: a change
 * @asset_id: the asset
 * @first: the number of the first block that changes, at most the number of blocks there are
 * @states: (array length=n_states): the states after block @first and those that follow; copied
 * @n_states: how many; 0 only forgets
 *
 * Replaces the saved states from block @first on.
 */
void
dray_catalog_change_put_blocks (DrayCatalogChange *change,
                                gint64 asset_id,
                                guint first,
                                const DrayDigestState *states,
                                gsize n_states)
{
  DrayStep *step = add_step (change, DRAY_STEP_PUT_BLOCKS, asset_id);

  step->first_block = first;
  step->rows = copy_rows (states, n_states, sizeof *states);
}

/**
 * dray_catalog_change_delete_asset:
 * @change: a change
 * @asset_id: the asset
 *
 * Deletes the asset with its pieces, blocks and aliases. Its requests stay, without an asset.
 */
void
dray_catalog_change_delete_asset (DrayCatalogChange *change, gint64 asset_id)
{
  add_step (change, DRAY_STEP_DELETE_ASSET, asset_id);
}

/**
 * dray_catalog_change_put_request:
 * @change: a change
 * @record: a request; copied
 *
 * Adds the request, or brings its row up to date.
 */
void
dray_catalog_change_put_request (DrayCatalogChange *change, const DrayRequestRecord *record)
{
  add_step (change, DRAY_STEP_PUT_REQUEST, 0)->request = dray_request_record_copy (record);
}

/**
 * dray_catalog_change_delete_request:
 * @change: a change
 * @request_id: the request
 *
 * Deletes the request. Its children stay, without a parent.
 */
void
dray_catalog_change_delete_request (DrayCatalogChange *change, const char *request_id)
{
  add_step (change, DRAY_STEP_DELETE_REQUEST, 0)->request_id = g_strdup (request_id);
}

static gpointer
copy_text (gconstpointer text, G_GNUC_UNUSED gpointer user_data)
{
  return g_strdup (text);
}

/**
 * dray_catalog_change_put_aliases:
 * @change: a change
 * @asset_id: the asset
 * @aliases: (element-type utf8): its other download keys, each once; copied
 *
 * Replaces all aliases of the asset.
 */
void
dray_catalog_change_put_aliases (DrayCatalogChange *change, gint64 asset_id, GPtrArray *aliases)
{
  GPtrArray *copy = g_ptr_array_copy (aliases, copy_text, NULL);

  g_ptr_array_set_free_func (copy, g_free);
  add_step (change, DRAY_STEP_PUT_ALIASES, asset_id)->aliases = copy;
}

/**
 * dray_catalog_change_put_model_alias:
 * @change: a change
 * @alias: another model id
 * @model_id: the model that is meant
 *
 * Adds the alias, or lets it mean that model from now on.
 */
void
dray_catalog_change_put_model_alias (DrayCatalogChange *change,
                                     const char *alias,
                                     const char *model_id)
{
  DrayStep *step = add_step (change, DRAY_STEP_PUT_MODEL_ALIAS, 0);

  step->name = g_strdup (alias);
  step->value = g_strdup (model_id);
}

/**
 * dray_catalog_change_put_facts:
 * @change: a change
 * @record: what is known of a model; copied
 *
 * Adds the facts, or replaces all that were known of the model.
 */
void
dray_catalog_change_put_facts (DrayCatalogChange *change, const DrayFactsRecord *record)
{
  add_step (change, DRAY_STEP_PUT_FACTS, 0)->facts = dray_facts_record_copy (record);
}

/**
 * dray_catalog_change_put_setting:
 * @change: a change
 * @name: the setting's name
 * @value: what it is set to
 */
void
dray_catalog_change_put_setting (DrayCatalogChange *change, const char *name, const char *value)
{
  DrayStep *step = add_step (change, DRAY_STEP_PUT_SETTING, 0);

  step->name = g_strdup (name);
  step->value = g_strdup (value);
}
