/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/door.h"

#include "app/bus.h"

#include "core/base/error.h"
#include "dray-config.h"

/* A process that has the catalog may be about to begin, or to end: so often, and after so many
 * microseconds, it is tried again. One that no bus leads to is not waited for as long. */
#define ATTEMPTS 50
#define ATTEMPTS_BUSY 10
#define INTERVAL (G_USEC_PER_SEC / 10)

G_DEFINE_ABSTRACT_TYPE (DrayDoor, dray_door, G_TYPE_OBJECT)

static guint signal_fate;

static void
dray_door_class_init (DrayDoorClass *klass)
{
  /**
   * DrayDoor::fate:
   * @fate: a #DrayDoorFate
   *
   * The door is no use any more, but for dray_door_leave().
   */
  signal_fate = g_signal_new ("fate", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                              NULL, G_TYPE_NONE, 1, G_TYPE_INT);
}

static void
dray_door_init (G_GNUC_UNUSED DrayDoor *self)
{
}

void
dray_door_tell_fate (DrayDoor *self, DrayDoorFate fate)
{
  g_signal_emit (self, signal_fate, 0, (int) fate);
}

#ifdef DRAY_HAS_UI

/* How long the window's process may take to begin, in milliseconds. */
#define START_TIMEOUT 10000

static gboolean
is_display_named (void)
{
  const char *wayland = g_getenv ("WAYLAND_DISPLAY");
  const char *x11 = g_getenv ("DISPLAY");

  return (wayland != NULL && *wayland != '\0') || (x11 != NULL && *x11 != '\0');
}

/* Starts the window's process without a window, where the bus knows how. */
static gboolean
start_service (GDBusConnection *connection)
{
  g_autoptr (GVariant) reply = NULL;

  if (!is_display_named ())
    return FALSE;

  reply = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "StartServiceByName",
                                       g_variant_new ("(su)", DRAY_APPLICATION_ID, 0), NULL,
                                       G_DBUS_CALL_FLAGS_NONE, START_TIMEOUT, NULL, NULL);
  return reply != NULL;
}
#else
static gboolean
start_service (G_GNUC_UNUSED GDBusConnection *connection)
{
  return FALSE;
}
#endif

static DrayDoor *
open_once (GDBusConnection *connection, DrayDoorUse use, GError **error)
{
  g_autofree char *engine = dray_bus_get_engine_name ();

  if (connection != NULL
      && (dray_bus_has_owner (connection, DRAY_APPLICATION_ID) || start_service (connection)))
    return dray_door_bus_open (connection, DRAY_APPLICATION_ID, error);
  if (connection != NULL && dray_bus_has_owner (connection, engine))
    return dray_door_bus_open (connection, engine, error);
  if (use != DRAY_DOOR_FOLLOW)
    return dray_door_local_open (use == DRAY_DOOR_STAY ? connection : NULL, error);

  g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CANCELLED,
                       "The download was paused; the same command continues it");
  return NULL;
}

static gboolean
is_worth_another_attempt (const GError *error, guint attempt)
{
  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_BUSY))
    return attempt < ATTEMPTS_BUSY;

  return attempt < ATTEMPTS && g_error_matches (error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
}

/**
 * dray_door_open:
 * @use: what for
 * @error: return location for a #GError
 *
 * Finds the manager: that of the window's process, which is started if there is a display and the
 * bus knows how; that of a command which runs already; or else one in this process.
 *
 * Errors: those of dray_manager_open_finish().
 *
 * Returns: (transfer full) (nullable): the way to it
 */
DrayDoor *
dray_door_open (DrayDoorUse use, GError **error)
{
  g_autoptr (GDBusConnection) connection = dray_bus_connect ();

  for (guint attempt = 1;; attempt++)
    {
      GError *attempt_error = NULL;
      DrayDoor *door = open_once (connection, use, &attempt_error);

      if (door != NULL)
        return door;
      if (connection == NULL || !is_worth_another_attempt (attempt_error, attempt))
        {
          g_propagate_error (error, attempt_error);
          return NULL;
        }
      g_clear_error (&attempt_error);
      g_usleep (INTERVAL);
    }
}

GPtrArray *
dray_door_list (DrayDoor *self, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->list (self, error);
}

DrayRow *
dray_door_ask (
    DrayDoor *self, const char *source, gboolean load, DrayDownloadOptions *options, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->ask (self, source, load, options, error);
}

/**
 * dray_door_list_children:
 * @self: a door
 * @parent: a row
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable) (element-type DrayRow): the rows of the files that @parent
 *   stands for, by their numbers, which follow nothing yet
 */
GPtrArray *
dray_door_list_children (DrayDoor *self, DrayRow *parent, GError **error)
{
  GPtrArray *rows = dray_door_list (self, error);

  for (guint i = rows != NULL ? rows->len : 0; i > 0; i--)
    if (!dray_row_is_child_of (g_ptr_array_index (rows, i - 1), parent))
      g_ptr_array_remove_index (rows, i - 1);
  if (rows != NULL)
    g_ptr_array_sort (rows, dray_row_compare);

  return rows;
}

gboolean
dray_door_follow (DrayDoor *self, DrayRow *row, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->follow (self, row, error);
}

gboolean
dray_door_resume (DrayDoor *self, DrayRow *row, gboolean restart_changed, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->resume (self, row, restart_changed, error);
}

gboolean
dray_door_cancel (DrayDoor *self, const char *id, gboolean clear_cache, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->cancel (self, id, clear_cache, error);
}

gboolean
dray_door_cancel_model (DrayDoor *self, const char *model, guint *n_cancelled, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->cancel_model (self, model, n_cancelled, error);
}

gboolean
dray_door_remove (DrayDoor *self, const char *id, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->remove (self, id, error);
}

gboolean
dray_door_hold (DrayDoor *self, gboolean held, GError **error)
{
  return DRAY_DOOR_GET_CLASS (self)->hold (self, held, error);
}

/**
 * dray_door_leave:
 * @self: a door
 * @rows: (element-type DrayRow): which of the requests are to be paused
 *
 * The last call. A manager in this process is closed, which pauses all.
 */
void
dray_door_leave (DrayDoor *self, GPtrArray *rows)
{
  DRAY_DOOR_GET_CLASS (self)->leave (self, rows);
}
