/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/delivery.h"

#include "core/base/error.h"
#include "core/inspect/inspect.h"
#include "core/library/file-name.h"
#include "core/library/library.h"
#include "core/library/placement.h"
#include "core/request/facts.h"

#include <errno.h>
#include <sys/stat.h>

struct _DrayDelivery
{
  GObject parent_instance;

  DrayEngine *engine;
  DrayRequest *request;
  DrayWorker *worker; /* while it runs */
  GCancellable *cancellable;
  GTask *task;
  DrayStoredAsset *placed; /* in the table, while the file is being placed; NULL for none */
};

G_DEFINE_FINAL_TYPE (DrayDelivery, dray_delivery, G_TYPE_OBJECT)

static void
dray_delivery_finalize (GObject *object)
{
  DrayDelivery *self = DRAY_DELIVERY (object);

  g_assert (self->worker == NULL);

  g_object_unref (self->cancellable);
  g_object_unref (self->request);

  G_OBJECT_CLASS (dray_delivery_parent_class)->finalize (object);
}

static void
dray_delivery_class_init (DrayDeliveryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_delivery_finalize;
}

static void
dray_delivery_init (DrayDelivery *self)
{
  self->cancellable = g_cancellable_new ();
}

static gboolean
is_load (DrayRequest *request)
{
  return g_str_equal (dray_request_get_kind (request), "load");
}

static gboolean
is_elsewhere (DrayEngine *engine, DrayRequest *request)
{
  const DrayStoredAsset *asset = dray_engine_get_asset (engine, request);
  const char *directory = dray_request_get_record (request)->directory;

  return asset != NULL && !dray_engine_is_in_place (engine, asset, directory);
}

/**
 * dray_delivery_is_needed:
 * @engine: the manager's
 * @request: a request whose asset, or whose children's assets, are finished
 *
 * Returns: whether anything is left to do for @request
 */
gboolean
dray_delivery_is_needed (DrayEngine *engine, DrayRequest *request)
{
  return is_load (request) || is_elsewhere (engine, request);
}

/**
 * dray_delivery_new:
 * @engine: the manager's; must outlive the delivery
 * @request: a request for which dray_delivery_is_needed()
 *
 * Returns: (transfer full): a delivery that has not run
 */
DrayDelivery *
dray_delivery_new (DrayEngine *engine, DrayRequest *request)
{
  DrayDelivery *self = g_object_new (DRAY_TYPE_DELIVERY, NULL);

  self->engine = engine;
  self->request = g_object_ref (request);

  return self;
}

DrayRequest *
dray_delivery_get_request (DrayDelivery *self)
{
  return self->request;
}

gboolean
dray_delivery_is_running (DrayDelivery *self)
{
  return self->task != NULL;
}

/**
 * dray_delivery_must_wait:
 * @self: a delivery that has not run
 * @other: one that runs
 *
 * Returns: whether @other makes the very copy that @self needs
 */
gboolean
dray_delivery_must_wait (DrayDelivery *self, DrayDelivery *other)
{
  const DrayStoredAsset *asset = dray_engine_get_asset (self->engine, self->request);
  const DrayAssetRecord *placed = other->placed != NULL ? &other->placed->record : NULL;

  return placed != NULL && asset != NULL
         && g_strcmp0 (placed->sha256, asset->record.sha256) == 0
         && g_strcmp0 (placed->directory, dray_request_get_record (self->request)->directory) == 0;
}

