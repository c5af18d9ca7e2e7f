/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A door to a manager in this process, which other processes may reach over the bus. */

#include "app/bus.h"
#include "app/commands.h"
#include "app/door.h"
#include "app/service.h"
#include "app/settings.h"

#include "core/base/error.h"
#include "dray-config.h"

struct _DrayDoorLocal
{
  DrayDoor parent_instance;

  DrayManager *manager;
  GDBusConnection *connection; /* NULL unless others may reach the manager */
  DrayService *service;        /* the same */
};

#define DRAY_TYPE_DOOR_LOCAL (dray_door_local_get_type ())
G_DECLARE_FINAL_TYPE (DrayDoorLocal, dray_door_local, DRAY, DOOR_LOCAL, DrayDoor)

G_DEFINE_FINAL_TYPE (DrayDoorLocal, dray_door_local, DRAY_TYPE_DOOR)

static void
arrived_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **arrived = user_data;

  *arrived = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **arrived)
{
  while (*arrived == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *arrived;
}

static GPtrArray *
dray_door_local_list (DrayDoor *door, G_GNUC_UNUSED GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);
  GListModel *requests = dray_manager_get_requests (self->manager);
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (requests); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (requests, i);

      g_ptr_array_add (rows, dray_row_new_for_request (request));
    }

  return rows;
}

static DrayRow *
dray_door_local_ask (
    DrayDoor *door, const char *source, gboolean load, DrayDownloadOptions *options, GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);
  DrayRequest *request;

  request = load ? dray_manager_load_model (self->manager, source, options, error)
                 : dray_manager_download_asset (self->manager, source, options, error);
  return request != NULL ? dray_row_new_for_request (request) : NULL;
}

static gboolean
dray_door_local_follow (DrayDoor *door, DrayRow *row, GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);
  const char *id = dray_row_read (row)->id;
  DrayRequest *request = dray_manager_find_request (self->manager, id);

  if (request == NULL)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "No download has the id %s", id);
      return FALSE;
    }

  dray_row_follow_request (row, request);
  return TRUE;
}

static gboolean
dray_door_local_resume (DrayDoor *door, DrayRow *row, gboolean restart_changed, GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);

  return dray_manager_resume (self->manager, dray_row_read (row)->id, restart_changed, error)
         && dray_door_local_follow (door, row, error);
}

static gboolean
dray_door_local_cancel (DrayDoor *door,
                        const char *id,
                        gboolean clear_cache,
                        G_GNUC_UNUSED GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_cancel_async (self->manager, id, clear_cache, arrived_cb, &result);
  dray_manager_cancel_finish (self->manager, wait_for (&result));
  return TRUE;
}

static gboolean
dray_door_local_cancel_model (DrayDoor *door,
                              const char *model,
                              guint *n_cancelled,
                              G_GNUC_UNUSED GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_cancel_model_async (self->manager, model, arrived_cb, &result);
  *n_cancelled = dray_manager_cancel_model_finish (self->manager, wait_for (&result));
  return TRUE;
}

static gboolean
dray_door_local_remove (DrayDoor *door, const char *id, GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_remove_async (self->manager, id, arrived_cb, &result);
  return dray_manager_remove_finish (self->manager, wait_for (&result), error);
}

static gboolean
dray_door_local_hold (DrayDoor *door, gboolean held, G_GNUC_UNUSED GError **error)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);
  g_autoptr (GAsyncResult) result = NULL;

  if (!held)
    {
      dray_manager_release (self->manager);
      return TRUE;
    }

  dray_manager_hold_async (self->manager, arrived_cb, &result);
  dray_manager_hold_finish (self->manager, wait_for (&result));
  return TRUE;
}

static void
close_manager (DrayDoorLocal *self)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (self->manager == NULL)
    return;

  if (self->service != NULL)
    dray_service_begin_closing (self->service);
  dray_manager_close_async (self->manager, arrived_cb, &result);
  dray_manager_close_finish (self->manager, wait_for (&result));
  g_clear_object (&self->manager);
}

