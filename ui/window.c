/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/window.h"

#include "ui/add-dialog.h"
#include "ui/downloads-page.h"
#include "ui/drop-target.h"

#include "core/source/source-list.h"

#include <glib/gi18n.h>

struct _DrayWindow
{
  AdwApplicationWindow parent_instance;

  GtkWidget *content;
  DrayDownloadsPage *downloads_page;
};

G_DEFINE_FINAL_TYPE (DrayWindow, dray_window, ADW_TYPE_APPLICATION_WINDOW)

static gboolean
can_add (DrayWindow *self)
{
  DrayDownloads *downloads = dray_downloads_page_get_downloads (self->downloads_page);

  return downloads != NULL && !dray_downloads_is_read_only (downloads);
}

static void
update_actions (DrayWindow *self)
{
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.add", can_add (self));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.paste", can_add (self));
}

static void
accepted_cb (DrayWindow *self,
             const char *const *sources,
             const char *directory,
             const char *const *without)
{
  dray_window_add_sources (self, sources, directory, without);
}

static void
add_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  GtkWindow *dialog = GTK_WINDOW (dray_add_dialog_new (
      GTK_WINDOW (widget), dray_downloads_page_get_library (DRAY_WINDOW (widget)->downloads_page)));

  g_signal_connect_object (dialog, "accepted", G_CALLBACK (accepted_cb), widget, G_CONNECT_SWAPPED);
  gtk_window_present (dialog);
}

static void
dropped_cb (const char *const *sources, gpointer user_data)
{
  DrayWindow *self = DRAY_WINDOW (user_data);

  if (can_add (self))
    dray_window_add_sources (self, sources, NULL, NULL);
}

static void
pasted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayWindow) self = DRAY_WINDOW (user_data);
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) sources = text != NULL ? dray_source_list_from_text (text, &error) : NULL;

  if (error != NULL)
    dray_downloads_page_tell (self->downloads_page, error->message);
  else if (sources == NULL || sources[0] == NULL)
    dray_downloads_page_tell (self->downloads_page, _ ("There is no link to paste"));
  else
    dropped_cb ((const char *const *) sources, self);
}

static void
paste_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (widget), NULL, pasted_cb,
                                 g_object_ref (widget));
}

static gboolean
dray_window_close_request (GtkWindow *window)
{
  dray_window_close_downloads (DRAY_WINDOW (window));

  return GTK_WINDOW_CLASS (dray_window_parent_class)->close_request (window);
}

static void
dray_window_class_init (DrayWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  GTK_WINDOW_CLASS (klass)->close_request = dray_window_close_request;

  g_type_ensure (DRAY_TYPE_DOWNLOADS_PAGE);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/window.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayWindow, content);
  gtk_widget_class_bind_template_child (widget_class, DrayWindow, downloads_page);
  gtk_widget_class_install_action (widget_class, "win.add", NULL, add_cb);
  gtk_widget_class_install_action (widget_class, "win.paste", NULL, paste_cb);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_v, GDK_CONTROL_MASK, "win.paste",
                                       NULL);
}

static void
dray_window_init (DrayWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_add_controller (self->content, dray_drop_target_new (dropped_cb, self));
  update_actions (self);
}

/**
 * dray_window_new:
 * @application: the application
 *
 * Returns: (transfer none): a window without a list
 */
DrayWindow *
dray_window_new (GtkApplication *application)
{
  return g_object_new (DRAY_TYPE_WINDOW, "application", application, NULL);
}

/**
 * dray_window_set_downloads:
 * @self: a window
 * @downloads: what it shows from now on
 */
void
dray_window_set_downloads (DrayWindow *self, DrayDownloads *downloads)
{
  g_return_if_fail (DRAY_IS_WINDOW (self));

  dray_downloads_page_set_downloads (self->downloads_page, downloads);
  update_actions (self);
}

/**
 * dray_window_set_library:
 * @self: a window
 * @folder: the absolute folder where finished models go
 * @can_change: whether a person can choose another one
 */
