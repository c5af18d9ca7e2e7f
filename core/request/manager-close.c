/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Closing: everything is paused, and what is under way may end first. */

#include "core/request/manager-private.h"

/* Everything that runs is to pause. */
static void
stop_everything (DrayManager *self)
{
  g_autoptr (GPtrArray) deliveries = dray_engine_snapshot (self->deliveries);
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (dray_request_is_running (request) && request->fate != DRAY_FATE_DISCARD)
        request->fate = DRAY_FATE_PAUSE;
    }
  dray_manager_stop_plans (self);
  for (guint i = 0; i < self->jobs->len; i++)
    dray_download_job_cancel (g_ptr_array_index (self->jobs, i));
  for (guint i = 0; i < deliveries->len; i++)
    {
      DrayDelivery *delivery = g_ptr_array_index (deliveries, i);

      if (dray_delivery_is_running (delivery))
        dray_delivery_cancel (delivery);
      else
        dray_manager_drop_delivery (self, delivery);
    }
}

/* What nothing serves any more, children before their parents. */
static void
settle_the_rest (DrayManager *self)
{
  g_autoptr (GPtrArray) running = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_requests = g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests));

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (dray_request_is_running (request))
        g_ptr_array_insert (running, dray_request_is_parent (request) ? -1 : 0,
                            g_object_ref (request));
    }

  for (guint i = 0; i < running->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (running, i);

      if (request->in_queue)
        dray_manager_dequeue (self, request);
      if (dray_request_is_running (request))
        dray_manager_settle (self, request, DRAY_REQUEST_PAUSED, NULL);
    }
}

void
dray_manager_close_if_idle (DrayManager *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->closing == NULL || self->plans->len > 0 || self->jobs->len > 0
      || self->deliveries->len > 0 || self->n_operations > 0)
    return;

  /* Those who listen may begin something that must end first. */
  dray_manager_begin_operation (self);
  settle_the_rest (self);
  dray_manager_advance_cancels (self);
  self->n_operations--;
  if (self->n_operations > 0)
    return;

  task = g_steal_pointer (&self->closing);
  g_clear_handle_id (&self->sample_source, g_source_remove);
  g_clear_handle_id (&self->pump_source, g_source_remove);
  g_clear_handle_id (&self->space_source, g_source_remove);
  g_clear_pointer (&self->engine.catalog, dray_catalog_free);
  g_task_return_boolean (task, TRUE);
}

/**
 * dray_manager_close_async:
 * @self: an open manager
 * @callback: called in the main thread when the catalog is closed
 * @user_data: for @callback
 *
 * Pauses every request that runs, as a sweep does; partial files stay.
 */
void
dray_manager_close_async (DrayManager *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (DRAY_IS_MANAGER (self));
  g_return_if_fail (self->closing == NULL);

  self->closing = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->closing, dray_manager_close_async);
  stop_everything (self);
  dray_manager_close_if_idle (self);
}

void
dray_manager_close_finish (DrayManager *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));

  g_task_propagate_boolean (G_TASK (result), NULL);
}

/* What must end before the manager may close. */
void
dray_manager_begin_operation (DrayManager *self)
{
  self->n_operations++;
}

void
dray_manager_end_operation (DrayManager *self)
{
  self->n_operations--;
  dray_manager_close_if_idle (self);
}
