/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/service-private.h"

#include "app/bus.h"
#include "app/service-request.h"

#include "core/base/error.h"

/* How long the bus is left alone for each request that has moved, in milliseconds: a thousand that
 * move must not drown it. Few are told of as often as the manager looks. */
#define REST_PER_REQUEST 2
#define REST_MIN 100

G_DEFINE_FINAL_TYPE (DrayService, dray_service, G_TYPE_OBJECT)

enum
{
  SIGNAL_WANTED,
  SIGNAL_CLOSE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
flush_cb (gpointer user_data)
{
  DrayService *self = DRAY_SERVICE (user_data);

  self->flush_source = 0;
  self->n_flushed = 0;
  for (guint i = 0; i < self->requests->len; i++)
    if (dray_service_request_flush (g_ptr_array_index (self->requests, i)))
      self->n_flushed++;

  return G_SOURCE_REMOVE;
}

static void
moved_cb (gpointer user_data)
{
  DrayService *self = DRAY_SERVICE (user_data);
  guint rest = self->n_flushed * REST_PER_REQUEST;

  if (self->flush_source == 0)
    self->flush_source = g_timeout_add (rest > REST_MIN ? rest : 0, flush_cb, self);
}

static void
requests_changed_cb (
    GListModel *list, guint position, guint removed, guint added, DrayService *self)
{
  if (removed > 0)
    g_ptr_array_remove_range (self->requests, position, removed);
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (list, i);

      g_ptr_array_insert (self->requests, (int) i,
                          dray_service_request_new (request, self->objects, moved_cb, self));
    }
}

static void
report_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  G_GNUC_UNUSED g_autoptr (DrayService) self = DRAY_SERVICE (user_data);

  dray_manager_cancel_finish (DRAY_MANAGER (source), result);
}

static void
left_cb (const char *id, gpointer user_data)
{
  DrayService *self = DRAY_SERVICE (user_data);

  if (self->manager != NULL && !self->closing)
    dray_manager_cancel_async (self->manager, id, FALSE, report_cb, g_object_ref (self));
}

static void
held_changed_cb (DrayManager *manager, G_GNUC_UNUSED GParamSpec *pspec, DrayService *self)
{
  dray_bus_manager1_set_held (self->skeleton, dray_manager_get_held (manager));
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
}

static void
rate_limit_changed_cb (DrayManager *manager, G_GNUC_UNUSED GParamSpec *pspec, DrayService *self)
{
  guint64 rate_limit;

  g_object_get (manager, "rate-limit", &rate_limit, NULL);
  dray_bus_manager1_set_rate_limit (self->skeleton, rate_limit);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
}

static void
detach (DrayService *self)
{
  g_clear_handle_id (&self->flush_source, g_source_remove);
  if (self->manager == NULL)
    return;

  g_signal_handlers_disconnect_by_data (self->manager, self);
  g_signal_handlers_disconnect_by_data (dray_manager_get_requests (self->manager), self);
  g_ptr_array_set_size (self->requests, 0);
  g_clear_object (&self->manager);
}

static void
dray_service_dispose (GObject *object)
{
  DrayService *self = DRAY_SERVICE (object);

  dray_service_end (self);

  G_OBJECT_CLASS (dray_service_parent_class)->dispose (object);
}

static void
dray_service_finalize (GObject *object)
{
  DrayService *self = DRAY_SERVICE (object);

  g_ptr_array_unref (self->requests);
  g_ptr_array_unref (self->waiting);
  g_ptr_array_unref (self->closings);
  g_clear_pointer (&self->callers, dray_service_callers_free);
  g_clear_object (&self->objects);
  g_clear_object (&self->skeleton);
  g_clear_object (&self->connection);
  g_free (self->path);

  G_OBJECT_CLASS (dray_service_parent_class)->finalize (object);
}

static void
dray_service_class_init (DrayServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = dray_service_dispose;
  object_class->finalize = dray_service_finalize;

  /**
   * DrayService::wanted:
   *
   * A call has come, and there is no manager.
   */
  signals[SIGNAL_WANTED] = g_signal_new ("wanted", DRAY_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 0);

  /**
   * DrayService::close:
   *
   * Somebody asks that the manager be closed; dray_service_end() answers.
   */
  signals[SIGNAL_CLOSE] = g_signal_new ("close", DRAY_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 0);
}

static void
dray_service_init (DrayService *self)
{
  self->requests = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_service_request_free);
  self->waiting = g_ptr_array_new ();
  self->closings = g_ptr_array_new ();
}

/**
 * dray_service_new:
 * @connection: the session bus
 * @path: where the manager is to be
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): a service that is on the bus, without a manager
 */
