/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/request-row.h"

#include "ui/format.h"
#include "ui/progress-view.h"

struct _DrayRequestRow
{
  GtkBox parent_instance;

  GtkTreeListRow *tree_row;
  DrayModel *model;
  DrayRequest *request;
  char *file_name;
  char *title;

  DrayRowButtons *buttons;
};

enum
{
  PROP_0,
  PROP_TREE_ROW,
  PROP_REQUEST,
  PROP_FILE_NAME,
  PROP_TITLE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayRequestRow, dray_request_row, GTK_TYPE_BOX)

/* The card ends with the model's last file. */
static void
update_shape (DrayRequestRow *self)
{
  guint n_requests = dray_model_get_n_requests (self->model);

  if (n_requests > 0 && dray_model_get_request (self->model, n_requests - 1) == self->request)
    gtk_widget_add_css_class (GTK_WIDGET (self), "last");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "last");
}

static void
release (DrayRequestRow *self)
{
  if (self->model != NULL)
    g_signal_handlers_disconnect_by_data (self->model, self);
  if (self->request != NULL)
    g_signal_handlers_disconnect_by_data (self->request, self);
  g_clear_object (&self->model);
  g_clear_object (&self->request);
  g_clear_object (&self->tree_row);
}

static void
update_title (DrayRequestRow *self)
{
  g_free (self->file_name);
  g_free (self->title);
  self->file_name = dray_format_file_name (self->request);
  self->title = dray_format_file_title (self->file_name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  self->file_name, -1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FILE_NAME]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
}

static void
set_tree_row (DrayRequestRow *self, GtkTreeListRow *tree_row)
{
  g_autoptr (GtkTreeListRow) parent = NULL;

  if (self->tree_row == tree_row)
    return;

  release (self);
  if (tree_row != NULL)
    {
      parent = gtk_tree_list_row_get_parent (tree_row);
      self->tree_row = g_object_ref (tree_row);
      self->model = gtk_tree_list_row_get_item (parent);
      self->request = gtk_tree_list_row_get_item (tree_row);
      g_signal_connect_swapped (self->model, "items-changed", G_CALLBACK (update_shape), self);
      g_signal_connect_swapped (self->request, "notify::path", G_CALLBACK (update_title), self);
      update_shape (self);
      update_title (self);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REQUEST]);
}

static void
dray_request_row_dispose (GObject *object)
{
  release (DRAY_REQUEST_ROW (object));
  gtk_widget_dispose_template (GTK_WIDGET (object), DRAY_TYPE_REQUEST_ROW);

  G_OBJECT_CLASS (dray_request_row_parent_class)->dispose (object);
}

static void
dray_request_row_finalize (GObject *object)
{
  DrayRequestRow *self = DRAY_REQUEST_ROW (object);

  g_free (self->file_name);
  g_free (self->title);

  G_OBJECT_CLASS (dray_request_row_parent_class)->finalize (object);
}

static void
dray_request_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayRequestRow *self = DRAY_REQUEST_ROW (object);

  switch (id)
    {
    case PROP_TREE_ROW:
      g_value_set_object (value, self->tree_row);
      break;

    case PROP_REQUEST:
      g_value_set_object (value, self->request);
      break;

    case PROP_FILE_NAME:
      g_value_set_string (value, self->file_name);
      break;

    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_request_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TREE_ROW)
    set_tree_row (DRAY_REQUEST_ROW (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
dray_request_row_class_init (DrayRequestRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags shown = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = dray_request_row_dispose;
  object_class->finalize = dray_request_row_finalize;
  object_class->get_property = dray_request_row_get_property;
  object_class->set_property = dray_request_row_set_property;

  properties[PROP_TREE_ROW]
      = g_param_spec_object ("tree-row", NULL, NULL, GTK_TYPE_TREE_LIST_ROW,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_REQUEST]
      = g_param_spec_object ("request", NULL, NULL, DRAY_TYPE_REQUEST, shown);
  properties[PROP_FILE_NAME] = g_param_spec_string ("file-name", NULL, NULL, NULL, shown);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, shown);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (DRAY_TYPE_PROGRESS_VIEW);
  g_type_ensure (DRAY_TYPE_ROW_BUTTONS);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/request-row.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayRequestRow, buttons);
}

static void
dray_request_row_init (DrayRequestRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

DrayRowButtons *
dray_request_row_get_buttons (DrayRequestRow *self)
{
  return self->buttons;
}
