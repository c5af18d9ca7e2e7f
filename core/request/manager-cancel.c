/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Pausing, discarding, sweeping and removing.
 *
 * A cancel is complete when it reports: the transfers that it ended are closed and their offsets
 * recorded; for a discard the partial file is gone.
 */

#include "core/request/manager-private.h"

#include "core/base/error.h"
#include "core/source/reference.h"

struct _DrayCancel
{
  DrayManager *manager;
  GTask *task;
  GPtrArray *requests;  /* of DrayRequest: whom it pauses or discards */
  GPtrArray *pending;   /* of DrayRequest: those of them that have not settled */
  GPtrArray *followers; /* of GTask: later calls that ask for the same */
  gboolean clear_cache;
  guint n_cancelled; /* those that it did pause or discard, parents not counted */
  guint n_discards;  /* under way */
  gboolean settled;  /* all its requests have settled */
};

static void
cancel_free (DrayCancel *cancel)
{
  g_ptr_array_unref (cancel->requests);
  g_ptr_array_unref (cancel->pending);
  g_ptr_array_unref (cancel->followers);
  g_object_unref (cancel->task);
  g_object_unref (cancel->manager);
  g_free (cancel);
}

static void
report_if_done (DrayCancel *cancel)
{
  DrayManager *self = cancel->manager;
  G_GNUC_UNUSED g_autoptr (DrayManager) alive = g_object_ref (self);

  if (!cancel->settled || cancel->n_discards > 0)
    return;

  g_ptr_array_remove (self->cancels, cancel);
  g_task_return_int (cancel->task, cancel->n_cancelled);
  for (guint i = 0; i < cancel->followers->len; i++)
    g_task_return_int (g_ptr_array_index (cancel->followers, i), 0);
  cancel_free (cancel);
  dray_manager_end_operation (self);
}

static void
asset_discarded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DrayCancel *cancel = user_data;

  dray_manager_discard_asset_finish (DRAY_MANAGER (source), result);
  cancel->n_discards--;
  report_if_done (cancel);
}

/* A parent goes with the last of its children. */
static void
leave_parent (DrayManager *self, DrayRequest *request, DrayCatalogChange *change)
{
  g_autoptr (DrayRequest) parent = request->parent != NULL ? g_object_ref (request->parent) : NULL;

  if (parent == NULL)
    return;

  dray_request_remove_child (parent, request);
  if (parent->children->len > 0)
    {
      dray_manager_complete_parent (self, parent);
      dray_manager_update_parent (self, parent);
      return;
    }

  parent->fate = DRAY_FATE_RUN;
  if (dray_request_is_running (parent))
    dray_manager_settle (self, parent, DRAY_REQUEST_PAUSED, NULL);
  dray_request_set_state (parent, DRAY_REQUEST_DISCARDED);
  dray_manager_forget_request (self, parent, change);
}

/* A listener may have run it again when it was paused. */
static void
stop_again (DrayManager *self, DrayRequest *request)
{
  if (!request->in_queue)
    return;

  dray_manager_dequeue (self, request);
  dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);
}

static void
discard_request (DrayCancel *cancel, DrayRequest *request)
{
  DrayManager *self = cancel->manager;
  DrayStoredAsset *asset = dray_engine_get_asset (&self->engine, request);
  DrayCatalogChange *change;

  request->fate = DRAY_FATE_RUN;
  stop_again (self, request);
  /* It may have completed while the cancel was on its way. */
  if (request->state == DRAY_REQUEST_COMPLETED || request->state == DRAY_REQUEST_DISCARDED)
    return;

  if (!dray_request_is_parent (request))
    cancel->n_cancelled++;
  dray_request_set_state (request, DRAY_REQUEST_DISCARDED);
  change = dray_catalog_change_new ();
  dray_manager_take_off_list (self, request);
  dray_catalog_change_delete_request (change, dray_request_get_id (request));
  leave_parent (self, request, change);
  if (asset != NULL && asset->record.state == DRAY_ASSET_FETCHING
      && !dray_manager_is_wanted (self, asset->record.id)
      && dray_manager_find_job (self, asset->record.id) == NULL)
    {
      cancel->n_discards++;
      dray_manager_discard_asset_async (self, asset, change, asset_discarded_cb, cancel);
    }
  else
    {
      dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                                dray_engine_report, NULL);
    }
}

/* Parents come after their children, so that a parent whose children all go, goes too. */
static void
discard_all (DrayCancel *cancel)
{
  cancel->n_discards++;
  for (guint i = 0; i < cancel->requests->len; i++)
    discard_request (cancel, g_ptr_array_index (cancel->requests, i));
  cancel->n_discards--;
}

static void
advance (DrayCancel *cancel)
{
  if (cancel->settled || cancel->pending->len > 0)
    return;

  cancel->settled = TRUE;
  if (cancel->clear_cache)
    discard_all (cancel);
  report_if_done (cancel);
}

/* Called when a request has settled, before anybody hears of it. One that completes or fails was not
 * cancelled. */