static void
end (DrayDelivery *self, const GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

/* What the thread is given to read headers, and gives back. */
typedef struct
{
  DrayDelivery *delivery;
  GPtrArray *paths; /* of char *, all files of the model in their order */
  DrayModelFacts *facts;
  GError *error;
} Reading;

static void
reading_free (Reading *reading)
{
  g_object_unref (reading->delivery);
  g_ptr_array_unref (reading->paths);
  g_clear_pointer (&reading->facts, dray_model_facts_free);
  g_clear_error (&reading->error);
  g_free (reading);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reading, reading_free)

static void
read_in_thread (gpointer data)
{
  Reading *reading = data;

  reading->facts = dray_inspect_files (reading->paths, reading->delivery->cancellable,
                                       &reading->error);
}

static void
record_facts (DrayDelivery *self, const DrayModelFacts *facts)
{
  const char *model_id = dray_request_get_model_id (self->request);
  g_autoptr (DrayFactsRecord) record = dray_facts_to_record (facts, model_id);
  DrayCatalogChange *change = dray_catalog_change_new ();

  dray_catalog_change_put_facts (change, record);
  dray_catalog_write_async (self->engine->catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

static void
read_cb (gpointer data)
{
  g_autoptr (Reading) reading = data;
  DrayDelivery *self = reading->delivery;

  if (reading->error == NULL)
    {
      record_facts (self, reading->facts);
      dray_request_set_facts (self->request, reading->facts);
    }
  end (self, reading->error);
}

static void
add_path (GPtrArray *paths, DrayRequest *request)
{
  const char *path = dray_request_get_path (request);

  if (path != NULL)
    g_ptr_array_add (paths, g_strdup (path));
}

static void
load (DrayDelivery *self)
{
  Reading *reading = g_new0 (Reading, 1);

  reading->delivery = g_object_ref (self);
  reading->paths = g_ptr_array_new_with_free_func (g_free);
  add_path (reading->paths, self->request);
  if (dray_request_is_parent (self->request))
    {
      g_ptr_array_set_size (reading->paths, 0);
      for (guint i = 0; i < self->request->children->len; i++)
        add_path (reading->paths, g_ptr_array_index (self->request->children, i));
    }

  dray_request_set_state (self->request, DRAY_REQUEST_LOADING);
  dray_engine_put_request (self->engine, self->request);
  dray_worker_push (self->worker, read_in_thread, read_cb, reading);
}

/* What the thread is given to place a file, and gives back. */
typedef struct
{
  DrayDelivery *delivery;
  char *path;      /* of the finished file */
  char *wanted;    /* what it is to be called */
  DrayFinishedFile finished;
  char *from;      /* its folder */
  char *directory; /* the folder that is asked for */
  char *name;
  guint attempt;
  gint64 known_id;  /* of an asset that may be in that folder already; 0 for none */
  char *known_path;
  DrayFinishedFile known;

  gboolean is_known;
  gboolean is_same; /* both are one folder */
  DrayFileIdentity identity;
  GError *error;
} Placing;

static void
placing_free (Placing *placing)
{
  g_object_unref (placing->delivery);
  g_free (placing->path);
  g_free (placing->wanted);
  g_free (placing->from);
  g_free (placing->directory);
  g_free (placing->name);
  g_free (placing->known_path);
  g_clear_error (&placing->error);
  g_free (placing);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Placing, placing_free)

static gboolean
is_same_folder (const char *a, const char *b)
{
  struct stat facts_a, facts_b;

  return stat (a, &facts_a) == 0 && stat (b, &facts_b) == 0 && facts_a.st_dev == facts_b.st_dev
         && facts_a.st_ino == facts_b.st_ino;
}

static void
place_in_thread (gpointer data)
{
  Placing *placing = data;

  placing->is_known = placing->known_path != NULL
                      && dray_library_has_file (placing->known_path, &placing->known);
  if (placing->is_known)
    return;
  if (g_mkdir_with_parents (placing->directory, 0777) != 0)
    {
      dray_set_file_error (&placing->error, errno == ENOENT ? EACCES : errno, "make the folder",
                           placing->directory);
      return;
    }

  placing->is_same = is_same_folder (placing->from, placing->directory);
  if (!placing->is_same)
    dray_placement_make (placing->path, &placing->finished, placing->directory, placing->name,
                         placing->delivery->cancellable, &placing->identity, &placing->error);
}

static void try_to_place (DrayDelivery *self, Placing *placing);

static void
drop_placed (DrayDelivery *self)
{
  dray_asset_table_remove (self->engine->assets, self->placed);
  self->placed = NULL;
}

static void
keep_placed (DrayDelivery *self, const DrayFileIdentity *identity)
{
  DrayAssetRecord *record = &self->placed->record;
  DrayCatalogChange *change = dray_catalog_change_new ();

  record->state = DRAY_ASSET_COMPLETE;
  record->identity = *identity;
  record->completed_at = g_get_real_time () / G_USEC_PER_SEC;
  dray_catalog_change_put_asset (change, record);
  dray_catalog_change_put_aliases (change, record->id, self->placed->aliases);
  dray_catalog_write_async (self->engine->catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
  dray_request_set_asset (self->request, self->placed);
  self->placed = NULL;
}

static void
placed_cb (gpointer data)
{
  Placing *placing = data;
  DrayDelivery *self = placing->delivery;
  const DrayStoredAsset *known = dray_asset_table_find (self->engine->assets, placing->known_id);

  if (g_error_matches (placing->error, G_IO_ERROR, G_IO_ERROR_EXISTS))
    {
      g_clear_error (&placing->error);
      try_to_place (self, placing);
      return;
    }

  if (placing->error != NULL || placing->is_known || placing->is_same)
    drop_placed (self);
  else
    keep_placed (self, &placing->identity);
  if (placing->is_known && known != NULL)
    dray_request_set_asset (self->request, known);

  if (placing->error == NULL && is_load (self->request))
    load (self);
  else
    end (self, placing->error);
  placing_free (placing);
}

static void
try_to_place (DrayDelivery *self, Placing *placing)
{
  g_free (placing->name);
  placing->attempt++;
  placing->name = dray_asset_table_claim_name (self->engine->assets, self->placed, placing->wanted,
                                               &placing->attempt);
  dray_worker_push (self->worker, place_in_thread, placed_cb, placing);
}

/* The row of the file in its new place. Until the file is there it only keeps the name taken. */
static DrayStoredAsset *
make_placed (DrayDelivery *self, const DrayStoredAsset *asset)
{
  DrayStoredAsset *placed = dray_stored_asset_new ();
  DrayAssetRecord *record = &placed->record;

  dray_asset_record_copy_into (record, &asset->record);
  record->id = dray_catalog_reserve_asset_id (self->engine->catalog);
  record->state = DRAY_ASSET_FINISHING;
  record->created_at = g_get_real_time () / G_USEC_PER_SEC;
  g_free (record->model_id);
  record->model_id = g_strdup (dray_request_get_model_id (self->request));
  g_free (record->directory);
  record->directory = g_strdup (dray_request_get_record (self->request)->directory);
  g_clear_pointer (&record->name, g_free);
  g_clear_pointer (&record->external, g_free);
  record->external_modified = 0;
  for (guint i = 0; i < asset->aliases->len; i++)
    dray_stored_asset_add_alias (placed, g_ptr_array_index (asset->aliases, i));
  dray_asset_table_add (self->engine->assets, placed);

  return placed;
}

/* What another program calls its file may be a digest and nothing else. */
static char *
get_wanted_name (const DrayAssetRecord *record)
{
  if (record->external == NULL)
    return g_strdup (record->name);

  return record->planned_name != NULL ? g_strdup (record->planned_name)
                                      : dray_file_name_from_url (record->url);
}

static void
place (DrayDelivery *self)
{
  const DrayStoredAsset *asset = dray_engine_get_asset (self->engine, self->request);
  const char *directory = dray_request_get_record (self->request)->directory;
  const DrayStoredAsset *known
      = dray_asset_table_find_copy (self->engine->assets, asset->record.sha256, directory);
  Placing *placing = g_new0 (Placing, 1);

  placing->delivery = g_object_ref (self);
  placing->path = dray_stored_asset_get_path (asset);
  placing->wanted = get_wanted_name (&asset->record);
  placing->finished = dray_stored_asset_get_finished (asset);
  placing->from = g_strdup (asset->record.directory);
  placing->directory = g_strdup (directory);
  if (known != NULL)
    {
      placing->known_id = known->record.id;
      placing->known_path = dray_stored_asset_get_path (known);
      placing->known = dray_stored_asset_get_finished (known);
    }
  self->placed = make_placed (self, asset);
  try_to_place (self, placing);
}

/**
 * dray_delivery_run_async:
 * @self: a delivery that has not run
 * @worker: (transfer full): what it runs in; the callback takes it back
 * @callback: called in the main thread when nothing is under way any more
 * @user_data: for @callback
 */
void
dray_delivery_run_async (DrayDelivery *self,
                         DrayWorker *worker,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_assert (self->task == NULL);

  self->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->task, dray_delivery_run_async);
  self->worker = worker;

  if (is_elsewhere (self->engine, self->request))
    place (self);
  else
    load (self);
}

/**
 * dray_delivery_run_finish:
 * @self: a delivery
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_CANCELLED; what hinders a file from being placed; %DRAY_ERROR_MALFORMED_MODEL
 * and %DRAY_ERROR_UNSUPPORTED for a load. The finished file stays in every case.
 *
 * Returns: whether the request has all that it asked for
 */
gboolean
dray_delivery_run_finish (DrayDelivery *self, GAsyncResult *result, GError **error)
{
  g_assert (g_task_is_valid (result, self));

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * dray_delivery_steal_worker:
 * @self: a delivery that has ended
 *
 * Returns: (transfer full): the worker that it ran in
 */
DrayWorker *
dray_delivery_steal_worker (DrayDelivery *self)
{
  return g_steal_pointer (&self->worker);
}

/**
 * dray_delivery_cancel:
 * @self: a delivery that runs
 *
 * Ends it within milliseconds; the run's callback tells when.
 */
void
dray_delivery_cancel (DrayDelivery *self)
{
  g_cancellable_cancel (self->cancellable);
}
