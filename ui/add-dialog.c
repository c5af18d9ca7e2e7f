/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/add-dialog.h"

#include "ui/format.h"
#include "ui/free-space.h"
#include "ui/plan-lookup.h"
#include "ui/plan-view.h"

#include "core/base/piece.h"
#include "core/library/library.h"
#include "core/library/model-name.h"
#include "core/source/source-list.h"

#include <glib/gi18n.h>

struct _DrayAddDialog
{
  AdwWindow parent_instance;

  char *library;
  char *folder; /* NULL for the library */
  DrayFreeSpace *free_space;
  DrayPlanLookup *lookup;
  GtkNativeDialog *chooser; /* NULL unless it is open */

  GtkWidget *download;
  GtkEditable *link;
  DrayPlanView *plan_view;
  AdwActionRow *folder_row;
  GtkLabel *summary;
};

G_DEFINE_FINAL_TYPE (DrayAddDialog, dray_add_dialog, ADW_TYPE_WINDOW)

static guint accepted_signal;

/* "Qwen3 32B · Q4_K_M · unsloth" */
static char *
describe_link (const char *url)
{
  g_auto (DrayModelName) name = { 0 };

  dray_model_name_init_for_link (&name, url);
  if (name.variant != NULL)
    return g_strjoin (" · ", name.title, name.variant, name.publisher, NULL);

  return g_strjoin (" · ", name.title, name.publisher, NULL);
}

/* "5 files · 20.8 GB"; one file by the name of the model, where that is known; a link, whose server
 * has told nothing yet, by what it is called. */
static char *
describe_plan (DrayAddDialog *self, const DrayPlan *plan)
{
  guint n_files = dray_plan_view_get_n_files (self->plan_view);
  gint64 size = dray_plan_view_get_size (self->plan_view);
  const DrayPlannedAsset *first = g_ptr_array_index (plan->assets, 0);
  g_autofree char *files = NULL;
  g_autofree char *bytes = NULL;

  if (size == DRAY_SIZE_UNKNOWN)
    return describe_link (first->url);

  files = n_files == 1 && plan->title != NULL
              ? g_strdup (plan->title)
              : g_strdup_printf (ngettext ("%u file", "%u files", n_files), n_files);
  bytes = dray_format_size (size);
  return g_strjoin (" · ", files, bytes, NULL);
}

static char *
describe (DrayAddDialog *self)
{
  const DrayPlan *plan = dray_plan_lookup_get_plan (self->lookup);
  const char *const *sources = dray_plan_lookup_get_sources (self->lookup);
  guint n_sources = g_strv_length ((char **) sources);

  if (dray_plan_lookup_is_busy (self->lookup))
    return g_strdup (_ ("Looking up…"));
  if (plan != NULL)
    return describe_plan (self, plan);
  if (n_sources == 1 && dray_source_list_is_file (sources[0]))
    return g_strdup (_ ("Every source in this file"));

  return n_sources > 1
             ? g_strdup_printf (ngettext ("%u source", "%u sources", n_sources), n_sources)
             : NULL;
}

/* What the chosen files lack on their drive; NULL for nothing. */
static char *
describe_missing (DrayAddDialog *self)
{
  gint64 room = dray_free_space_get_bytes (self->free_space);
  gint64 size = dray_plan_view_get_size (self->plan_view);
  g_autofree char *missing = NULL;

  if (room < 0 || size <= room)
    return NULL;

  missing = dray_format_size (size - room);
  /* Translators: a size, as in "34 GB". */
  return g_strdup_printf (_ ("Not enough space: %s missing"), missing);
}

static void
show_problem (DrayAddDialog *self, const char *problem)
{
  gtk_widget_add_css_class (GTK_WIDGET (self->summary), "problem");
  gtk_widget_remove_css_class (GTK_WIDGET (self->summary), "dim-label");
  gtk_label_set_label (self->summary, problem);
}

