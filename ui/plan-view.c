/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/plan-view.h"

#include "ui/format.h"

#include "core/base/piece.h"

#include <glib/gi18n.h>
#include <unistd.h>

/* One variant or companion, and the button that chooses it. */
typedef struct
{
  char *name;
  gint64 size;
  guint n_files;
  GtkCheckButton *button;
} Choice;

struct _DrayPlanView
{
  GtkWidget parent_instance;

  GArray *variants;            /* of Choice, one of which is chosen */
  GArray *companions;          /* of Choice */
  guint n_files;               /* of the plan without its companions, where there are no variants */
  gint64 size;                 /* likewise */
  GtkWidget *variants_group;   /* NULL for none */
  GtkWidget *companions_group; /* NULL for none */
};

G_DEFINE_FINAL_TYPE (DrayPlanView, dray_plan_view, GTK_TYPE_WIDGET)

static guint changed_signal;

static void
choice_clear (gpointer data)
{
  g_free (((Choice *) data)->name);
}

static void
clear (DrayPlanView *self)
{
  g_array_set_size (self->variants, 0);
  g_array_set_size (self->companions, 0);
  g_clear_pointer (&self->variants_group, gtk_widget_unparent);
  g_clear_pointer (&self->companions_group, gtk_widget_unparent);
}

static void
dray_plan_view_dispose (GObject *object)
{
  clear (DRAY_PLAN_VIEW (object));

  G_OBJECT_CLASS (dray_plan_view_parent_class)->dispose (object);
}

static void
dray_plan_view_finalize (GObject *object)
{
  DrayPlanView *self = DRAY_PLAN_VIEW (object);

  g_array_unref (self->variants);
  g_array_unref (self->companions);

  G_OBJECT_CLASS (dray_plan_view_parent_class)->finalize (object);
}

static void
dray_plan_view_class_init (DrayPlanViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dray_plan_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = dray_plan_view_finalize;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BOX_LAYOUT);

  changed_signal = g_signal_new ("changed", DRAY_TYPE_PLAN_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
}

static void
dray_plan_view_init (DrayPlanView *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));

  gtk_orientable_set_orientation (GTK_ORIENTABLE (layout), GTK_ORIENTATION_VERTICAL);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 18);
  self->variants = g_array_new (FALSE, TRUE, sizeof (Choice));
  self->companions = g_array_new (FALSE, TRUE, sizeof (Choice));
  g_array_set_clear_func (self->variants, choice_clear);
  g_array_set_clear_func (self->companions, choice_clear);
}

static void
toggled_cb (DrayPlanView *self)
{
  g_signal_emit (self, changed_signal, 0);
}

static GtkWidget *
new_label (const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_widget_add_css_class (label, "caption");
  gtk_widget_add_css_class (label, "numeric");
  gtk_widget_add_css_class (label, css_class);
  return label;
}

static gboolean
is_too_large (gint64 size)
{
  gint64 memory = (gint64) sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE);

  return memory > 0 && size > memory;
}

static GtkWidget *
new_group (DrayPlanView *self, const char *title)
{
  GtkWidget *group = adw_preferences_group_new ();
  g_autofree char *escaped = g_markup_escape_text (title, -1);

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), escaped);
  gtk_widget_set_parent (group, GTK_WIDGET (self));
  return group;
}

/* Adds a row with a button in front, and behind a remark, if there is one, and the size. */
static Choice *
add_row (DrayPlanView *self,
         GtkWidget *group,
         GArray *choices,
         const char *name,
         GtkWidget *remark,
         gint64 size)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *button = gtk_check_button_new ();
  g_autofree char *text = size != DRAY_SIZE_UNKNOWN ? dray_format_size (size) : NULL;
  const Choice choice = { g_strdup (name), size, 1, GTK_CHECK_BUTTON (button) };

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  -1);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), button);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), button);
  if (remark != NULL)
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), remark);
  if (text != NULL)
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), new_label (text, "dim-label"));
  g_signal_connect_object (button, "toggled", G_CALLBACK (toggled_cb), self, G_CONNECT_SWAPPED);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), row);
  g_array_append_val (choices, choice);

  return &g_array_index (choices, Choice, choices->len - 1);
}

static GtkWidget *
new_remark (const DrayPlan *plan, const DrayVariant *variant)
{
  if (is_too_large (variant->size))
    return new_label (_ ("Too large for memory"), "warning");

  return g_strcmp0 (variant->name, plan->suggested) == 0 ? new_label (_ ("Suggested"), "accent")
                                                         : NULL;
}

