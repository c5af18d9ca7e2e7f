/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/bus.h"

#include "core/base/error.h"
#include "dray-config.h"

#define ERROR_PREFIX "org.dray.Dray.Error."

/* How long the bus may take to answer, in milliseconds. */
#define CONNECT_TIMEOUT 3000

/* "checksum-mismatch" becomes "ChecksumMismatch": the bus allows no hyphens. */
static char *
make_error_name (const char *name)
{
  GString *made = g_string_new (ERROR_PREFIX);
  gboolean is_first = TRUE;

  for (const char *p = name; *p != '\0'; p++)
    {
      if (*p != '-')
        g_string_append_c (made, is_first ? g_ascii_toupper (*p) : *p);
      is_first = *p == '-';
    }

  return g_string_free (made, FALSE);
}

/**
 * dray_bus_register_errors:
 *
 * From now on errors of %DRAY_ERROR cross the bus as themselves. Harmless more than once.
 */
void
dray_bus_register_errors (void)
{
  static gsize registered;

  if (!g_once_init_enter (&registered))
    return;

  for (DrayError code = 0; code < DRAY_N_ERRORS; code++)
    {
      g_autofree char *name = make_error_name (dray_error_get_name (code));

      g_dbus_error_register_error (DRAY_ERROR, (int) code, name);
    }
  g_once_init_leave (&registered, 1);
}

/**
 * dray_bus_get_path:
 *
 * Returns: (transfer full): where a manager is: the path that GApplication makes of its id
 */
char *
dray_bus_get_path (void)
{
  char *path = g_strconcat ("/", DRAY_APPLICATION_ID, NULL);

  g_strdelimit (path, ".", '/');
  return g_strdelimit (path, "-", '_');
}

/**
 * dray_bus_get_request_path:
 * @manager_path: where the manager is
 * @id: the id of a request
 *
 * Returns: (transfer full): where the request is
 */
char *
dray_bus_get_request_path (const char *manager_path, const char *id)
{
  g_autofree char *escaped = g_strdelimit (g_strdup (id), "-", '_');

  return g_strconcat (manager_path, "/requests/", escaped, NULL);
}

/**
 * dray_bus_get_engine_name:
 *
 * Returns: (transfer full): what a command owns that runs the engine
 */
char *
dray_bus_get_engine_name (void)
{
  return g_strdup (DRAY_APPLICATION_ID ".Engine");
}

/* GLib would start a bus where it finds none; a command that nobody sees must not. */
static gboolean
is_bus_named (void)
{
  g_autofree char *path = g_build_filename (g_get_user_runtime_dir (), "bus", NULL);

  return g_getenv ("DBUS_SESSION_BUS_ADDRESS") != NULL || g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
connected_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **arrived = user_data;

  *arrived = g_object_ref (result);
}

static gboolean
give_up_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_CONTINUE;
}

/**
 * dray_bus_connect:
 *
 * One that does not answer is not waited for long. The main loop runs meanwhile.
 *
 * Returns: (transfer full) (nullable): the session bus, if there is one
 */
GDBusConnection *
dray_bus_connect (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  GDBusConnection *connection;
  guint timeout;

  if (!is_bus_named ())
    return NULL;

  timeout = g_timeout_add (CONNECT_TIMEOUT, give_up_cb, cancellable);
  g_bus_get (G_BUS_TYPE_SESSION, cancellable, connected_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timeout);

  connection = g_bus_get_finish (result, NULL);
  if (connection != NULL)
    {
      dray_bus_register_errors ();
      g_dbus_connection_set_exit_on_close (connection, FALSE);
    }

  return connection;
}

/**
 * dray_bus_has_owner:
 * @connection: the session bus
 * @name: a name on it
 *
 * Returns: whether a process owns @name
 */
gboolean
dray_bus_has_owner (GDBusConnection *connection, const char *name)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "NameHasOwner", g_variant_new ("(s)", name), G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE,
      -1, NULL, NULL);
  gboolean has_owner = FALSE;

  if (reply != NULL)
    g_variant_get (reply, "(b)", &has_owner);

  return has_owner;
}
