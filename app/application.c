/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/application.h"

#include "dray-config.h"

#include "app/bus.h"
#include "app/commands.h"
#include "app/service.h"
#include "app/settings.h"
#include "ui/window.h"

#include "core/base/error.h"
#include "core/request/restore.h"
#include "core/source/reference.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* How long a process that was only activated waits for something to do, in milliseconds. */
#define INACTIVITY_TIMEOUT 10000

/* How often is looked whether it has, in milliseconds. */
#define IDLE_INTERVAL 1000

/* A command that only looks has the catalog for some milliseconds: so often, and after so many
 * milliseconds, it is asked for again before another process counts as working on it. */
#define BUSY_ATTEMPTS 5
#define BUSY_INTERVAL 200

struct _DrayApplication
{
  AdwApplication parent_instance;

  DrayService *service; /* NULL without a session bus */
  DrayManager *manager; /* NULL unless it is open, opening or closing */
  gboolean is_open;
  gboolean quitting;
  gboolean taking_over; /* a command is asked for the catalog */
  GSettings *settings; /* NULL where their schema is not installed */
  guint n_busy;      /* how often the catalog was another's in a row */
  guint busy_source; /* asks for it again */
  guint idle_source; /* looks whether a process without a window is still of use */
  GPtrArray *sources; /* of char *: what waits for the manager */
};

G_DEFINE_FINAL_TYPE (DrayApplication, dray_application, ADW_TYPE_APPLICATION)

static DrayWindow *
get_window (DrayApplication *self)
{
  GList *windows = gtk_application_get_windows (GTK_APPLICATION (self));

  for (GList *l = windows; l != NULL; l = l->next)
    if (DRAY_IS_WINDOW (l->data))
      return l->data;

  return NULL;
}

/* The last step of quitting: the catalog is closed. */
static void
end (DrayApplication *self)
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
  end (user_data);
}

/* Every way to end leads here. The window goes at once; the process stays until the bytes are
 * recorded. A manager that is still opening is closed when it is open. */
static void
quit (DrayApplication *self)
{
  DrayWindow *window = get_window (self);

  if (self->quitting)
    return;

  self->quitting = TRUE;
  g_clear_handle_id (&self->busy_source, g_source_remove);
  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (self->service != NULL)
    dray_service_begin_closing (self->service);
  g_application_hold (G_APPLICATION (self));
  if (self->is_open)
    dray_settings_note_running (self->settings, self->manager, DRAY_WINDOW_CALLER);
  if (window != NULL)
    {
      dray_window_close_downloads (window);
      gtk_window_destroy (GTK_WINDOW (window));
    }

  if (self->manager == NULL)
    end (self);
  else if (self->is_open)
    dray_manager_close_async (self->manager, closed_cb, self);
}

static void
add_waiting_sources (DrayApplication *self)
{
  DrayWindow *window = get_window (self);

  if (window == NULL || self->sources->len == 0)
    return;

  g_ptr_array_add (self->sources, NULL);
  dray_window_add_sources (window, (const char *const *) self->sources->pdata, NULL);
  g_ptr_array_set_size (self->sources, 0);
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

static void
show_manager (DrayApplication *self, DrayWindow *window)
{
  g_autoptr (DrayDownloads) downloads = dray_downloads_new (self->manager);

  dray_window_set_downloads (window, downloads);
  add_waiting_sources (self);
}

static void open_catalog (DrayApplication *self);

static gboolean
busy_cb (gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);

  self->busy_source = 0;
  open_catalog (self);
  return G_SOURCE_REMOVE;
}

/* There is no catalog for this process now. */
static void
do_without (DrayApplication *self, const GError *error)
{
  DrayWindow *window = get_window (self);

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
    open_catalog (self);
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

  if (get_window (self) != NULL || unused < INACTIVITY_TIMEOUT * 1000
      || is_any_running (self->manager))
    return G_SOURCE_CONTINUE;

  self->idle_source = 0;
  quit (self);
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
  DrayWindow *window = get_window (self);
  g_autoptr (GError) error = NULL;

  self->is_open = dray_manager_open_finish (DRAY_MANAGER (source), result, &error);
  if (!self->is_open)
    g_clear_object (&self->manager);

  if (self->quitting && self->is_open)
    dray_manager_close_async (self->manager, closed_cb, self);
  else if (self->quitting)
    end (self);
  else if (self->is_open)
    {
      self->n_busy = 0;
      dray_settings_resume_noted (self->settings, self->manager);
      serve (self);
      if (window != NULL)
        show_manager (self, window);
    }
  else if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_BUSY))
    take_over (self, error);
  else
    do_without (self, error);
  g_application_release (G_APPLICATION (self));
}

/* Does nothing while there is a manager. */
static void
open_catalog (DrayApplication *self)
{
  g_autofree char *path = dray_command_get_catalog_path ();
  g_autofree char *root = dray_settings_dup_library (self->settings);

  if (self->manager != NULL || self->quitting || self->taking_over)
    return;

  g_clear_handle_id (&self->busy_source, g_source_remove);
  self->manager = dray_manager_new (path, root);
  g_application_hold (G_APPLICATION (self));
  dray_manager_open_async (self->manager, opened_cb, self);
}

