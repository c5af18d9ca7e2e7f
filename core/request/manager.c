/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/manager-private.h"

#include "core/base/error.h"
#include "core/library/drive.h"
#include "core/request/restore.h"

/* How often progress is journaled: half of the second that a kill may cost. */
#define JOURNAL_INTERVAL 500

/* How many transfers run at once unless a caller wants another number. */
#define MAX_TRANSFERS 3

/* How many files are placed or loaded at once: more would only make a disk seek. */
#define N_DELIVERY_WORKERS 2

/* What keeps a file that lies in the library and that the catalog does not know. */
#define LIBRARY_NAME "Library"

enum
{
  PROP_0,
  PROP_HELD,
  PROP_MAX_TRANSFERS,
  PROP_RATE_LIMIT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayManager, dray_manager, G_TYPE_OBJECT)

static void
dray_manager_finalize (GObject *object)
{
  DrayManager *self = DRAY_MANAGER (object);

  g_assert (self->plans->len == 0 && self->jobs->len == 0 && self->deliveries->len == 0);

  g_clear_handle_id (&self->sample_source, g_source_remove);
  g_clear_handle_id (&self->pump_source, g_source_remove);
  g_clear_handle_id (&self->space_source, g_source_remove);
  g_ptr_array_unref (self->plans);
  g_ptr_array_unref (self->queue);
  g_ptr_array_unref (self->jobs);
  g_ptr_array_unref (self->deliveries);
  g_ptr_array_unref (self->idle_workers);
  g_ptr_array_unref (self->cancels);
  g_ptr_array_unref (self->holds);
  g_ptr_array_unref (self->space_waits);
  g_hash_table_unref (self->merges);
  g_hash_table_unref (self->model_aliases);
  g_object_unref (self->engine.requests);
  g_clear_pointer (&self->engine.catalog, dray_catalog_free);
  g_ptr_array_unref (self->engine.readers);
  dray_file_digests_free (self->engine.digests);
  dray_stores_free (self->engine.stores);
  dray_disks_free (self->engine.disks);
  dray_network_free (self->engine.network);
  dray_rate_limiter_unref (self->engine.limiter);
  dray_asset_table_free (self->engine.assets);
  dray_session_pool_unref (self->engine.sessions);
  dray_credentials_free (self->engine.credentials);
  dray_host_limits_free (self->engine.hosts);
  g_free (self->engine.boot_id);
  g_free (self->catalog_path);
  g_free (self->library_root);

  G_OBJECT_CLASS (dray_manager_parent_class)->finalize (object);
}