/* The name goes before the answer: whoever waited for the answer finds nobody under it. */
static void
leave_bus (DrayDoorLocal *self)
{
  g_autofree char *name = dray_bus_get_engine_name ();
  g_autoptr (GVariant) reply = NULL;

  if (self->service == NULL)
    return;

  reply = g_dbus_connection_call_sync (
      self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "ReleaseName", g_variant_new ("(s)", name), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  dray_service_end (self->service);
  g_clear_object (&self->service);
}

static void
dray_door_local_leave (DrayDoor *door, G_GNUC_UNUSED GPtrArray *rows)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (door);

  close_manager (self);
  leave_bus (self);
}

static void
dray_door_local_dispose (GObject *object)
{
  DrayDoorLocal *self = DRAY_DOOR_LOCAL (object);

  dray_door_local_leave (DRAY_DOOR (self), NULL);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (dray_door_local_parent_class)->dispose (object);
}

static void
dray_door_local_class_init (DrayDoorLocalClass *klass)
{
  DrayDoorClass *door_class = DRAY_DOOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dray_door_local_dispose;
  door_class->list = dray_door_local_list;
  door_class->ask = dray_door_local_ask;
  door_class->follow = dray_door_local_follow;
  door_class->resume = dray_door_local_resume;
  door_class->cancel = dray_door_local_cancel;
  door_class->cancel_model = dray_door_local_cancel_model;
  door_class->remove = dray_door_local_remove;
  door_class->hold = dray_door_local_hold;
  door_class->leave = dray_door_local_leave;
}

static void
dray_door_local_init (G_GNUC_UNUSED DrayDoorLocal *self)
{
}

/* A window that is there will have the catalog; without one, somebody wanted an end. */
static void
close_cb (G_GNUC_UNUSED DrayService *service, DrayDoorLocal *self)
{
  dray_door_tell_fate (DRAY_DOOR (self), dray_bus_has_owner (self->connection, DRAY_APPLICATION_ID)
                                             ? DRAY_DOOR_HANDED_OVER
                                             : DRAY_DOOR_CLOSED);
}

/* Without a place on the bus the command does its own work all the same. */
static void
join_bus (DrayDoorLocal *self, GDBusConnection *connection)
{
  g_autofree char *path = dray_bus_get_path ();
  g_autofree char *name = dray_bus_get_engine_name ();
  g_autoptr (GVariant) reply = NULL;

  self->service = dray_service_new (connection, path, NULL);
  if (self->service == NULL)
    return;

  self->connection = g_object_ref (connection);
  g_signal_connect (self->service, "close", G_CALLBACK (close_cb), self);
  dray_service_set_manager (self->service, self->manager);
  reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", name, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
}

/**
 * dray_door_local_open:
 * @connection: (nullable): the bus that the manager is to be put on
 * @error: return location for a #GError
 *
 * Errors: those of dray_manager_open_finish().
 *
 * Returns: (transfer full) (nullable): a door to a manager on the person's catalog
 */
DrayDoor *
dray_door_local_open (GDBusConnection *connection, GError **error)
{
  g_autofree char *path = dray_command_get_catalog_path ();
  g_autoptr (GSettings) settings = dray_settings_open ();
  g_autofree char *root = dray_settings_dup_library (settings);
  g_autoptr (DrayManager) manager = dray_manager_new (path, root);
  g_autoptr (GAsyncResult) result = NULL;
  DrayDoorLocal *self;

  dray_settings_set_up_manager (settings, manager, FALSE);
  dray_manager_open_async (manager, arrived_cb, &result);
  if (!dray_manager_open_finish (manager, wait_for (&result), error))
    return NULL;

  self = g_object_new (DRAY_TYPE_DOOR_LOCAL, NULL);
  self->manager = g_steal_pointer (&manager);
  if (connection != NULL)
    join_bus (self, connection);

  return DRAY_DOOR (self);
}
