/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/add-dialog.h"

#include "ui/drop-target.h"
#include "ui/format.h"
#include "ui/free-space.h"

#include "core/library/library.h"
#include "core/library/model-name.h"
#include "core/source/reference.h"

#include <glib/gi18n.h>

struct _DrayAddDialog
{
  AdwWindow parent_instance;

  char *library;
  char *folder; /* NULL for the library */
  DrayFreeSpace *free_space;
  GtkNativeDialog *chooser; /* NULL unless it is open */

  GtkWidget *download;
  GtkEditable *link;
  AdwActionRow *folder_row;
  GtkLabel *summary;
};

G_DEFINE_FINAL_TYPE (DrayAddDialog, dray_add_dialog, ADW_TYPE_WINDOW)

static guint accepted_signal;

/* "Qwen3 32B · Q4_K_M · unsloth"; of several links "3 files". */
static char *
describe_sources (const char *const *sources, GError **error)
{
  g_autoptr (DrayReference) reference = NULL;
  g_auto (DrayModelName) name = { 0 };
  guint n_sources = g_strv_length ((char **) sources);

  for (guint i = 1; i < n_sources; i++)
    {
      g_autoptr (DrayReference) other = dray_reference_parse (sources[i], error);

      if (other == NULL)
        return NULL;
    }
  reference = dray_reference_parse (sources[0], error);
  if (reference == NULL)
    return NULL;
  if (n_sources > 1)
    return g_strdup_printf (ngettext ("%u file", "%u files", n_sources), n_sources);

  if (reference->url == NULL)
    return g_strdup (reference->model_id);

  dray_model_name_init_for_link (&name, reference->url);
  if (name.variant != NULL)
    return g_strjoin (" · ", name.title, name.variant, name.publisher, NULL);

  return g_strjoin (" · ", name.title, name.publisher, NULL);
}

static void
show_summary (DrayAddDialog *self, const char *found, const char *problem)
{
  gint64 bytes = dray_free_space_get_bytes (self->free_space);
  g_autofree char *size = dray_format_room (bytes);
  g_autofree char *room = bytes >= 0 ? g_strdup_printf (_ ("%s free"), size) : g_strdup ("");
  g_autofree char *text = NULL;

  if (problem != NULL)
    {
      gtk_widget_add_css_class (GTK_WIDGET (self->summary), "problem");
      gtk_widget_remove_css_class (GTK_WIDGET (self->summary), "dim-label");
      gtk_label_set_label (self->summary, problem);
      return;
    }

  gtk_widget_remove_css_class (GTK_WIDGET (self->summary), "problem");
  gtk_widget_add_css_class (GTK_WIDGET (self->summary), "dim-label");
  text = g_strjoin (found != NULL && *room != '\0' ? " · " : "", found != NULL ? found : "", room,
                    NULL);
  gtk_label_set_label (self->summary, text);
}

static void
resolve (DrayAddDialog *self)
{
  g_auto (GStrv) sources = dray_sources_from_text (gtk_editable_get_text (self->link));
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  if (sources[0] != NULL)
    found = describe_sources ((const char *const *) sources, &error);
  gtk_widget_set_sensitive (self->download, found != NULL);
  show_summary (self, found, error != NULL ? error->message : NULL);
}

static void
show_folder (DrayAddDialog *self)
{
  const char *folder = self->folder != NULL ? self->folder : self->library;
  g_autofree char *shown = dray_format_folder (folder);
  g_autofree char *escaped = g_markup_escape_text (shown, -1);

  adw_action_row_set_subtitle (self->folder_row, escaped);
  dray_free_space_set_folder (self->free_space, folder);
}

static void
chosen_cb (DrayAddDialog *self, int response)
{
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (self->chooser));
  if (file != NULL && g_file_peek_path (file) != NULL
      && g_utf8_validate (g_file_peek_path (file), -1, NULL))
    {
      g_free (self->folder);
      self->folder = g_file_get_path (file);
      show_folder (self);
    }
  g_clear_object (&self->chooser);
}

static void
choose_folder (DrayAddDialog *self)
{
  if (self->chooser != NULL)
    return;

  self->chooser = GTK_NATIVE_DIALOG (
      gtk_file_chooser_native_new (_ ("Folder for the Model"), GTK_WINDOW (self),
                                   GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("_Select"), NULL));
  gtk_native_dialog_set_modal (self->chooser, TRUE);
  g_signal_connect_swapped (self->chooser, "response", G_CALLBACK (chosen_cb), self);
  gtk_native_dialog_show (self->chooser);
}

static void
accept (DrayAddDialog *self)
{
  g_auto (GStrv) sources = dray_sources_from_text (gtk_editable_get_text (self->link));

  g_signal_emit (self, accepted_signal, 0, sources, self->folder);
  gtk_window_close (GTK_WINDOW (self));
}

static void
dray_add_dialog_dispose (GObject *object)
{
  DrayAddDialog *self = DRAY_ADD_DIALOG (object);

  if (self->chooser != NULL)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  g_clear_object (&self->free_space);
  g_clear_pointer (&self->folder, g_free);
  g_clear_pointer (&self->library, g_free);

  G_OBJECT_CLASS (dray_add_dialog_parent_class)->dispose (object);
}

static void
dray_add_dialog_class_init (DrayAddDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dray_add_dialog_dispose;

  accepted_signal
      = g_signal_new ("accepted", DRAY_TYPE_ADD_DIALOG, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_STRV, G_TYPE_STRING);

  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/add-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, download);
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, link);
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, folder_row);
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, summary);
  gtk_widget_class_bind_template_callback (widget_class, resolve);
  gtk_widget_class_bind_template_callback (widget_class, choose_folder);
  gtk_widget_class_bind_template_callback (widget_class, accept);
}

static void
dray_add_dialog_init (DrayAddDialog *self)
{
  self->library = dray_library_get_default_root ();
  self->free_space = dray_free_space_new (self->library);
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->free_space, "notify::bytes", G_CALLBACK (resolve), self,
                           G_CONNECT_SWAPPED);
  show_folder (self);
  resolve (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->link));
}

/**
 * dray_add_dialog_new:
 * @parent: the window over which it opens
 * @library: the absolute folder that is used unless another one is chosen
 *
 * Returns: (transfer none): a dialog
 */
DrayAddDialog *
dray_add_dialog_new (GtkWindow *parent, const char *library)
{
  DrayAddDialog *self = g_object_new (DRAY_TYPE_ADD_DIALOG, "transient-for", parent, NULL);

  g_free (self->library);
  self->library = g_strdup (library);
  show_folder (self);

  return self;
}
