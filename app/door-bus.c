/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A door to a manager in another process, over the session bus. */

#include "app/bus.h"
#include "app/door.h"

#include "core/base/error.h"

/* How often it is looked whether bytes still move, in microseconds. */
#define HOLD_INTERVAL 50000

struct _DrayDoorBus
{
  DrayDoor parent_instance;

  GDBusConnection *connection;
  char *path;
  char *owner;         /* the unique name of the process behind the door */
  gboolean is_closing; /* it has said that it ends */
  gboolean is_gone;
  guint watch;
  guint subscription;
};

#define DRAY_TYPE_DOOR_BUS (dray_door_bus_get_type ())
G_DECLARE_FINAL_TYPE (DrayDoorBus, dray_door_bus, DRAY, DOOR_BUS, DrayDoor)

G_DEFINE_FINAL_TYPE (DrayDoorBus, dray_door_bus, DRAY_TYPE_DOOR)

/* Words for a person, in our domain: what the bus says of a process that is gone says nothing. */
static void
strip (GError **error)
{
  if (error == NULL || *error == NULL)
    return;

  g_dbus_error_strip_remote_error (*error);
  if ((*error)->domain == DRAY_ERROR)
    return;

  g_prefix_error (error, "Dray's other process gave no answer: ");
  (*error)->domain = DRAY_ERROR;
  (*error)->code = DRAY_ERROR_CANCELLED;
}

static GVariant *
call_interface (DrayDoorBus *self,
                const char *interface,
                const char *method,
                GVariant *parameters,
                const char *reply_type,
                GError **error)
{
  GVariant *reply = g_dbus_connection_call_sync (
      self->connection, self->owner, self->path, interface, method, parameters,
      G_VARIANT_TYPE (reply_type), G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL, error);

  strip (error);
  return reply;
}

static GVariant *
call (DrayDoorBus *self,
      const char *method,
      GVariant *parameters,
      const char *reply_type,
      GError **error)
{
  return call_interface (self, DRAY_BUS_MANAGER_INTERFACE, method, parameters, reply_type, error);
}

static gboolean
call_for_nothing (DrayDoorBus *self, const char *method, GVariant *parameters, GError **error)
{
  g_autoptr (GVariant) reply = call (self, method, parameters, "()", error);

  return reply != NULL;
}

static GPtrArray *
dray_door_bus_list (DrayDoor *door, GError **error)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (door);
  g_autoptr (GVariant) reply = call_interface (self, "org.freedesktop.DBus.ObjectManager",
                                               "GetManagedObjects", NULL, "(a{oa{sa{sv}}})", error);
  g_autoptr (GVariant) objects = NULL;
  GPtrArray *rows;
  GVariantIter iter;
  GVariant *boxed;

  if (reply == NULL)
    return NULL;

  rows = g_ptr_array_new_with_free_func (g_object_unref);
  objects = g_variant_get_child_value (reply, 0);
  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_next (&iter, "{o@a{sa{sv}}}", NULL, &boxed))
    {
      g_autoptr (GVariant) interfaces = boxed;
      g_autoptr (GVariant) properties =
          g_variant_lookup_value (interfaces, DRAY_BUS_REQUEST_INTERFACE, G_VARIANT_TYPE_VARDICT);

      if (properties != NULL)
        g_ptr_array_add (rows, dray_row_new_for_properties (properties));
    }

  /* The bus keeps no order. */
  g_ptr_array_sort (rows, dray_row_compare);

  return rows;
}

static GVariant *
pack_options (DrayDownloadOptions *options)
{
  GVariantBuilder builder;
  const struct
  {
    const char *name;
    const char *value;
  } texts[] = {
    { "caller", dray_download_options_get_caller (options) },
    { "directory", dray_download_options_get_directory (options) },
    { "sha256", dray_download_options_get_sha256 (options) },
    { "token", dray_download_options_get_token (options) },
  };

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i].value != NULL)
      g_variant_builder_add (&builder, "{sv}", texts[i].name,
                             g_variant_new_string (texts[i].value));
  g_variant_builder_add (
      &builder, "{sv}", "limit-rate",
      g_variant_new_uint64 ((guint64) dray_download_options_get_rate_limit (options)));
  if (dray_download_options_get_connections (options) > 0)
    g_variant_builder_add (
        &builder, "{sv}", "connections",
        g_variant_new_uint32 (dray_download_options_get_connections (options)));
  g_variant_builder_add (
      &builder, "{sv}", "restart-changed",
      g_variant_new_boolean (dray_download_options_get_restart_changed (options)));

  return g_variant_builder_end (&builder);
}