/* A command that had the catalog may have ended meanwhile. */
static void
window_active_cb (GtkWindow *window, G_GNUC_UNUSED GParamSpec *pspec, DrayApplication *self)
{
  if (gtk_window_is_active (window))
    open_catalog (self);
}

static void
show_window (DrayApplication *self)
{
  g_autofree char *library = dray_settings_dup_library (self->settings);
  DrayWindow *window = get_window (self);

  if (window == NULL)
    {
      window = dray_window_new (GTK_APPLICATION (self));
      dray_settings_bind_size (self->settings, G_OBJECT (window));
      dray_window_set_library (window, library);
      g_signal_connect (window, "notify::is-active", G_CALLBACK (window_active_cb), self);
      if (self->is_open)
        show_manager (self, window);
    }
  open_catalog (self);
  gtk_window_present (GTK_WINDOW (window));
}

static void
take_source (DrayApplication *self, const char *source)
{
  g_ptr_array_add (self->sources, g_strdup (source));
}

static void
dray_application_activate (GApplication *application)
{
  DrayApplication *self = DRAY_APPLICATION (application);

  if (!self->quitting)
    show_window (self);
}

static void
dray_application_open (GApplication *application,
                       GFile **files,
                       int n_files,
                       G_GNUC_UNUSED const char *hint)
{
  DrayApplication *self = DRAY_APPLICATION (application);

  for (int i = 0; i < n_files; i++)
    {
      g_autofree char *uri = g_file_get_uri (files[i]);

      take_source (self, uri);
    }
  dray_application_activate (application);
  if (self->is_open)
    add_waiting_sources (self);
}

/* Sources come as they were typed: as files they would lose what a file's URI does not have. */
static int
dray_application_command_line (GApplication *application, GApplicationCommandLine *line)
{
  DrayApplication *self = DRAY_APPLICATION (application);
  int argc, status = DRAY_EXIT_OK;
  g_auto (GStrv) argv = g_application_command_line_get_arguments (line, &argc);

  if (self->quitting)
    {
      g_application_command_line_printerr (line, _ ("dray: Dray is closing. Try again.\n"));
      return DRAY_EXIT_FAILED;
    }

  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DrayReference) reference = dray_reference_parse (argv[i], &error);

      if (reference != NULL)
        {
          take_source (self, argv[i]);
          continue;
        }
      g_application_command_line_printerr (line, "dray: %s\n", error->message);
      status = DRAY_EXIT_USAGE;
    }
  dray_application_activate (application);
  if (self->is_open)
    add_waiting_sources (self);

  return status;
}

static void
quit_cb (G_GNUC_UNUSED GSimpleAction *action,
         G_GNUC_UNUSED GVariant *nothing,
         gpointer user_data)
{
  quit (user_data);
}

static void
reopen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);

  dray_manager_close_finish (DRAY_MANAGER (source), result);
  g_clear_object (&self->manager);
  if (self->quitting)
    end (self);
  else
    open_catalog (self);
  g_application_release (G_APPLICATION (self));
}

/* A manager has one library, so it is closed and opened again on the other one. */
static void
set_library_cb (G_GNUC_UNUSED GSimpleAction *action, GVariant *folder, gpointer user_data)
{
  DrayApplication *self = DRAY_APPLICATION (user_data);
  DrayWindow *window = get_window (self);

  if (!self->is_open || self->quitting || window == NULL)
    return;

  g_settings_set_string (self->settings, DRAY_SETTING_LIBRARY, g_variant_get_string (folder, NULL));
  dray_window_set_library (window, g_variant_get_string (folder, NULL));
  dray_settings_note_running (self->settings, self->manager, DRAY_WINDOW_CALLER);
  dray_window_close_downloads (window);
  if (self->service != NULL)
    dray_service_set_manager (self->service, NULL);
  g_clear_handle_id (&self->idle_source, g_source_remove);
  self->is_open = FALSE;
  /* The hold that the open catalog had is the closing one's from here on. */
  dray_manager_close_async (self->manager, reopen_cb, self);
}

static void
open_catalog_cb (G_GNUC_UNUSED GSimpleAction *action,
                 G_GNUC_UNUSED GVariant *nothing,
                 gpointer user_data)
{
  open_catalog (user_data);
}

static void
about_cb (G_GNUC_UNUSED GSimpleAction *action,
          G_GNUC_UNUSED GVariant *nothing,
          gpointer user_data)
{
  adw_show_about_window (gtk_application_get_active_window (GTK_APPLICATION (user_data)),
                         "application-name", _ ("Dray"), "application-icon", DRAY_APPLICATION_ID,
                         "version", DRAY_VERSION, "comments",
                         _ ("Downloads AI models, and never loses a byte"), "developer-name",
                         _ ("The Dray project"), "license-type", GTK_LICENSE_GPL_3_0, NULL);
}

