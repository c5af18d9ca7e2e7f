/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the rows and headings of the Downloads page can ask for. */

#include "ui/downloads-page-private.h"

#include "ui/format.h"

#include <glib/gi18n.h>

/* How long a discard can be undone, in seconds. */
#define UNDO_TIME 8

#define DISCARD_KEY "dray-discard"

static DrayDownloads *
get_downloads (GtkWidget *widget)
{
  DrayDownloads *downloads = DRAY_DOWNLOADS_PAGE (widget)->downloads;

  return downloads != NULL && !dray_downloads_is_read_only (downloads) ? downloads : NULL;
}

/* A pause is the window's own: the bytes may keep moving for others. */
static void
pause_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  DrayDownloads *downloads = get_downloads (widget);
  g_autofree char *others = dray_downloads_dup_others (downloads, g_variant_get_string (id, NULL));
  g_autofree char *names = NULL;
  g_autofree char *text = NULL;
  AdwToast *toast;

  dray_downloads_pause (downloads, g_variant_get_string (id, NULL));
  if (others == NULL)
    return;

  names = dray_format_callers (others);
  /* Translators: %s is who, as in "Terminal". */
  text = g_strdup_printf (_ ("Paused here. %s is still downloading this file."), names);
  toast = adw_toast_new (text);
  adw_toast_set_button_label (toast, _ ("Pause Everywhere"));
  adw_toast_set_action_name (toast, "downloads.pause-everywhere");
  adw_toast_set_action_target_value (toast, id);
  adw_toast_overlay_add_toast (DRAY_DOWNLOADS_PAGE (widget)->toasts, toast);
}

static void
pause_everywhere_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  dray_downloads_pause_everywhere (get_downloads (widget), g_variant_get_string (id, NULL));
}

static void
start_now_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  dray_downloads_start_now (get_downloads (widget), g_variant_get_string (id, NULL));
}

static void
move_cb (GtkWidget *widget, const char *name, GVariant *id)
{
  dray_downloads_move (get_downloads (widget), g_variant_get_string (id, NULL),
                       g_str_equal (name, "downloads.move-up") ? -1 : 1);
}

static void
resume_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  dray_downloads_resume (get_downloads (widget), g_variant_get_string (id, NULL), FALSE);
}

static void
resume_several_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *ids)
{
  g_autofree const char **strv = g_variant_get_strv (ids, NULL);

  for (guint i = 0; strv[i] != NULL; i++)
    dray_downloads_resume (get_downloads (widget), strv[i], FALSE);
}

static void
start_over_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  dray_downloads_resume (get_downloads (widget), g_variant_get_string (id, NULL), TRUE);
}

static void
remove_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  dray_downloads_remove (get_downloads (widget), g_variant_get_string (id, NULL));
}

static void
hold_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  dray_downloads_hold (get_downloads (widget));
}

static void
release_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  dray_downloads_release (get_downloads (widget));
}

static void
toggle_hold_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  if (dray_downloads_get_held (get_downloads (widget)))
    dray_downloads_release (get_downloads (widget));
  else
    dray_downloads_hold (get_downloads (widget));
}

static void
resume_all_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  dray_downloads_resume_all (get_downloads (widget));
}

static void
clear_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  dray_downloads_clear_finished (get_downloads (widget));
}

static void
cancel_model_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  DrayDownloadsPage *self = DRAY_DOWNLOADS_PAGE (widget);
  gint64 kept;
  g_auto (GStrv) ids =
      dray_downloads_cancel_model (get_downloads (widget), g_variant_get_string (id, NULL), &kept);
  g_autofree char *size = dray_format_size (kept);
  g_autofree char *text = NULL;
  guint n_cancelled = g_strv_length (ids);
  AdwToast *toast;

  if (n_cancelled == 0)
    return;

  text = g_strdup_printf (
      ngettext ("%u download cancelled. %s kept.", "%u downloads cancelled. %s kept.", n_cancelled),
      n_cancelled, size);
  toast = adw_toast_new (text);
  adw_toast_set_button_label (toast, _ ("Resume"));
  adw_toast_set_action_name (toast, "downloads.resume-several");
  adw_toast_set_action_target_value (toast,
                                     g_variant_new_strv ((const char *const *) ids, n_cancelled));
  adw_toast_overlay_add_toast (self->toasts, toast);
}

