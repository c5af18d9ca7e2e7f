/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/model-row.h"

#include "ui/format.h"
#include "ui/progress-view.h"

#include <glib/gi18n.h>

struct _DrayModelRow
{
  GtkBox parent_instance;

  GtkTreeListRow *tree_row;
  DrayModel *model;
  GBinding *unfolding; /* between the tree's row and the button; NULL for none */

  GtkToggleButton *unfold;
  DrayRowButtons *buttons;
};

enum
{
  PROP_0,
  PROP_TREE_ROW,
  PROP_SUBJECT,
  PROP_TITLE,
  PROP_SUBTITLE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayModelRow, dray_model_row, GTK_TYPE_BOX)

static gboolean
is_group (DrayModelRow *self)
{
  return self->model != NULL && dray_model_get_n_requests (self->model) > 1;
}

static void
unfold_toggled_cb (DrayModelRow *self)
{
  gboolean active = gtk_toggle_button_get_active (self->unfold);

  gtk_button_set_icon_name (GTK_BUTTON (self->unfold),
                            active ? "pan-down-symbolic" : "pan-end-symbolic");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->unfold),
                               active ? _ ("Hide Files") : _ ("Show Files"));
}

static void
update_subtitle (DrayModelRow *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SUBTITLE]);
}

static void
name_parts (DrayModelRow *self)
{
  const char *title = dray_model_get_title (self->model);
  /* Translators: for a screen reader: the button that shows or hides the files of a model. */
  g_autofree char *unfold_name = g_strdup_printf (_ ("Files of %s"), title);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->unfold), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  unfold_name, -1);
}

/* The card ends here unless its files follow. */
static void
update_shape (DrayModelRow *self)
{
  gboolean unfolded = is_group (self) && gtk_tree_list_row_get_expanded (self->tree_row);

  if (unfolded)
    gtk_widget_remove_css_class (GTK_WIDGET (self), "last");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self), "last");
  if (is_group (self))
    gtk_widget_add_css_class (GTK_WIDGET (self), "group");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "group");
}

static void
release (DrayModelRow *self)
{
  if (self->tree_row != NULL)
    g_signal_handlers_disconnect_by_data (self->tree_row, self);
  if (self->unfolding != NULL)
    g_binding_unbind (self->unfolding);
  g_clear_object (&self->unfolding);
  if (self->model != NULL)
    g_signal_handlers_disconnect_by_data (self->model, self);
  g_clear_object (&self->model);
  g_clear_object (&self->tree_row);
}

static void
set_tree_row (DrayModelRow *self, GtkTreeListRow *tree_row)
{
  if (self->tree_row == tree_row)
    return;

  release (self);
  if (tree_row == NULL)
    {
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SUBJECT]);
      return;
    }

  self->tree_row = g_object_ref (tree_row);
  self->model = gtk_tree_list_row_get_item (tree_row);
  g_signal_connect_swapped (self->model, "notify::n-files", G_CALLBACK (update_subtitle), self);
  if (is_group (self))
    {
      self->unfolding = g_object_ref (
          g_object_bind_property (tree_row, "expanded", self->unfold, "active",
                                  G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL));
      g_signal_connect_swapped (tree_row, "notify::expanded", G_CALLBACK (update_shape), self);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->unfold), is_group (self));
  update_shape (self);
  name_parts (self);
  for (guint i = PROP_SUBJECT; i < N_PROPS; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
}

/* What the buttons act on: the one request, which knows its error and its reason, or the model. */
static GObject *
get_subject (DrayModelRow *self)
{
  if (self->model == NULL || is_group (self) || dray_model_get_n_requests (self->model) == 0)
    return (GObject *) self->model;

  return G_OBJECT (dray_model_get_request (self->model, 0));
}

static void
dray_model_row_dispose (GObject *object)
{
  release (DRAY_MODEL_ROW (object));
  gtk_widget_dispose_template (GTK_WIDGET (object), DRAY_TYPE_MODEL_ROW);

  G_OBJECT_CLASS (dray_model_row_parent_class)->dispose (object);
}

static void
dray_model_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayModelRow *self = DRAY_MODEL_ROW (object);

  switch (id)
    {
    case PROP_TREE_ROW:
      g_value_set_object (value, self->tree_row);
      break;

    case PROP_SUBJECT:
      g_value_set_object (value, get_subject (self));
      break;

    case PROP_TITLE:
      g_value_set_string (value, self->model != NULL ? dray_model_get_title (self->model) : "");
      break;

    case PROP_SUBTITLE:
      g_value_take_string (value, self->model != NULL ? dray_format_subtitle (self->model) : NULL);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_model_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TREE_ROW)
    set_tree_row (DRAY_MODEL_ROW (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
dray_model_row_class_init (DrayModelRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags shown = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = dray_model_row_dispose;
  object_class->get_property = dray_model_row_get_property;
  object_class->set_property = dray_model_row_set_property;

  properties[PROP_TREE_ROW]
      = g_param_spec_object ("tree-row", NULL, NULL, GTK_TYPE_TREE_LIST_ROW,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_SUBJECT] = g_param_spec_object ("subject", NULL, NULL, G_TYPE_OBJECT, shown);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, shown);
  properties[PROP_SUBTITLE] = g_param_spec_string ("subtitle", NULL, NULL, NULL, shown);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (DRAY_TYPE_PROGRESS_VIEW);
  g_type_ensure (DRAY_TYPE_ROW_BUTTONS);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/model-row.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayModelRow, unfold);
  gtk_widget_class_bind_template_child (widget_class, DrayModelRow, buttons);
  gtk_widget_class_bind_template_callback (widget_class, unfold_toggled_cb);
}

static void
dray_model_row_init (DrayModelRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  unfold_toggled_cb (self);
}

DrayRowButtons *
dray_model_row_get_buttons (DrayModelRow *self)
{
  return self->buttons;
}