void
dray_window_set_library (DrayWindow *self, const char *folder, gboolean can_change)
{
  g_return_if_fail (DRAY_IS_WINDOW (self));

  dray_downloads_page_set_library (self->downloads_page, folder, can_change);
}

/**
 * dray_window_set_failure:
 * @self: a window
 * @message: why there is no list
 */
void
dray_window_set_failure (DrayWindow *self, const char *message)
{
  g_return_if_fail (DRAY_IS_WINDOW (self));

  dray_downloads_page_set_failure (self->downloads_page, message);
  update_actions (self);
}

/**
 * dray_window_tell:
 * @self: a window
 * @message: what to tell for a few seconds
 */
void
dray_window_tell (DrayWindow *self, const char *message)
{
  g_return_if_fail (DRAY_IS_WINDOW (self));

  dray_downloads_page_tell (self->downloads_page, message);
}

/* Reads the files of sources that are among them. */
static void
expand_thread (GTask *task,
               G_GNUC_UNUSED gpointer window,
               gpointer data,
               G_GNUC_UNUSED GCancellable *cancellable)
{
  GError *error = NULL;
  GStrv sources = dray_source_list_expand (data, &error);

  if (sources != NULL)
    g_task_return_pointer (task, sources, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

static void
add_all (DrayWindow *self,
         const char *const *sources,
         const char *directory,
         const char *const *without)
{
  DrayDownloads *downloads = dray_downloads_page_get_downloads (self->downloads_page);
  DrayRequest *last = NULL;

  if (!can_add (self))
    {
      dray_downloads_page_tell (self->downloads_page,
                                _ ("Nothing can be added while a command runs"));
      return;
    }

  for (guint i = 0; sources[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      DrayRequest *request = dray_downloads_add (downloads, sources[i], directory, without, &error);

      if (request == NULL)
        dray_downloads_page_tell (self->downloads_page, error->message);
      else if (dray_request_get_state (request) == DRAY_REQUEST_COMPLETED)
        dray_downloads_page_tell (self->downloads_page, _ ("This file is here already"));
      if (request != NULL)
        last = request;
    }
  if (last != NULL)
    dray_downloads_page_show_request (self->downloads_page, last);
}

static void
expanded_cb (GObject *window, GAsyncResult *result, gpointer user_data)
{
  DrayWindow *self = DRAY_WINDOW (window);
  g_autofree char *directory = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) sources = g_task_propagate_pointer (G_TASK (result), &error);

  if (sources != NULL)
    add_all (self, (const char *const *) sources, directory, NULL);
  else
    dray_downloads_page_tell (self->downloads_page, error->message);
}

static gboolean
has_list (const char *const *sources)
{
  for (guint i = 0; sources[i] != NULL; i++)
    if (dray_source_list_is_file (sources[i]))
      return TRUE;

  return FALSE;
}

/**
 * dray_window_add_sources:
 * @self: a window
 * @sources: what a person typed, dropped or pasted
 * @directory: (nullable): an absolute folder; %NULL for the library
 * @without: (nullable): names of companions that are not wanted
 *
 * Downloads what is understood and says what is not. Where there is a file of sources among them,
 * it is read first, and what stands in it comes with all companions.
 */
void
dray_window_add_sources (DrayWindow *self,
                         const char *const *sources,
                         const char *directory,
                         const char *const *without)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DRAY_IS_WINDOW (self));

  if (!has_list (sources))
    {
      add_all (self, sources, directory, without);
      return;
    }

  task = g_task_new (self, NULL, expanded_cb, g_strdup (directory));
  g_task_set_source_tag (task, dray_window_add_sources);
  g_task_set_task_data (task, g_strdupv ((char **) sources), (GDestroyNotify) g_strfreev);
  g_task_run_in_thread (task, expand_thread);
}

/**
 * dray_window_close_downloads:
 * @self: a window
 *
 * Commits what can still be undone. Nothing is asked of the manager afterwards.
 */
void
dray_window_close_downloads (DrayWindow *self)
{
  g_return_if_fail (DRAY_IS_WINDOW (self));

  dray_downloads_page_close (self->downloads_page);
  update_actions (self);
}