static void
dray_manager_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayManager *self = DRAY_MANAGER (object);

  switch (id)
    {
    case PROP_HELD:
      g_value_set_boolean (value, self->held);
      break;

    case PROP_MAX_TRANSFERS:
      g_value_set_uint (value, self->max_transfers);
      break;

    case PROP_RATE_LIMIT:
      g_value_set_uint64 (value, self->rate_limit);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_manager_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_MAX_TRANSFERS:
      dray_manager_set_max_transfers (DRAY_MANAGER (object), g_value_get_uint (value));
      break;

    case PROP_RATE_LIMIT:
      dray_manager_set_rate_limit (DRAY_MANAGER (object), g_value_get_uint64 (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_manager_class_init (DrayManagerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = dray_manager_finalize;
  object_class->get_property = dray_manager_get_property;
  object_class->set_property = dray_manager_set_property;

  /**
   * DrayManager:held:
   *
   * Whether everything is held; see dray_manager_hold_async().
   */
  properties[PROP_HELD]
      = g_param_spec_boolean ("held", NULL, NULL, FALSE,
                              G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * DrayManager:max-transfers:
   *
   * How many transfers run at once; the others wait in the queue.
   */
  properties[PROP_MAX_TRANSFERS] = g_param_spec_uint (
      "max-transfers", NULL, NULL, 1, 100, MAX_TRANSFERS,
      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * DrayManager:rate-limit:
   *
   * How many bytes a second all transfers may fetch together; 0 for no limit. What a request has of
   * its own holds beside it.
   */
  properties[PROP_RATE_LIMIT] = g_param_spec_uint64 (
      "rate-limit", NULL, NULL, 0, G_MAXINT64, DRAY_RATE_UNLIMITED,
      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
dray_manager_init (DrayManager *self)
{
  self->plans = g_ptr_array_new ();
  self->queue = g_ptr_array_new_with_free_func (g_object_unref);
  self->jobs = g_ptr_array_new_with_free_func (g_object_unref);
  self->deliveries = g_ptr_array_new_with_free_func (g_object_unref);
  self->idle_workers = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_worker_free);
  self->cancels = g_ptr_array_new ();
  self->holds = g_ptr_array_new_with_free_func (g_object_unref);
  self->space_waits = g_ptr_array_new_with_free_func (g_free);
  self->merges = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->model_aliases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                               (GDestroyNotify) g_hash_table_unref);
  self->max_transfers = MAX_TRANSFERS;
  self->engine.requests = g_list_store_new (DRAY_TYPE_REQUEST);
  self->engine.sessions = dray_session_pool_new ();
  self->engine.credentials = dray_credentials_new_from_environment ();
  self->engine.network = dray_network_new (dray_manager_try_now, self);
  self->engine.limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, NULL);
  self->engine.hosts = dray_host_limits_new ();
  self->engine.disks = dray_disks_new ();
  self->engine.assets = dray_asset_table_new ();
  self->engine.stores = dray_stores_new_for_user ();
  self->engine.digests = dray_file_digests_new ();
  self->engine.readers = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_worker_free);
  self->engine.boot_id = dray_drive_read_boot_id ();
  self->engine.interval = JOURNAL_INTERVAL;
  for (guint i = 0; i < N_DELIVERY_WORKERS; i++)
    g_ptr_array_add (self->idle_workers, dray_worker_new ("dray-delivery"));
}

/**
 * dray_manager_new:
 * @catalog_path: the catalog's file, made where there is none
 * @library_root: the library's folder, made when first used
 *
 * Returns: (transfer full): a manager whose catalog is not open
 */
DrayManager *
dray_manager_new (const char *catalog_path, const char *library_root)
{
  DrayManager *self = g_object_new (DRAY_TYPE_MANAGER, NULL);

  self->catalog_path = g_strdup (catalog_path);
  self->library_root = g_strdup (library_root);
  self->engine.library_root = self->library_root;
  dray_stores_add (self->engine.stores, DRAY_STORE_SHELVES, LIBRARY_NAME, library_root);

  return self;
}

/**
 * dray_manager_set_boot_id:
 * @self: a manager that is not open
 * @boot_id: what to take for the kernel's id of this boot
 *
 * For tests of what a power cut leaves.
 */
void
dray_manager_set_boot_id (DrayManager *self, const char *boot_id)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));

  g_free (self->engine.boot_id);
  self->engine.boot_id = g_strdup (boot_id);
}

/**
 * dray_manager_set_interval:
 * @self: a manager that is not open
 * @milliseconds: how often offsets are journaled while bytes move
 */
void
dray_manager_set_interval (DrayManager *self, guint milliseconds)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));

  self->engine.interval = milliseconds;
}

/**
 * dray_manager_set_resumes:
 * @self: a manager that is not open
 * @resumes: whether what ran when the last program ended runs again
 *
 * What does not run again is shown paused.
 */
void
dray_manager_set_resumes (DrayManager *self, gboolean resumes)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog == NULL);

  self->resumes = resumes;
}

/**
 * dray_manager_set_max_transfers:
 * @self: a manager
 * @max_transfers: how many transfers run at once, from 1 to 100
 *
 * Those that run beyond a smaller number are not stopped.
 */
void
dray_manager_set_max_transfers (DrayManager *self, guint max_transfers)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (max_transfers >= 1 && max_transfers <= 100);

  if (self->max_transfers == max_transfers)
    return;

  self->max_transfers = max_transfers;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_TRANSFERS]);
  dray_manager_pump_soon (self);
}

/**
 * dray_manager_set_rate_limit:
 * @self: a manager
 * @rate_limit: how many bytes a second all transfers may fetch together; 0 for no limit
 *
 * Takes effect at once.
 */
void
dray_manager_set_rate_limit (DrayManager *self, guint64 rate_limit)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (rate_limit <= G_MAXINT64);

  if (self->rate_limit == rate_limit)
    return;

  self->rate_limit = rate_limit;
  dray_rate_limiter_set_rate (self->engine.limiter, g_get_monotonic_time (), (gint64) rate_limit);
  for (guint i = 0; i < self->jobs->len; i++)
    dray_download_job_rate_changed (g_ptr_array_index (self->jobs, i));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RATE_LIMIT]);
}

/* The requests are back: children find their parents, and what is to run again waits its turn. */
static void
adopt_requests (DrayManager *self)
{
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);
      DrayRequest *parent = request->record->parent_id != NULL
                                ? dray_manager_find_request (self, request->record->parent_id)
                                : NULL;

      self->next_position = MAX (self->next_position, request->record->position + 1);
      if (parent == NULL)
        continue;
      dray_request_add_child (parent, request);
      dray_manager_watch_child (self, request);
      dray_request_sum_up (parent);
    }

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (!dray_request_is_running (request))
        continue;
      if (dray_request_is_parent (request))
        dray_manager_update_parent (self, request);
      else
        dray_manager_enqueue (self, request);
    }
}

