/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/service-callers.h"

struct _DrayServiceCallers
{
  GDBusConnection *connection;
  DrayServiceCallerLeft left;
  gpointer user_data;
  GHashTable *callers; /* of Caller, by unique name */
};

typedef struct
{
  DrayServiceCallers *callers;
  char *name;
  guint watch;
  GHashTable *ids;
} Caller;

static void
caller_free (Caller *caller)
{
  g_bus_unwatch_name (caller->watch);
  g_hash_table_unref (caller->ids);
  g_free (caller->name);
  g_free (caller);
}

static void
vanished_cb (G_GNUC_UNUSED GDBusConnection *connection, const char *name, gpointer user_data)
{
  Caller *caller = user_data;
  DrayServiceCallers *callers = caller->callers;
  g_autoptr (GHashTable) ids = g_hash_table_ref (caller->ids);
  GHashTableIter iter;
  gpointer id;

  g_hash_table_remove (callers->callers, name);

  g_hash_table_iter_init (&iter, ids);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    callers->left (id, callers->user_data);
}

/**
 * dray_service_callers_new:
 * @connection: the session bus
 * @left: called for each request whose caller has left the bus
 * @user_data: for @left
 *
 * Returns: (transfer full): a table of callers
 */
DrayServiceCallers *
dray_service_callers_new (GDBusConnection *connection,
                          DrayServiceCallerLeft left,
                          gpointer user_data)
{
  DrayServiceCallers *callers = g_new0 (DrayServiceCallers, 1);

  callers->connection = g_object_ref (connection);
  callers->left = left;
  callers->user_data = user_data;
  callers->callers =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) caller_free);

  return callers;
}

void
dray_service_callers_free (DrayServiceCallers *callers)
{
  g_hash_table_unref (callers->callers);
  g_object_unref (callers->connection);
  g_free (callers);
}

/**
 * dray_service_callers_add:
 * @callers: a table of callers
 * @name: the unique name of a caller; one that has left already counts as leaving now
 * @id: the id of a request, which is @name's from now on and nobody else's
 */
void
dray_service_callers_add (DrayServiceCallers *callers, const char *name, const char *id)
{
  Caller *caller = g_hash_table_lookup (callers->callers, name);

  dray_service_callers_forget (callers, id);
  if (caller == NULL)
    {
      caller = g_new0 (Caller, 1);
      caller->callers = callers;
      caller->name = g_strdup (name);
      caller->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_hash_table_insert (callers->callers, caller->name, caller);
      caller->watch =
          g_bus_watch_name_on_connection (callers->connection, name, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                          NULL, vanished_cb, caller, NULL);
    }
  g_hash_table_add (caller->ids, g_strdup (id));
}

/**
 * dray_service_callers_forget:
 * @callers: a table of callers
 * @id: the id of a request that goes on whoever leaves
 */
void
dray_service_callers_forget (DrayServiceCallers *callers, const char *id)
{
  GHashTableIter iter;
  gpointer caller;

  g_hash_table_iter_init (&iter, callers->callers);
  while (g_hash_table_iter_next (&iter, NULL, &caller))
    g_hash_table_remove (((Caller *) caller)->ids, id);
}
