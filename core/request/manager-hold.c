/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Holding everything, and the order of those who wait. */

#include "core/request/manager-private.h"

#include "core/base/error.h"

static gboolean
is_still (DrayManager *self)
{
  if (self->plans->len > 0 || self->jobs->len > 0)
    return FALSE;

  for (guint i = 0; i < self->deliveries->len; i++)
    if (dray_delivery_is_running (g_ptr_array_index (self->deliveries, i)))
      return FALSE;

  return TRUE;
}

/* Called when anything has ended that moved bytes. */
void
dray_manager_report_holds (DrayManager *self)
{
  g_autoptr (GPtrArray) holds = NULL;

  if (self->holds->len == 0 || !is_still (self))
    return;

  holds = g_steal_pointer (&self->holds);
  self->holds = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < holds->len; i++)
    {
      g_task_return_boolean (g_ptr_array_index (holds, i), TRUE);
      dray_manager_end_operation (self);
    }
}

static void
set_held (DrayManager *self, gboolean held)
{
  self->held = held;
  dray_engine_put_setting (&self->engine, "held", held ? "1" : "0");
  g_object_notify (G_OBJECT (self), "held");
}

static void
stop_jobs (DrayManager *self)
{
  g_autoptr (GPtrArray) jobs = dray_engine_snapshot (self->jobs);

  for (guint i = 0; i < jobs->len; i++)
    {
      g_autoptr (GPtrArray) requests
          = dray_engine_snapshot (dray_download_job_get_requests (g_ptr_array_index (jobs, i)));

      dray_download_job_cancel (g_ptr_array_index (jobs, i));
      for (guint j = 0; j < requests->len; j++)
        if (dray_request_is_running (g_ptr_array_index (requests, j)))
          dray_request_set_held (g_ptr_array_index (requests, j));
    }
}

static void
stop_deliveries (DrayManager *self)
{
  g_autoptr (GPtrArray) deliveries = dray_engine_snapshot (self->deliveries);

  for (guint i = 0; i < deliveries->len; i++)
    {
      DrayDelivery *delivery = g_ptr_array_index (deliveries, i);

      if (dray_delivery_is_running (delivery))
        {
          dray_delivery_cancel (delivery);
          continue;
        }
      dray_manager_drop_delivery (self, delivery);
      dray_manager_enqueue (self, dray_delivery_get_request (delivery));
    }
}

/**
 * dray_manager_hold_async:
 * @self: an open manager
 * @callback: (scope async): called in the main thread when no bytes move any more
 * @user_data: for @callback
 *
 * Holds everything, across restarts too: no bytes move and no request settles until
 * dray_manager_release(). The requests stay running and wait, with the reason "held"; cancelling and
 * discarding works as ever.
 */
void
dray_manager_hold_async (DrayManager *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, dray_manager_hold_async);
  dray_manager_begin_operation (self);
  g_ptr_array_add (self->holds, g_steal_pointer (&task));
  if (!self->held)
    {
      set_held (self, TRUE);
      dray_manager_stop_plans (self);
      stop_jobs (self);
      stop_deliveries (self);
      dray_manager_pump_soon (self);
    }
  dray_manager_report_holds (self);
}

void
dray_manager_hold_finish (DrayManager *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));

  g_task_propagate_boolean (G_TASK (result), NULL);
}

/**
 * dray_manager_release:
 * @self: an open manager
 *
 * Lets everything go on that dray_manager_hold_async() holds.
 */
void
dray_manager_release (DrayManager *self)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->engine.catalog != NULL);

  if (!self->held)
    return;

  set_held (self, FALSE);
  dray_manager_pump_soon (self);
}

/**
 * dray_manager_get_held:
 * @self: a manager
 *
 * Returns: whether everything is held
 */
gboolean
dray_manager_get_held (DrayManager *self)
{
  g_return_val_if_fail (DRAY_IS_MANAGER (self), FALSE);

  return self->held;
}

/* Finds a request that waits in the queue. */
static DrayRequest *
find_queued (DrayManager *self, const char *id, GError **error)
{
  DrayRequest *request = dray_manager_find_request (self, id);

  if (request != NULL && request->in_queue)
    return request;

  g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "No download that waits has the id %s", id);
  return NULL;
}

/* Gives the places that the requests of the queue have to the same requests in their new order. */
static void
renumber (DrayManager *self, GPtrArray *order)
{
  DrayCatalogChange *change = dray_catalog_change_new ();
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < self->queue->len; i++)
    g_array_append_val (places,
                        ((DrayRequest *) g_ptr_array_index (self->queue, i))->record->position);
  for (guint i = 0; i < order->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (order, i);

      if (request->record->position == g_array_index (places, gint64, i))
        continue;
      request->record->position = g_array_index (places, gint64, i);
      dray_catalog_change_put_request (change, request->record);
    }
  dray_catalog_write_async (self->engine.catalog, change, DRAY_DURABILITY_PROCESS,
                            dray_engine_report, NULL);
}

/**
 * dray_manager_move:
 * @self: an open manager
 * @id: the id of a request that waits for its turn
 * @position: its new place among those that wait; 0 is the next. Beyond the last is the last
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND if no request with that id waits.
 *
 * Returns: whether it was moved
 */
gboolean
dray_manager_move (DrayManager *self, const char *id, guint position, GError **error)
{
  g_autoptr (GPtrArray) order = NULL;
  DrayRequest *request;
  gpointer moved;
  guint place;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), FALSE);

  if (!dray_manager_check_open (self, error))
    return FALSE;
  request = find_queued (self, id, error);
  if (request == NULL)
    return FALSE;

  order = dray_engine_snapshot (self->queue);
  g_ptr_array_find (order, request, &place);
  moved = g_ptr_array_steal_index (order, place);
  g_ptr_array_insert (order, (gint) MIN (position, order->len), moved);
  renumber (self, order);
  g_ptr_array_unref (self->queue);
  self->queue = g_steal_pointer (&order);
  dray_manager_pump_soon (self);

  return TRUE;
}

/**
 * dray_manager_start_now:
 * @self: an open manager
 * @id: the id of a request that waits for its turn
 * @error: return location for a #GError
 *
 * Starts it beyond the number of transfers that may run at once.
 *
 * Errors: %DRAY_ERROR_NOT_FOUND if no request with that id waits.
 *
 * Returns: whether it starts
 */
gboolean
dray_manager_start_now (DrayManager *self, const char *id, GError **error)
{
  DrayRequest *request;

  g_return_val_if_fail (DRAY_IS_MANAGER (self), FALSE);

  if (!dray_manager_check_open (self, error))
    return FALSE;
  request = find_queued (self, id, error);
  if (request == NULL)
    return FALSE;

  request->wishes.start_now = TRUE;
  dray_manager_pump_soon (self);
  return TRUE;
}
