/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/application-private.h"

#include "app/bus.h"
#include "app/commands.h"
#include "app/settings.h"

#include "core/base/error.h"
#include "core/request/restore.h"

/* How often is looked whether a process without a window is still of use, in milliseconds. */
#define IDLE_INTERVAL 1000

/* A command that only looks has the catalog for some milliseconds: so often, and after so many
 * milliseconds, it is asked for again before another process counts as working on it. */
#define BUSY_ATTEMPTS 5
#define BUSY_INTERVAL 200

/* The last step of quitting: the catalog is closed. */
void
dray_application_end (DrayApplication *self)
{
  g_clear_object (&self->manager);
  if (self->service != NULL)
    dray_service_end (self->service);
  g_application_quit (G_APPLICATION (self));
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  dray_manager_close_finish (DRAY_MANAGER (source), result);
  dray_application_end (user_data);
}

/* Every way to end leads here. The window goes at once; the process stays until the bytes are
 * recorded. A manager that is still opening is closed when it is open. */
void
dray_application_quit (DrayApplication *self)
{
  DrayWindow *window = dray_application_get_window (self);

  if (self->quitting)
    return;

  self->quitting = TRUE;
  g_clear_handle_id (&self->busy_source, g_source_remove);
  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (self->service != NULL)
    dray_service_begin_closing (self->service);
  g_application_hold (G_APPLICATION (self));
  if (window != NULL)
    {
      dray_window_close_downloads (window);
      gtk_window_destroy (GTK_WINDOW (window));
    }

  if (self->manager == NULL)
    dray_application_end (self);
  else if (self->is_open)
    dray_manager_close_async (self->manager, closed_cb, self);
}

void
dray_application_show_manager (DrayApplication *self, DrayWindow *window)
{
  g_autoptr (DrayDownloads) downloads = dray_downloads_new (self->manager);

  dray_window_set_downloads (window, downloads);
  dray_application_add_waiting_sources (self);
}

/* Another process has the catalog: its rows are shown as they are now. */
static void
show_read_only (DrayWindow *window)
{
  g_autofree char *path = dray_command_get_catalog_path ();
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  g_autoptr (DrayDownloads) downloads = NULL;
  g_autoptr (GError) error = NULL;

  if (!dray_restore_read (path, requests, &error))
    {
      dray_window_set_failure (window, error->message);
      return;
    }

  downloads = dray_downloads_new_read_only (G_LIST_MODEL (requests));
  dray_window_set_downloads (window, downloads);
}

static gboolean
busy_cb (gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);

  self->busy_source = 0;
  dray_application_open_catalog (self);
  return G_SOURCE_REMOVE;
}

/* There is no catalog for this process now. */
static void
do_without (DrayApplication *self, const GError *error)
{
  DrayWindow *window = dray_application_get_window (self);

  if (self->service != NULL)
    dray_service_fail (self->service, error);
  if (window == NULL)
    return;

  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_BUSY))
    show_read_only (window);
  else
    dray_window_set_failure (window, error->message);
}

/* The engine of a command has closed its catalog, or nobody answers on the bus. */
static void
handed_over_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);

  self->taking_over = FALSE;
  if (!self->quitting && reply != NULL)
    dray_application_open_catalog (self);
  else if (!self->quitting)
    self->busy_source = g_timeout_add (BUSY_INTERVAL, busy_cb, self);
  g_application_release (G_APPLICATION (self));
}

/* Asks the command that has the catalog for it, if a bus leads there. */
static void
take_over (DrayApplication *self, const GError *busy)
{
  GDBusConnection *connection = g_application_get_dbus_connection (G_APPLICATION (self));
  g_autofree char *engine = dray_bus_get_engine_name ();
  g_autofree char *path = dray_bus_get_path ();

  if (++self->n_busy >= BUSY_ATTEMPTS)
    {
      self->n_busy = 0;
      do_without (self, busy);
      return;
    }
  if (connection == NULL)
    {
      self->busy_source = g_timeout_add (BUSY_INTERVAL, busy_cb, self);
      return;
    }

  self->taking_over = TRUE;
  g_application_hold (G_APPLICATION (self));
  g_dbus_connection_call (connection, engine, path, DRAY_BUS_MANAGER_INTERFACE, "Close", NULL,
                          NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL, handed_over_cb,
                          self);
}

static gboolean
is_any_running (DrayManager *manager)
{
  GListModel *requests = dray_manager_get_requests (manager);

  for (guint i = 0; i < g_list_model_get_n_items (requests); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (requests, i);

      if (dray_request_is_running (request))
        return TRUE;
    }

  return FALSE;
}

/* A process without a window ends when nobody has wanted anything of it for a while. */
static gboolean
idle_cb (gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);
  gint64 unused = g_get_monotonic_time () - dray_service_get_last_use (self->service);

  if (dray_application_get_window (self) != NULL || unused < DRAY_INACTIVITY_TIMEOUT * 1000
      || is_any_running (self->manager))
    return G_SOURCE_CONTINUE;

  self->idle_source = 0;
  dray_application_quit (self);
  return G_SOURCE_REMOVE;
}

/* The process stays as long as the catalog is open; a closed catalog ends it. */
static void
serve (DrayApplication *self)
{
  g_application_hold (G_APPLICATION (self));
  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (self->service == NULL)
    return;

  dray_service_set_manager (self->service, self->manager);
  self->idle_source = g_timeout_add (IDLE_INTERVAL, idle_cb, self);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);
  DrayWindow *window = dray_application_get_window (self);
  g_autoptr (GError) error = NULL;

  self->is_open = dray_manager_open_finish (DRAY_MANAGER (source), result, &error);
  if (!self->is_open)
    g_clear_object (&self->manager);

  if (self->quitting && self->is_open)
    dray_manager_close_async (self->manager, closed_cb, self);
  else if (self->quitting)
    dray_application_end (self);
  else if (self->is_open)
    {
      self->n_busy = 0;
      serve (self);
      if (window != NULL)
        dray_application_show_manager (self, window);
    }
  else if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_BUSY))
    take_over (self, error);
  else
    do_without (self, error);
  g_application_release (G_APPLICATION (self));
}

/* Does nothing while there is a manager. */
void
dray_application_open_catalog (DrayApplication *self)
{
  g_autofree char *path = dray_command_get_catalog_path ();
  g_autofree char *root = dray_settings_dup_library (self->settings);

  if (self->manager != NULL || self->quitting || self->taking_over)
    return;

  g_clear_handle_id (&self->busy_source, g_source_remove);
  self->manager = dray_manager_new (path, root);
  dray_settings_set_up_manager (self->settings, self->manager, TRUE);
  g_application_hold (G_APPLICATION (self));
  dray_manager_open_async (self->manager, opened_cb, self);
}

static void
reopen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);

  dray_manager_close_finish (DRAY_MANAGER (source), result);
  g_clear_object (&self->manager);
  if (self->quitting)
    dray_application_end (self);
  else
    dray_application_open_catalog (self);
  g_application_release (G_APPLICATION (self));
}

/* A manager has one library, so for another one it is closed and opened again. */
void
dray_application_reopen_catalog (DrayApplication *self)
{
  DrayWindow *window = dray_application_get_window (self);

  if (window != NULL)
    dray_window_close_downloads (window);
  if (self->service != NULL)
    dray_service_set_manager (self->service, NULL);
  g_clear_handle_id (&self->idle_source, g_source_remove);
  self->is_open = FALSE;
  /* The hold that the open catalog had is the closing one's from here on. */
  dray_manager_close_async (self->manager, reopen_cb, self);
}