void
dray_manager_note_settled (DrayManager *self, DrayRequest *request, DrayRequestState state)
{
  for (guint i = 0; i < self->cancels->len; i++)
    {
      DrayCancel *cancel = g_ptr_array_index (self->cancels, i);

      if (g_ptr_array_remove (cancel->pending, request) && state == DRAY_REQUEST_PAUSED
          && !cancel->clear_cache && !dray_request_is_parent (request))
        cancel->n_cancelled++;
    }
}

/* Called when anything has ended that requests waited for. */
void
dray_manager_advance_cancels (DrayManager *self)
{
  g_autoptr (GPtrArray) cancels = g_ptr_array_copy (self->cancels, NULL, NULL);

  for (guint i = 0; i < cancels->len; i++)
    if (g_ptr_array_find (self->cancels, g_ptr_array_index (cancels, i), NULL))
      advance (g_ptr_array_index (cancels, i));
}

/* Whether all whom a job serves are to stop. */
static gboolean
is_deserted (DrayDownloadJob *job)
{
  GPtrArray *requests = dray_download_job_get_requests (job);

  for (guint i = 0; i < requests->len; i++)
    if (((DrayRequest *) g_ptr_array_index (requests, i))->fate == DRAY_FATE_RUN)
      return FALSE;

  return TRUE;
}

/* The transfer ends if it serves nobody else; else the request leaves it, and the bytes keep
 * moving for the others. One that neither waits nor is served, and a parent, settle with what they
 * wait for. */
static void
stop (DrayManager *self, DrayRequest *request)
{
  DrayDownloadJob *job = dray_manager_find_job (self, request->record->asset_id);
  DrayDelivery *delivery = dray_manager_find_delivery (self, request);
  gint64 downloaded;

  if (!dray_request_is_running (request) || request->fate == DRAY_FATE_RUN)
    return;

  if (request->in_queue)
    {
      dray_manager_dequeue (self, request);
      dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);
    }
  else if (dray_manager_stop_plan (self, request))
    {
      return;
    }
  else if (delivery != NULL && dray_delivery_is_running (delivery))
    {
      dray_delivery_cancel (delivery);
    }
  else if (delivery != NULL)
    {
      dray_manager_drop_delivery (self, delivery);
      dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);
    }
  else if (job != NULL && dray_download_job_serves (job, request))
    {
      if (is_deserted (job))
        dray_download_job_cancel (job);
      if (!dray_download_job_accepts (job))
        return;
      downloaded = dray_download_job_get_downloaded (job);
      dray_download_job_remove (job, request);
      g_object_freeze_notify (G_OBJECT (request));
      dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);
      if (!dray_request_is_running (request))
        dray_request_set_downloaded (request, downloaded);
      g_object_thaw_notify (G_OBJECT (request));
    }
}

/* A parent settles with its children, unless one of them is asked to run again meanwhile. */
static gboolean
has_running_child (DrayRequest *request)
{
  for (guint i = 0; i < request->children->len; i++)
    if (dray_request_is_running (g_ptr_array_index (request->children, i)))
      return TRUE;

  return FALSE;
}

static void
begin_cancel (DrayManager *self, GPtrArray *requests, gboolean clear_cache, GTask *task)
{
  DrayCancel *cancel = g_new0 (DrayCancel, 1);

  cancel->manager = g_object_ref (self);
  cancel->task = task;
  cancel->requests = g_ptr_array_ref (requests);
  cancel->pending = g_ptr_array_new_with_free_func (g_object_unref);
  cancel->followers = g_ptr_array_new_with_free_func (g_object_unref);
  cancel->clear_cache = clear_cache;
  g_ptr_array_add (self->cancels, cancel);
  dray_manager_begin_operation (self);

  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (dray_request_is_running (request) && (clear_cache || !has_running_child (request)))
        g_ptr_array_add (cancel->pending, g_object_ref (request));
      if (clear_cache)
        request->fate = DRAY_FATE_DISCARD;
      else if (dray_request_is_running (request) && request->fate != DRAY_FATE_DISCARD)
        request->fate = DRAY_FATE_PAUSE;
    }
  for (guint i = 0; i < requests->len; i++)
    stop (self, g_ptr_array_index (requests, i));
  dray_manager_advance_cancels (self);
}

static void
add_request (GPtrArray *requests, DrayRequest *request, gboolean clear_cache)
{
  if (dray_request_is_running (request)
      || (clear_cache && request->state != DRAY_REQUEST_COMPLETED))
    g_ptr_array_add (requests, g_object_ref (request));
}

static DrayCancel *
find_same_cancel (DrayManager *self, const char *id, gboolean clear_cache)
{
  for (guint i = 0; i < self->cancels->len; i++)
    {
      DrayCancel *cancel = g_ptr_array_index (self->cancels, i);

      for (guint j = 0; j < cancel->requests->len; j++)
        {
          DrayRequest *request = g_ptr_array_index (cancel->requests, j);

          if (g_str_equal (dray_request_get_id (request), id)
              && (cancel->clear_cache || (!clear_cache && request->fate == DRAY_FATE_PAUSE)))
            return cancel;
        }
    }

  return NULL;
}