static gboolean
follow (DrayDoorBus *self, DrayRow *row, const char *id, GError **error)
{
  g_autofree char *path = dray_bus_get_request_path (self->path, id);
  gboolean followed = dray_row_follow_bus (row, self->connection, self->owner, path, error);

  strip (error);
  return followed;
}

static gboolean
dray_door_bus_follow (DrayDoor *door, DrayRow *row, GError **error)
{
  g_autofree char *id = g_strdup (dray_row_read (row)->id);

  return follow (DRAY_DOOR_BUS (door), row, id, error);
}

static DrayRow *
dray_door_bus_ask (
    DrayDoor *door, const char *source, gboolean load, DrayDownloadOptions *options, GError **error)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (door);
  g_autoptr (DrayRow) row = g_object_new (DRAY_TYPE_ROW, NULL);
  g_autoptr (GVariant) reply =
      call (self, load ? "LoadModel" : "DownloadAsset",
            g_variant_new ("(s@a{sv})", source, pack_options (options)), "(s)", error);
  const char *id;

  if (reply == NULL)
    return NULL;

  g_variant_get (reply, "(&s)", &id);
  return follow (self, row, id, error) ? g_steal_pointer (&row) : NULL;
}

static gboolean
dray_door_bus_resume (DrayDoor *door, DrayRow *row, gboolean restart_changed, GError **error)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (door);
  g_autofree char *id = g_strdup (dray_row_read (row)->id);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "restart-changed",
                         g_variant_new_boolean (restart_changed));

  return call_for_nothing (self, "ResumeWith", g_variant_new ("(sa{sv})", id, &builder), error)
         && dray_door_bus_follow (door, row, error);
}

static gboolean
dray_door_bus_cancel (DrayDoor *door, const char *id, gboolean clear_cache, GError **error)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (door);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "clear-cache", g_variant_new_boolean (clear_cache));

  return call_for_nothing (self, "Cancel", g_variant_new ("(sa{sv})", id, &builder), error);
}

static gboolean
dray_door_bus_cancel_model (DrayDoor *door, const char *model, guint *n_cancelled, GError **error)
{
  g_autoptr (GVariant) reply =
      call (DRAY_DOOR_BUS (door), "CancelModel", g_variant_new ("(s)", model), "(u)", error);

  if (reply != NULL)
    g_variant_get (reply, "(u)", n_cancelled);

  return reply != NULL;
}

static gboolean
dray_door_bus_remove (DrayDoor *door, const char *id, GError **error)
{
  return call_for_nothing (DRAY_DOOR_BUS (door), "Remove", g_variant_new ("(s)", id), error);
}

static gboolean
does_any_move (GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      DrayRequestState state = dray_row_read (g_ptr_array_index (rows, i))->state;

      if (dray_request_state_is_running (state) && state != DRAY_REQUEST_WAITING
          && state != DRAY_REQUEST_QUEUED)
        return TRUE;
    }

  return FALSE;
}

/* The property is set at once; the bytes in flight take a moment to arrive. */
static gboolean
dray_door_bus_hold (DrayDoor *door, gboolean held, GError **error)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (door);
  g_autoptr (GVariant) reply = call_interface (
      self, "org.freedesktop.DBus.Properties", "Set",
      g_variant_new ("(ssv)", DRAY_BUS_MANAGER_INTERFACE, "Held", g_variant_new_boolean (held)),
      "()", error);

  if (reply == NULL)
    return FALSE;

  while (held)
    {
      g_autoptr (GPtrArray) rows = dray_door_bus_list (door, error);

      if (rows == NULL)
        return FALSE;
      if (!does_any_move (rows))
        return TRUE;
      g_usleep (HOLD_INTERVAL);
    }

  return TRUE;
}

static void
forget_owner (DrayDoorBus *self)
{
  if (self->watch != 0)
    g_bus_unwatch_name (self->watch);
  if (self->subscription != 0)
    g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
  self->watch = 0;
  self->subscription = 0;
}

static void
left_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  G_GNUC_UNUSED g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  guint *n_waiting = user_data;

  (*n_waiting)--;
}

/* The main loop runs meanwhile: a second signal must find us, and the rows' last words come first.
 * A process that ends is waited for, so that the catalog is free and no word of it comes late. */