/* The page may have gone before its toasts; then it committed what was left. */
static void
toast_dismissed_cb (AdwToast *toast, DrayDownloadsPage *self)
{
  guint discard = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (toast), DISCARD_KEY));

  if (self->downloads == NULL)
    return;

  dray_downloads_commit (self->downloads, discard);
  if (self->last_discard == discard)
    {
      self->last_discard = 0;
      g_clear_object (&self->last_toast);
      dray_downloads_page_update_actions (self);
    }
}

/* To be asked before the discard, which ends the sharing. */
static char *
format_discarded (DrayDownloads *downloads, const char *id)
{
  g_autofree char *others = dray_downloads_dup_others (downloads, id);
  g_autofree char *names = NULL;

  if (others == NULL)
    return g_strdup (_ ("Download discarded"));

  names = dray_format_callers (others);
  /* Translators: %s is who, as in "Terminal". */
  return g_strdup_printf (_ ("Removed here; kept for %s"), names);
}

static void
discard_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  DrayDownloadsPage *self = DRAY_DOWNLOADS_PAGE (widget);
  g_autofree char *text =
      format_discarded (get_downloads (widget), g_variant_get_string (id, NULL));
  guint discard = dray_downloads_discard (get_downloads (widget), g_variant_get_string (id, NULL));
  AdwToast *toast;

  if (discard == 0)
    return;

  self->last_discard = discard;
  toast = adw_toast_new (text);
  adw_toast_set_timeout (toast, UNDO_TIME);
  adw_toast_set_button_label (toast, _ ("Undo"));
  adw_toast_set_action_name (toast, "downloads.undo");
  adw_toast_set_action_target_value (toast, g_variant_new_uint32 (discard));
  g_object_set_data (G_OBJECT (toast), DISCARD_KEY, GUINT_TO_POINTER (discard));
  g_signal_connect_object (toast, "dismissed", G_CALLBACK (toast_dismissed_cb), self, 0);
  g_set_object (&self->last_toast, toast);
  adw_toast_overlay_add_toast (self->toasts, toast);
  dray_downloads_page_update_actions (self);
}

static void
undo_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *discard)
{
  dray_downloads_undo (get_downloads (widget), g_variant_get_uint32 (discard));
}

static void
undo_last_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *nothing)
{
  g_autoptr (AdwToast) toast = g_steal_pointer (&DRAY_DOWNLOADS_PAGE (widget)->last_toast);

  dray_downloads_undo (get_downloads (widget), DRAY_DOWNLOADS_PAGE (widget)->last_discard);
  adw_toast_dismiss (toast);
}

static void
launched_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayDownloadsPage) self = DRAY_DOWNLOADS_PAGE (user_data);
  g_autoptr (GError) error = NULL;

  if (!g_app_info_launch_default_for_uri_finish (result, &error))
    dray_downloads_page_tell (self, _ ("Nothing here can open that"));
}

static void
launch (DrayDownloadsPage *self, const char *uri)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  g_autoptr (GdkAppLaunchContext) context =
      gdk_display_get_app_launch_context (gtk_root_get_display (root));

  g_app_info_launch_default_for_uri_async (uri, G_APP_LAUNCH_CONTEXT (context), NULL, launched_cb,
                                           g_object_ref (self));
}

static void
open_folder (DrayDownloadsPage *self, const char *folder)
{
  g_autofree char *uri = g_filename_to_uri (folder, NULL, NULL);

  launch (self, uri);
}

static void
view_licence_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  DrayDownloadsPage *self = DRAY_DOWNLOADS_PAGE (widget);
  g_autofree char *page =
      dray_downloads_dup_page (self->downloads, g_variant_get_string (id, NULL));

  if (page != NULL)
    launch (self, page);
}

static void
open_folder_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, GVariant *id)
{
  DrayDownloadsPage *self = DRAY_DOWNLOADS_PAGE (widget);
  g_autofree char *folder =
      dray_downloads_dup_folder (self->downloads, g_variant_get_string (id, NULL));

  if (folder != NULL)
    open_folder (self, folder);
}

static void
free_up_space_cb (GtkWidget *widget, G_GNUC_UNUSED const char *name, G_GNUC_UNUSED GVariant *id)
{
  open_folder (DRAY_DOWNLOADS_PAGE (widget), DRAY_DOWNLOADS_PAGE (widget)->library);
}