/**
 * dray_manager_cancel_async:
 * @self: an open manager
 * @id: the id of a request
 * @clear_cache: whether to discard the bytes as well
 * @callback: (scope async): called in the main thread when the cancel is complete
 * @user_data: for @callback
 *
 * Pauses a request, or discards it; with a parent, its children. An unknown id, a request that is
 * paused already and a completed one are no errors; nothing happens to them. A second call for what
 * is being cancelled reports when the first does.
 */
void
dray_manager_cancel_async (DrayManager *self,
                           const char *id,
                           gboolean clear_cache,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GPtrArray) requests = g_ptr_array_new_with_free_func (g_object_unref);
  DrayRequest *request;
  DrayCancel *same;
  GTask *task;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_cancel_async);
  same = find_same_cancel (self, id, clear_cache);
  if (same != NULL)
    {
      g_ptr_array_add (same->followers, task);
      return;
    }

  request = dray_manager_find_request (self, id);
  for (guint i = 0; request != NULL && i < request->children->len; i++)
    add_request (requests, g_ptr_array_index (request->children, i), clear_cache);
  if (request != NULL)
    add_request (requests, request, clear_cache);
  begin_cancel (self, requests, clear_cache, task);
}

static gboolean
goes_by (DrayManager *self, const char *model_id, const char *name)
{
  GHashTable *models = g_hash_table_lookup (self->model_aliases, name);

  return g_str_equal (model_id, name)
         || (models != NULL && g_hash_table_contains (models, model_id));
}

/* Whether a request is on the model that somebody means by @name, which may be its id, another id
 * that it goes by, or a source of either, which @parsed is the id of. */
static gboolean
is_on_model (DrayManager *self, DrayRequest *request, const char *name, const char *parsed)
{
  const char *model_id = dray_request_get_model_id (request);

  return goes_by (self, model_id, name) || (parsed != NULL && goes_by (self, model_id, parsed));
}

/**
 * dray_manager_cancel_model_async:
 * @self: an open manager
 * @model_id: a model id, another id that the model goes by, or a source of the model
 * @callback: (scope async): called in the main thread when the sweep is complete
 * @user_data: for @callback
 *
 * Pauses every request in flight on a model.
 */
void
dray_manager_cancel_model_async (DrayManager *self,
                                 const char *model_id,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GPtrArray) requests = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (DrayReference) reference = dray_reference_parse (model_id, NULL);
  const char *parsed = reference != NULL ? reference->model_id : NULL;
  GTask *task;
  guint n_requests;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_cancel_model_async);
  n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));
  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (is_on_model (self, request, model_id, parsed))
        add_request (requests, request, FALSE);
    }
  begin_cancel (self, requests, FALSE, task);
}

/**
 * dray_manager_cancel_finish:
 * @self: a manager
 * @result: as given to the callback
 *
 * Returns: how many requests were paused or discarded; a parent is not counted beside its children
 */
guint
dray_manager_cancel_finish (DrayManager *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), 0);

  return (guint) g_task_propagate_int (G_TASK (result), NULL);
}

/**
 * dray_manager_cancel_model_finish:
 * @self: a manager
 * @result: as given to the callback
 *
 * Returns: how many requests were paused; a parent is not counted beside its children
 */
guint
dray_manager_cancel_model_finish (DrayManager *self, GAsyncResult *result)
{
  return dray_manager_cancel_finish (self, result);
}

static void
removed_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  g_autoptr (DrayManager) self = g_object_ref (g_task_get_source_object (task));
  GError *error = NULL;

  if (dray_catalog_write_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  dray_manager_end_operation (self);
}

/**
 * dray_manager_remove_async:
 * @self: an open manager
 * @id: the id of a request
 * @callback: called in the main thread when the row is gone
 * @user_data: for @callback
 *
 * Forgets a request that does not run, with its children, and a parent with the last of them. Files
 * stay, finished or partial.
 */
void
dray_manager_remove_async (DrayManager *self,
                           const char *id,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  DrayRequest *request;
  DrayCatalogChange *change;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_remove_async);
  request = dray_manager_find_request (self, id);
  if (request == NULL)
    {
      g_task_return_new_error (task, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "No download has the id %s",
                               id);
      return;
    }
  if (dray_request_is_running (request))
    {
      g_task_return_new_error (task, DRAY_ERROR, DRAY_ERROR_BUSY,
                               "The download %s is running; pause it first", id);
      return;
    }

  change = dray_catalog_change_new ();
  dray_manager_forget_request (self, request, change);
  dray_manager_begin_operation (self);
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS, removed_cb,
                            g_steal_pointer (&task));
}

/**
 * dray_manager_remove_finish:
 * @self: a manager
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND for an unknown id, %DRAY_ERROR_BUSY for a request that runs.
 *
 * Returns: whether the row is gone
 */
gboolean
dray_manager_remove_finish (DrayManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