static void
dray_door_bus_leave (DrayDoor *door, GPtrArray *rows)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (door);
  guint n_waiting = rows->len;

  while (self->is_closing && !self->is_gone)
    g_main_context_iteration (NULL, TRUE);
  forget_owner (self);
  for (guint i = 0; i < rows->len; i++)
    g_dbus_connection_call (
        self->connection, self->owner, self->path, DRAY_BUS_MANAGER_INTERFACE, "Cancel",
        g_variant_new ("(sa{sv})", dray_row_read (g_ptr_array_index (rows, i))->id, NULL), NULL,
        G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL, left_cb, &n_waiting);
  while (n_waiting > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
dray_door_bus_dispose (GObject *object)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (object);

  forget_owner (self);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (dray_door_bus_parent_class)->dispose (object);
}

static void
dray_door_bus_finalize (GObject *object)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (object);

  g_free (self->path);
  g_free (self->owner);

  G_OBJECT_CLASS (dray_door_bus_parent_class)->finalize (object);
}

static void
dray_door_bus_class_init (DrayDoorBusClass *klass)
{
  DrayDoorClass *door_class = DRAY_DOOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dray_door_bus_dispose;
  G_OBJECT_CLASS (klass)->finalize = dray_door_bus_finalize;
  door_class->list = dray_door_bus_list;
  door_class->ask = dray_door_bus_ask;
  door_class->follow = dray_door_bus_follow;
  door_class->resume = dray_door_bus_resume;
  door_class->cancel = dray_door_bus_cancel;
  door_class->cancel_model = dray_door_bus_cancel_model;
  door_class->remove = dray_door_bus_remove;
  door_class->hold = dray_door_bus_hold;
  door_class->leave = dray_door_bus_leave;
}

static void
dray_door_bus_init (DrayDoorBus *self)
{
  self->path = dray_bus_get_path ();
}

/* A process that ends in order says so before it pauses what others have asked of it. */
static void
properties_changed_cb (G_GNUC_UNUSED GDBusConnection *connection,
                       G_GNUC_UNUSED const char *sender,
                       G_GNUC_UNUSED const char *path,
                       G_GNUC_UNUSED const char *interface,
                       G_GNUC_UNUSED const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (user_data);
  g_autoptr (GVariant) changed = NULL;
  gboolean is_closing = FALSE;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;

  g_variant_get (parameters, "(s@a{sv}as)", NULL, &changed, NULL);
  if (!g_variant_lookup (changed, "Closing", "b", &is_closing) || !is_closing || self->is_closing)
    return;

  self->is_closing = TRUE;
  dray_door_tell_fate (DRAY_DOOR (self), DRAY_DOOR_ENDED);
}

static void
vanished_cb (G_GNUC_UNUSED GDBusConnection *connection,
             G_GNUC_UNUSED const char *name,
             gpointer user_data)
{
  DrayDoorBus *self = DRAY_DOOR_BUS (user_data);

  self->is_gone = TRUE;
  if (!self->is_closing)
    dray_door_tell_fate (DRAY_DOOR (self), DRAY_DOOR_LOST);
}

static char *
find_owner (GDBusConnection *connection, const char *name, GError **error)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "GetNameOwner", g_variant_new ("(s)", name), G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NONE,
      -1, NULL, error);
  char *owner = NULL;

  if (reply != NULL)
    g_variant_get (reply, "(s)", &owner);

  return owner;
}

/**
 * dray_door_bus_open:
 * @connection: the session bus
 * @name: the name of the process that has the manager
 * @error: return location for a #GError
 *
 * Errors: those of dray_manager_open_finish(), and those of the bus.
 *
 * Returns: (transfer full) (nullable): a door to its manager, which is open
 */
DrayDoor *
dray_door_bus_open (GDBusConnection *connection, const char *name, GError **error)
{
  g_autoptr (DrayDoorBus) self = g_object_new (DRAY_TYPE_DOOR_BUS, NULL);

  self->connection = g_object_ref (connection);
  self->owner = find_owner (connection, name, error);
  if (self->owner == NULL)
    {
      strip (error);
      return NULL;
    }

  self->subscription = g_dbus_connection_signal_subscribe (
      connection, self->owner, "org.freedesktop.DBus.Properties", "PropertiesChanged", self->path,
      DRAY_BUS_MANAGER_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE, properties_changed_cb, self, NULL);
  self->watch = g_bus_watch_name_on_connection (connection, name, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                NULL, vanished_cb, self, NULL);
  if (!call_for_nothing (self, "Open", NULL, error))
    return NULL;

  return DRAY_DOOR (g_steal_pointer (&self));
}