DrayService *
dray_service_new (GDBusConnection *connection, const char *path, GError **error)
{
  g_autoptr (DrayService) self = g_object_new (DRAY_TYPE_SERVICE, NULL);

  dray_bus_register_errors ();
  self->connection = g_object_ref (connection);
  self->path = g_strdup (path);
  self->callers = dray_service_callers_new (connection, left_cb, self);
  self->skeleton = dray_bus_manager1_skeleton_new ();
  self->objects = g_dbus_object_manager_server_new (path);
  dray_service_connect_calls (self);
  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), connection,
                                         path, error))
    return NULL;

  g_dbus_object_manager_server_set_connection (self->objects, connection);
  return g_steal_pointer (&self);
}

/**
 * dray_service_set_manager:
 * @self: a service
 * @manager: (nullable): an open manager; %NULL when it is about to be closed for another one
 *
 * Shows the manager's requests, and answers the calls that have waited for it.
 */
void
dray_service_set_manager (DrayService *self, DrayManager *manager)
{
  g_autoptr (GPtrArray) waiting = NULL;
  GListModel *requests;

  g_return_if_fail (DRAY_IS_SERVICE (self));
  g_return_if_fail (self->manager == NULL || manager == NULL);

  detach (self);
  if (manager == NULL)
    return;

  self->manager = g_object_ref (manager);
  requests = dray_manager_get_requests (manager);
  requests_changed_cb (requests, 0, 0, g_list_model_get_n_items (requests), self);
  g_signal_connect (requests, "items-changed", G_CALLBACK (requests_changed_cb), self);

  g_signal_connect (manager, "notify::held", G_CALLBACK (held_changed_cb), self);
  if (self->is_held_asked)
    dray_service_apply_held (self);
  else
    held_changed_cb (manager, NULL, self);
  g_signal_connect (manager, "notify::rate-limit", G_CALLBACK (rate_limit_changed_cb), self);
  if (self->is_rate_asked)
    dray_service_apply_rate_limit (self);
  else
    rate_limit_changed_cb (manager, NULL, self);

  waiting = g_steal_pointer (&self->waiting);
  self->waiting = g_ptr_array_new ();
  for (guint i = 0; i < waiting->len; i++)
    dray_service_answer (self, g_ptr_array_index (waiting, i));
}

/**
 * dray_service_get_last_use:
 * @self: a service
 *
 * Returns: when the last call came, in microseconds of the monotonic clock
 */
gint64
dray_service_get_last_use (DrayService *self)
{
  g_return_val_if_fail (DRAY_IS_SERVICE (self), 0);

  return self->last_use;
}

/**
 * dray_service_fail:
 * @self: a service without a manager
 * @error: why there is none
 *
 * Answers the calls that have waited for one.
 */
void
dray_service_fail (DrayService *self, const GError *error)
{
  g_autoptr (GPtrArray) waiting = NULL;

  g_return_if_fail (DRAY_IS_SERVICE (self));

  waiting = g_steal_pointer (&self->waiting);
  self->waiting = g_ptr_array_new ();
  for (guint i = 0; i < waiting->len; i++)
    g_dbus_method_invocation_return_gerror (g_ptr_array_index (waiting, i), error);
}

/**
 * dray_service_begin_closing:
 * @self: a service whose manager is about to be closed
 *
 * Tells the callers so, before they see their requests paused.
 */
void
dray_service_begin_closing (DrayService *self)
{
  g_autoptr (GError) error =
      g_error_new_literal (DRAY_ERROR, DRAY_ERROR_CANCELLED, "Dray is closing");

  g_return_if_fail (DRAY_IS_SERVICE (self));

  self->closing = TRUE;
  dray_bus_manager1_set_closing (self->skeleton, TRUE);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  dray_service_fail (self, error);
}

/**
 * dray_service_end:
 * @self: a service whose manager is closed
 *
 * Takes everything off the bus and answers those who asked for the end.
 */
void
dray_service_end (DrayService *self)
{
  g_return_if_fail (DRAY_IS_SERVICE (self));

  self->closing = TRUE;
  detach (self);
  if (self->objects != NULL)
    g_dbus_object_manager_server_set_connection (self->objects, NULL);
  if (self->skeleton != NULL
      && g_dbus_interface_skeleton_get_connection (G_DBUS_INTERFACE_SKELETON (self->skeleton)))
    g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));

  for (guint i = 0; i < self->closings->len; i++)
    g_dbus_method_invocation_return_value (g_ptr_array_index (self->closings, i), NULL);
  g_ptr_array_set_size (self->closings, 0);
  if (self->connection != NULL)
    g_dbus_connection_flush_sync (self->connection, NULL, NULL);
}