static void
add_variant (DrayPlanView *self, const DrayPlan *plan, const DrayVariant *variant)
{
  Choice *choice = add_row (self, self->variants_group, self->variants, variant->name,
                            new_remark (plan, variant), variant->size);
  Choice *first = &g_array_index (self->variants, Choice, 0);

  choice->n_files = variant->n_files;
  if (choice != first)
    gtk_check_button_set_group (choice->button, first->button);
  gtk_check_button_set_active (choice->button, g_strcmp0 (variant->name, plan->variant) == 0);
}

static void
add_companion (DrayPlanView *self, const DrayPlannedAsset *asset)
{
  Choice *choice;

  if (self->companions_group == NULL)
    self->companions_group = new_group (self, _ ("Companions"));
  choice = add_row (self, self->companions_group, self->companions, asset->name, NULL, asset->size);
  gtk_check_button_set_active (choice->button, TRUE);
}

/**
 * dray_plan_view_set_plan:
 * @self: a plan view
 * @plan: (nullable): what there is; %NULL for nothing
 */
void
dray_plan_view_set_plan (DrayPlanView *self, const DrayPlan *plan)
{
  clear (self);
  self->n_files = 0;
  self->size = 0;
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  if (plan == NULL)
    return;

  if (plan->variants->len > 1)
    self->variants_group = new_group (self, plan->title != NULL ? plan->title : _ ("Variants"));
  for (guint i = 0; self->variants_group != NULL && i < plan->variants->len; i++)
    add_variant (self, plan, g_ptr_array_index (plan->variants, i));

  for (guint i = 0; i < plan->assets->len; i++)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i);

      if (asset->is_companion && asset->name != NULL)
        {
          add_companion (self, asset);
          continue;
        }
      self->n_files++;
      self->size = self->size == DRAY_SIZE_UNKNOWN || asset->size == DRAY_SIZE_UNKNOWN
                       ? DRAY_SIZE_UNKNOWN
                       : self->size + asset->size;
    }
  gtk_widget_set_visible (GTK_WIDGET (self),
                          self->variants_group != NULL || self->companions_group != NULL);
}

static const Choice *
find_chosen (DrayPlanView *self)
{
  for (guint i = 0; i < self->variants->len; i++)
    {
      const Choice *choice = &g_array_index (self->variants, Choice, i);

      if (gtk_check_button_get_active (choice->button))
        return choice;
    }

  return NULL;
}

/**
 * dray_plan_view_get_variant:
 * @self: a plan view
 *
 * Returns: (transfer none) (nullable): the variant that is chosen; %NULL if there is no choice
 */
const char *
dray_plan_view_get_variant (DrayPlanView *self)
{
  const Choice *chosen = find_chosen (self);

  return chosen != NULL ? chosen->name : NULL;
}

/**
 * dray_plan_view_get_without:
 * @self: a plan view
 *
 * Returns: (transfer full): the names of companions that are not to come along
 */
GStrv
dray_plan_view_get_without (DrayPlanView *self)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (guint i = 0; i < self->companions->len; i++)
    {
      const Choice *choice = &g_array_index (self->companions, Choice, i);

      if (!gtk_check_button_get_active (choice->button))
        g_strv_builder_add (names, choice->name);
    }

  return g_strv_builder_end (names);
}

/**
 * dray_plan_view_get_n_files:
 * @self: a plan view
 *
 * Returns: how many files are chosen
 */
guint
dray_plan_view_get_n_files (DrayPlanView *self)
{
  const Choice *chosen = find_chosen (self);
  guint n_files = chosen != NULL ? chosen->n_files : self->n_files;

  for (guint i = 0; i < self->companions->len; i++)
    n_files += gtk_check_button_get_active (g_array_index (self->companions, Choice, i).button);

  return n_files;
}

/**
 * dray_plan_view_get_size:
 * @self: a plan view
 *
 * Returns: how large the chosen files are together, or %DRAY_SIZE_UNKNOWN
 */
gint64
dray_plan_view_get_size (DrayPlanView *self)
{
  const Choice *chosen = find_chosen (self);
  gint64 size = chosen != NULL ? chosen->size : self->size;

  for (guint i = 0; size != DRAY_SIZE_UNKNOWN && i < self->companions->len; i++)
    {
      const Choice *choice = &g_array_index (self->companions, Choice, i);

      if (gtk_check_button_get_active (choice->button))
        size = choice->size == DRAY_SIZE_UNKNOWN ? DRAY_SIZE_UNKNOWN : size + choice->size;
    }

  return size;
}