static void
restored_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  DrayManager *self = g_task_get_source_object (task);

  dray_restore_finish (result);
  adopt_requests (self);
  g_task_return_boolean (task, TRUE);
  dray_manager_end_operation (self);
}

static void
read_settings (DrayManager *self, const DrayCatalogContents *contents)
{
  self->held = g_strcmp0 (g_hash_table_lookup (contents->settings, "held"), "1") == 0;
  for (guint i = 0; i < contents->model_aliases->len; i++)
    {
      const DrayModelAlias *alias = g_ptr_array_index (contents->model_aliases, i);

      dray_manager_add_model_alias (self, alias->alias, alias->model_id);
    }
}

static void
opened_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  DrayManager *self = g_task_get_source_object (task);
  DrayCatalogContents *contents = NULL;
  GError *error = NULL;

  self->engine.catalog = dray_catalog_open_finish (result, &contents, &error);
  if (self->engine.catalog == NULL)
    {
      g_task_return_error (task, error);
      dray_manager_end_operation (self);
      return;
    }

  read_settings (self, contents);
  dray_restore_async (&self->engine, contents, self->resumes, restored_cb,
                      g_steal_pointer (&task));
}

/**
 * dray_manager_open_async:
 * @self: a manager
 * @callback: called in the main thread when the requests of earlier runs are back
 * @user_data: for @callback
 */
void
dray_manager_open_async (DrayManager *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog == NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_open_async);
  dray_manager_begin_operation (self);
  dray_catalog_open_async (self->catalog_path, dray_disks_get_scout (self->engine.disks),
                           opened_cb, task);
}

/**
 * dray_manager_open_finish:
 * @self: a manager
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_BUSY if another process has the catalog, %DRAY_ERROR_CATALOG_DAMAGED,
 * %DRAY_ERROR_PERMISSION, %DRAY_ERROR_DISK_FULL.
 *
 * Returns: whether the manager is ready
 */
gboolean
dray_manager_open_finish (DrayManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Whether the manager takes calls that begin something. */
gboolean
dray_manager_check_open (DrayManager *self, GError **error)
{
  g_return_val_if_fail (self->engine.catalog != NULL, FALSE);

  if (self->closing == NULL)
    return TRUE;

  g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Dray is closing");
  return FALSE;
}

/* Whether a request, running or not, points to an asset. */
gboolean
dray_manager_is_wanted (DrayManager *self, gint64 asset_id)
{
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));

  for (guint i = 0; i < n_requests; i++)
    if (dray_engine_get_request (&self->engine, i)->record->asset_id == asset_id)
      return TRUE;

  return FALSE;
}

void
dray_manager_take_off_list (DrayManager *self, DrayRequest *request)
{
  guint position;

  if (g_list_store_find (self->engine.requests, request, &position))
    g_list_store_remove (self->engine.requests, position);
}

static void
forget_one (DrayManager *self, DrayRequest *request, DrayCatalogChange *change)
{
  dray_catalog_change_delete_request (change, request->record->id);
  dray_manager_take_off_list (self, request);
}

/* Takes a request that does not run off the list, with its children, and out of the catalog. A
 * parent goes with its last child. */
void
dray_manager_forget_request (DrayManager *self, DrayRequest *request, DrayCatalogChange *change)
{
  G_GNUC_UNUSED g_autoptr (DrayRequest) alive = g_object_ref (request);
  DrayRequest *parent = request->parent;

  while (request->children->len > 0)
    {
      g_autoptr (DrayRequest) child = g_object_ref (g_ptr_array_index (request->children, 0));

      dray_request_remove_child (request, child);
      forget_one (self, child, change);
    }
  if (parent != NULL)
    {
      dray_request_remove_child (parent, request);
      dray_request_sum_up (parent);
      if (parent->children->len == 0 && !dray_request_is_running (parent))
        forget_one (self, parent, change);
    }
  forget_one (self, request, change);
}

/**
 * dray_manager_get_requests:
 * @self: a manager
 *
 * Returns: (transfer none): the requests that are not removed, oldest first, as a list of
 *   #DrayRequest
 */
GListModel *
dray_manager_get_requests (DrayManager *self)
{
  g_return_val_if_fail (DRAY_IS_MANAGER (self), NULL);

  return G_LIST_MODEL (self->engine.requests);
}

/**
 * dray_manager_find_request:
 * @self: a manager
 * @id: the id of a request
 *
 * Returns: (transfer none) (nullable): the request
 */
DrayRequest *
dray_manager_find_request (DrayManager *self, const char *id)
{
  guint n_requests;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), NULL);

  n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));
  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (g_str_equal (dray_request_get_id (request), id))
        return request;
    }

  return NULL;
}
