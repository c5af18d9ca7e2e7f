/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/application-private.h"

#include "dray-config.h"

#include "app/commands.h"
#include "app/settings.h"

#include "core/source/reference.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

G_DEFINE_FINAL_TYPE (DrayApplication, dray_application, ADW_TYPE_APPLICATION)

DrayWindow *
dray_application_get_window (DrayApplication *self)
{
  GList *windows = gtk_application_get_windows (GTK_APPLICATION (self));

  for (GList *l = windows; l != NULL; l = l->next)
    if (DRAY_IS_WINDOW (l->data))
      return l->data;

  return NULL;
}

void
dray_application_add_waiting_sources (DrayApplication *self)
{
  DrayWindow *window = dray_application_get_window (self);

  if (window == NULL || self->sources->len == 0)
    return;

  g_ptr_array_add (self->sources, NULL);
  dray_window_add_sources (window, (const char *const *) self->sources->pdata, NULL, NULL);
  g_ptr_array_set_size (self->sources, 0);
}

/* A command that had the catalog may have ended meanwhile. */
static void
window_active_cb (GtkWindow *window, G_GNUC_UNUSED GParamSpec *pspec, DrayApplication *self)
{
  if (gtk_window_is_active (window))
    dray_application_open_catalog (self);
}

static void
show_window (DrayApplication *self)
{
  g_autofree char *library = dray_settings_dup_library (self->settings);
  DrayWindow *window = dray_application_get_window (self);

  if (window == NULL)
    {
      window = dray_window_new (GTK_APPLICATION (self));
      dray_settings_bind_size (self->settings, G_OBJECT (window));
      dray_window_set_library (window, library, self->settings != NULL);
      g_signal_connect (window, "notify::is-active", G_CALLBACK (window_active_cb), self);
      if (self->is_open)
        dray_application_show_manager (self, window);
    }
  dray_application_open_catalog (self);
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
    dray_application_add_waiting_sources (self);
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
    dray_application_add_waiting_sources (self);

  return status;
}

static void
quit_cb (G_GNUC_UNUSED GSimpleAction *action,
         G_GNUC_UNUSED GVariant *nothing,
         gpointer user_data)
{
  dray_application_quit (user_data);
}

static void
set_library_cb (G_GNUC_UNUSED GSimpleAction *action, GVariant *folder, gpointer user_data)
{
  dray_application_change_library (user_data, g_variant_get_string (folder, NULL));
}

static void
open_catalog_cb (G_GNUC_UNUSED GSimpleAction *action,
                 G_GNUC_UNUSED GVariant *nothing,
                 gpointer user_data)
{
  dray_application_open_catalog (user_data);
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

  dray_application_quit (self);
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

  g_signal_connect_swapped (self->service, "wanted", G_CALLBACK (dray_application_open_catalog),
                            self);
  g_signal_connect_swapped (self->service, "close", G_CALLBACK (dray_application_quit), self);
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

  if (dray_application_get_window (DRAY_APPLICATION (application)) == NULL)
    dray_application_quit (DRAY_APPLICATION (application));
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
      DRAY_INACTIVITY_TIMEOUT, NULL);
  g_set_application_name (_ ("Dray"));

  return g_application_run (G_APPLICATION (application), argc, argv);
}