static void
library_chosen_cb (DrayDownloadsPage *self, int response)
{
  g_autoptr (GFile) folder = NULL;
  const char *path = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    folder = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (self->chooser));
  if (folder != NULL)
    path = g_file_peek_path (folder);

  if (path != NULL && g_utf8_validate (path, -1, NULL))
    gtk_widget_activate_action (GTK_WIDGET (self), "app.set-library", "s", path);
  else if (folder != NULL)
    dray_downloads_page_tell (self, _ ("Models cannot be kept in that folder"));
  g_clear_object (&self->chooser);
}

static void
change_library_cb (GtkWidget *widget,
                   G_GNUC_UNUSED const char *name,
                   G_GNUC_UNUSED GVariant *nothing)
{
  DrayDownloadsPage *self = DRAY_DOWNLOADS_PAGE (widget);
  GtkWindow *window = GTK_WINDOW (gtk_widget_get_root (widget));

  if (self->chooser != NULL)
    return;

  self->chooser = GTK_NATIVE_DIALOG (
      gtk_file_chooser_native_new (_ ("Where to Keep Models"), window,
                                   GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("_Select"), NULL));
  gtk_native_dialog_set_modal (self->chooser, TRUE);
  g_signal_connect_swapped (self->chooser, "response", G_CALLBACK (library_chosen_cb), self);
  gtk_native_dialog_show (self->chooser);
}

/* Only what can be done now is enabled. */
void
dray_downloads_page_update_actions (DrayDownloadsPage *self)
{
  static const char *const actions[] = {
    "downloads.pause",     "downloads.resume",       "downloads.resume-several",
    "downloads.remove",    "downloads.start-over",   "downloads.discard",
    "downloads.hold",      "downloads.release",      "downloads.toggle-hold",
    "downloads.move-up",   "downloads.move-down",    "downloads.pause-everywhere",
    "downloads.start-now", "downloads.resume-all",   "downloads.clear",
    "downloads.undo",      "downloads.cancel-model", "downloads.change-library",
  };
  GtkWidget *widget = GTK_WIDGET (self);
  gboolean enabled = get_downloads (widget) != NULL;

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_action_set_enabled (widget, actions[i], enabled);
  gtk_widget_action_set_enabled (widget, "downloads.undo-last", enabled && self->last_discard != 0);
}

void
dray_downloads_page_install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "downloads.pause", "s", pause_cb);
  gtk_widget_class_install_action (widget_class, "downloads.resume", "s", resume_cb);
  gtk_widget_class_install_action (widget_class, "downloads.resume-several", "as",
                                   resume_several_cb);
  gtk_widget_class_install_action (widget_class, "downloads.start-over", "s", start_over_cb);
  gtk_widget_class_install_action (widget_class, "downloads.discard", "s", discard_cb);
  gtk_widget_class_install_action (widget_class, "downloads.undo", "u", undo_cb);
  gtk_widget_class_install_action (widget_class, "downloads.undo-last", NULL, undo_last_cb);
  gtk_widget_class_install_action (widget_class, "downloads.remove", "s", remove_cb);
  gtk_widget_class_install_action (widget_class, "downloads.cancel-model", "s", cancel_model_cb);
  gtk_widget_class_install_action (widget_class, "downloads.pause-everywhere", "s",
                                   pause_everywhere_cb);
  gtk_widget_class_install_action (widget_class, "downloads.start-now", "s", start_now_cb);
  gtk_widget_class_install_action (widget_class, "downloads.move-up", "s", move_cb);
  gtk_widget_class_install_action (widget_class, "downloads.move-down", "s", move_cb);
  gtk_widget_class_install_action (widget_class, "downloads.hold", NULL, hold_cb);
  gtk_widget_class_install_action (widget_class, "downloads.release", NULL, release_cb);
  gtk_widget_class_install_action (widget_class, "downloads.toggle-hold", NULL, toggle_hold_cb);
  gtk_widget_class_install_action (widget_class, "downloads.resume-all", NULL, resume_all_cb);
  gtk_widget_class_install_action (widget_class, "downloads.clear", NULL, clear_cb);
  gtk_widget_class_install_action (widget_class, "downloads.open-folder", "s", open_folder_cb);
  gtk_widget_class_install_action (widget_class, "downloads.change-library", NULL,
                                   change_library_cb);
  gtk_widget_class_install_action (widget_class, "downloads.view-licence", "s", view_licence_cb);
  gtk_widget_class_install_action (widget_class, "downloads.free-up-space", "s", free_up_space_cb);
}