/* The first signal pauses; a second one, from a person who will not wait for a slow disk, ends at
 * once, which costs what a kill costs. */
static gboolean
interrupt (DrayApplication *self, int signal_number)
{
  if (self->quitting)
    _exit (128 + signal_number);

  quit (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
sigint_cb (gpointer user_data)
{
  return interrupt (user_data, SIGINT);
}

static gboolean
sigterm_cb (gpointer user_data)
{
  return interrupt (user_data, SIGTERM);
}

static void
dray_application_startup (GApplication *application)
{
  DrayApplication *self = DRAY_APPLICATION (application);
  static const GActionEntry entries[] = {
    { .name = "quit", .activate = quit_cb },
    { .name = "about", .activate = about_cb },
    { .name = "open-catalog", .activate = open_catalog_cb },
    { .name = "set-library", .activate = set_library_cb, .parameter_type = "s" },
  };
  static const struct
  {
    const char *action;
    const char *accels[2];
  } shortcuts[] = {
    { "app.quit", { "<Control>q" } },
    { "window.close", { "<Control>w" } },
    { "win.add", { "<Control>n" } },
  };

  /* The toolkit's own words for this name neither the program nor what to do. */
  if (!gtk_init_check ())
    {
      g_printerr ("dray: There is no display for the window; “dray get SOURCE” needs none.\n");
      exit (DRAY_EXIT_FAILED);
    }

  G_APPLICATION_CLASS (dray_application_parent_class)->startup (application);

  g_action_map_add_action_entries (G_ACTION_MAP (application), entries, G_N_ELEMENTS (entries),
                                   application);
  for (guint i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (application), shortcuts[i].action,
                                           shortcuts[i].accels);
  gtk_window_set_default_icon_name (DRAY_APPLICATION_ID);
  self->settings = dray_settings_open ();
  g_simple_action_set_enabled (
      G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self), "set-library")),
      self->settings != NULL);
  g_unix_signal_add (SIGINT, sigint_cb, application);
  g_unix_signal_add (SIGTERM, sigterm_cb, application);
}

static gboolean
dray_application_dbus_register (GApplication *application,
                                GDBusConnection *connection,
                                const char *path,
                                GError **error)
{
  DrayApplication *self = DRAY_APPLICATION (application);

  if (!G_APPLICATION_CLASS (dray_application_parent_class)
           ->dbus_register (application, connection, path, error))
    return FALSE;

  self->service = dray_service_new (connection, path, error);
  if (self->service == NULL)
    return FALSE;

  g_signal_connect_swapped (self->service, "wanted", G_CALLBACK (open_catalog), self);
  g_signal_connect_swapped (self->service, "close", G_CALLBACK (quit), self);
  return TRUE;
}

static void
dray_application_dbus_unregister (GApplication *application,
                                  GDBusConnection *connection,
                                  const char *path)
{
  g_clear_object (&DRAY_APPLICATION (application)->service);

  G_APPLICATION_CLASS (dray_application_parent_class)
      ->dbus_unregister (application, connection, path);
}

static void
dray_application_window_removed (GtkApplication *application, GtkWindow *window)
{
  GTK_APPLICATION_CLASS (dray_application_parent_class)->window_removed (application, window);

  if (get_window (DRAY_APPLICATION (application)) == NULL)
    quit (DRAY_APPLICATION (application));
}

static void
dray_application_finalize (GObject *object)
{
  DrayApplication *self = DRAY_APPLICATION (object);

  g_ptr_array_unref (self->sources);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (dray_application_parent_class)->finalize (object);
}

static void
dray_application_class_init (DrayApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = dray_application_finalize;
  application_class->dbus_register = dray_application_dbus_register;
  application_class->dbus_unregister = dray_application_dbus_unregister;
  application_class->startup = dray_application_startup;
  application_class->activate = dray_application_activate;
  application_class->open = dray_application_open;
  application_class->command_line = dray_application_command_line;
  GTK_APPLICATION_CLASS (klass)->window_removed = dray_application_window_removed;
}

static void
dray_application_init (DrayApplication *self)
{
  self->sources = g_ptr_array_new_with_free_func (g_free);
}

/**
 * dray_application_run:
 * @argc: the program's arguments
 * @argv: the program's arguments: sources, or GApplication's own options
 *
 * Opens the window, here or in the process that has it, and adds the sources.
 *
 * Returns: the exit status
 */
int
dray_application_run (int argc, char **argv)
{
  g_autoptr (DrayApplication) application = NULL;

  bindtextdomain (GETTEXT_PACKAGE, DRAY_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  application = g_object_new (
      DRAY_TYPE_APPLICATION, "application-id", DRAY_APPLICATION_ID, "resource-base-path",
      "/org/dray/Dray", "flags",
      G_APPLICATION_HANDLES_COMMAND_LINE | G_APPLICATION_HANDLES_OPEN, "inactivity-timeout",
      INACTIVITY_TIMEOUT, NULL);
  g_set_application_name (_ ("Dray"));

  return g_application_run (G_APPLICATION (application), argc, argv);
}