static void
show_summary (DrayAddDialog *self)
{
  const GError *error = dray_plan_lookup_get_error (self->lookup);
  gint64 bytes = dray_free_space_get_bytes (self->free_space);
  g_autofree char *size = dray_format_room (bytes);
  g_autofree char *room = bytes >= 0 ? g_strdup_printf (_ ("%s free"), size) : g_strdup ("");
  g_autofree char *found = describe (self);
  g_autofree char *missing = describe_missing (self);
  g_autofree char *text = NULL;

  gtk_widget_set_sensitive (self->download, found != NULL && error == NULL);
  if (error != NULL || missing != NULL)
    {
      show_problem (self, error != NULL ? error->message : missing);
      return;
    }

  gtk_widget_remove_css_class (GTK_WIDGET (self->summary), "problem");
  gtk_widget_add_css_class (GTK_WIDGET (self->summary), "dim-label");
  text = g_strjoin (found != NULL && *room != '\0' ? " · " : "", found != NULL ? found : "", room,
                    NULL);
  gtk_label_set_label (self->summary, text);
}

/* The dialog becomes as high as what there is to choose. */
static void
looked_up_cb (DrayAddDialog *self)
{
  int width, height;

  dray_plan_view_set_plan (self->plan_view, dray_plan_lookup_get_plan (self->lookup));
  show_summary (self);
  gtk_window_get_default_size (GTK_WINDOW (self), &width, &height);
  gtk_window_set_default_size (GTK_WINDOW (self), width, -1);
}

static void
resolve (DrayAddDialog *self)
{
  static const char *const none[] = { NULL };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) sources = dray_source_list_from_text (gtk_editable_get_text (self->link), &error);

  dray_plan_lookup_set_sources (self->lookup,
                                sources != NULL ? (const char *const *) sources : none);
  if (sources == NULL)
    show_problem (self, error->message);
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
  const DrayReference *reference = dray_plan_lookup_get_reference (self->lookup);
  const char *variant = dray_plan_view_get_variant (self->plan_view);
  g_auto (GStrv) sources = g_strdupv ((char **) dray_plan_lookup_get_sources (self->lookup));
  g_auto (GStrv) without = dray_plan_view_get_without (self->plan_view);

  if (reference != NULL && variant != NULL)
    {
      g_free (sources[0]);
      sources[0] = dray_reference_choose (reference, variant);
    }
  g_signal_emit (self, accepted_signal, 0, sources, self->folder, without);
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
  if (self->lookup != NULL)
    dray_plan_lookup_stop (self->lookup);
  g_clear_object (&self->lookup);
  g_clear_pointer (&self->folder, g_free);
  g_clear_pointer (&self->library, g_free);

  G_OBJECT_CLASS (dray_add_dialog_parent_class)->dispose (object);
}

static void
dray_add_dialog_class_init (DrayAddDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dray_add_dialog_dispose;

  accepted_signal =
      g_signal_new ("accepted", DRAY_TYPE_ADD_DIALOG, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 3, G_TYPE_STRV, G_TYPE_STRING, G_TYPE_STRV);

  g_type_ensure (DRAY_TYPE_PLAN_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/add-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, download);
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, link);
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, plan_view);
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, folder_row);
  gtk_widget_class_bind_template_child (widget_class, DrayAddDialog, summary);
  gtk_widget_class_bind_template_callback (widget_class, resolve);
  gtk_widget_class_bind_template_callback (widget_class, show_summary);
  gtk_widget_class_bind_template_callback (widget_class, choose_folder);
  gtk_widget_class_bind_template_callback (widget_class, accept);
}

static void
dray_add_dialog_init (DrayAddDialog *self)
{
  self->library = dray_library_get_default_root ();
  self->free_space = dray_free_space_new (self->library);
  self->lookup = dray_plan_lookup_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->free_space, "notify::bytes", G_CALLBACK (show_summary), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->lookup, "changed", G_CALLBACK (looked_up_cb), self,
                           G_CONNECT_SWAPPED);
  show_folder (self);
  show_summary (self);
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
