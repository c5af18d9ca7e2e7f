/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/heading-row.h"

#include "ui/format.h"

#include <glib/gi18n.h>

struct _DrayHeadingRow
{
  GtkBox parent_instance;

  DraySection *section;
};

enum
{
  PROP_0,
  PROP_SECTION,
  PROP_BUTTON_LABEL,
  PROP_BUTTON_ACTION,
  PROP_HAS_BUTTON,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayHeadingRow, dray_heading_row, GTK_TYPE_BOX)

/* What each section is called and what can be done to all of it, by DrayModelSection. */
static const struct
{
  const char *title;
  const char *button_label;
  const char *button_action;
} words[DRAY_N_MODEL_SECTIONS] = {
  [DRAY_MODEL_IN_PROGRESS] = { N_ ("In Progress"), N_ ("Pause All"), "downloads.pause-all" },
  [DRAY_MODEL_NEEDS_YOU] = { N_ ("Needs You"), NULL, NULL },
  [DRAY_MODEL_PAUSED] = { N_ ("Paused"), N_ ("Resume All"), "downloads.resume-all" },
  [DRAY_MODEL_FINISHED] = { N_ ("Finished"), N_ ("Clear"), "downloads.clear" },
};

static char *
dup_title (G_GNUC_UNUSED gpointer object, DrayModelSection kind)
{
  return g_strdup (_ (words[kind].title));
}

static char *
dup_note (G_GNUC_UNUSED gpointer object,
          DrayModelSection kind,
          guint n_models,
          gint64 speed,
          gint64 free_bytes)
{
  g_autofree char *speed_text = dray_format_speed (speed);
  g_autofree char *free_size = dray_format_size (free_bytes);
  g_autofree char *free_text = NULL;

  if (kind == DRAY_MODEL_NEEDS_YOU)
    return g_strdup_printf ("%u", n_models);
  if (kind != DRAY_MODEL_IN_PROGRESS)
    return g_strdup ("");

  /* Translators: room on the drive, as in "118 GB free". */
  free_text = g_strdup_printf (_ ("%s free"), free_size);
  if (free_bytes < 0)
    return g_strdup (speed > 0 ? speed_text : "");
  if (speed <= 0)
    return g_steal_pointer (&free_text);

  return g_strconcat (speed_text, " · ", free_text, NULL);
}

static void
dray_heading_row_dispose (GObject *object)
{
  g_clear_object (&DRAY_HEADING_ROW (object)->section);

  G_OBJECT_CLASS (dray_heading_row_parent_class)->dispose (object);
}

/* The button's properties are bound to the row's and not looked up in the section: a button that was
 * clicked may outlive its row, and the expression of a lookup may not. */
static void
dray_heading_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayHeadingRow *self = DRAY_HEADING_ROW (object);
  DrayModelSection kind
      = self->section != NULL ? dray_section_get_kind (self->section) : DRAY_MODEL_NEEDS_YOU;

  switch (id)
    {
    case PROP_SECTION:
      g_value_set_object (value, self->section);
      break;

    case PROP_BUTTON_LABEL:
      g_value_set_string (
          value, words[kind].button_label != NULL ? _ (words[kind].button_label) : "");
      break;

    case PROP_BUTTON_ACTION:
      g_value_set_string (value, words[kind].button_action);
      break;

    case PROP_HAS_BUTTON:
      g_value_set_boolean (value, words[kind].button_action != NULL);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_heading_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  DrayHeadingRow *self = DRAY_HEADING_ROW (object);

  if (id != PROP_SECTION)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }

  if (g_set_object (&self->section, g_value_get_object (value)) && self->section != NULL)
    for (guint i = PROP_BUTTON_LABEL; i < N_PROPS; i++)
      g_object_notify_by_pspec (object, properties[i]);
}

static void
dray_heading_row_class_init (DrayHeadingRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags shown = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = dray_heading_row_dispose;
  object_class->get_property = dray_heading_row_get_property;
  object_class->set_property = dray_heading_row_set_property;

  properties[PROP_SECTION] = g_param_spec_object ("section", NULL, NULL, DRAY_TYPE_SECTION,
                                                  G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_BUTTON_LABEL] = g_param_spec_string ("button-label", NULL, NULL, NULL, shown);
  properties[PROP_BUTTON_ACTION] = g_param_spec_string ("button-action", NULL, NULL, NULL, shown);
  properties[PROP_HAS_BUTTON] = g_param_spec_boolean ("has-button", NULL, NULL, FALSE, shown);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (DRAY_TYPE_SECTION);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/heading-row.ui");
  gtk_widget_class_bind_template_callback (widget_class, dup_title);
  gtk_widget_class_bind_template_callback (widget_class, dup_note);
}

static void
dray_heading_row_init (DrayHeadingRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
