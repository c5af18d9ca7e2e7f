/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/heading-row.h"

#include "ui/format.h"
#include "ui/status-line.h"

#include <glib/gi18n.h>

struct _DrayHeadingRow
{
  GtkBox parent_instance;

  DraySection *section;

  DrayStatusLine *note;
};

enum
{
  PROP_0,
  PROP_SECTION,
  PROP_TITLE,
  PROP_BUTTON_LABEL,
  PROP_BUTTON_ACTION,
  PROP_HAS_BUTTON,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayHeadingRow, dray_heading_row, GTK_TYPE_BOX)

typedef struct
{
  const char *title;
  const char *button_label;
  const char *button_action;
} Words;

/* What each section is called and what can be done to all of it, by DrayModelSection. */
static const Words words[DRAY_N_MODEL_SECTIONS] = {
  [DRAY_MODEL_IN_PROGRESS] = { N_ ("In Progress"), N_ ("Pause All"), "downloads.hold" },
  [DRAY_MODEL_NEEDS_YOU] = { N_ ("Needs You"), NULL, NULL },
  [DRAY_MODEL_PAUSED] = { N_ ("Paused"), N_ ("Resume All"), "downloads.resume-all" },
  [DRAY_MODEL_FINISHED] = { N_ ("Finished"), N_ ("Clear"), "downloads.clear" },
};

/* What is in progress while everything is held. */
static const Words held_words = { N_ ("On Hold"), N_ ("Resume All"), "downloads.release" };

static const Words *
get_words (DrayHeadingRow *self)
{
  if (self->section == NULL)
    return &words[DRAY_MODEL_NEEDS_YOU];
  if (dray_section_get_held (self->section))
    return &held_words;

  return &words[dray_section_get_kind (self->section)];
}

static char *
format_note (DraySection *section)
{
  DrayModelSection kind = dray_section_get_kind (section);
  gint64 speed = dray_section_get_speed (section);
  gint64 free_bytes = dray_section_get_free_bytes (section);
  g_autofree char *speed_text = dray_format_speed (speed);
  g_autofree char *free_text = NULL;
  g_autofree char *room = NULL;

  if (kind == DRAY_MODEL_NEEDS_YOU)
    return g_strdup_printf ("%u", dray_section_get_n_models (section));
  if (kind != DRAY_MODEL_IN_PROGRESS)
    return g_strdup ("");
  if (free_bytes < 0)
    return g_strdup (speed > 0 ? speed_text : "");

  room = dray_format_room (free_bytes);
  /* Translators: room on the drive, as in "118 GB free". */
  free_text = g_strdup_printf (_ ("%s free"), room);
  if (speed <= 0)
    return g_steal_pointer (&free_text);

  return g_strconcat (speed_text, " · ", free_text, NULL);
}

static void
update_note (DrayHeadingRow *self)
{
  g_autofree char *note = format_note (self->section);

  dray_status_line_set_text (self->note, note, "");
}

static void
update_words (DrayHeadingRow *self)
{
  for (guint i = PROP_TITLE; i < N_PROPS; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
}

static void
set_section (DrayHeadingRow *self, DraySection *section)
{
  if (self->section == section)
    return;

  if (self->section != NULL)
    g_signal_handlers_disconnect_by_data (self->section, self);
  g_set_object (&self->section, section);
  if (section == NULL)
    return;

  g_signal_connect_swapped (section, "notify", G_CALLBACK (update_note), self);
  g_signal_connect_swapped (section, "notify::held", G_CALLBACK (update_words), self);
  update_note (self);
  update_words (self);
}

static void
dray_heading_row_dispose (GObject *object)
{
  set_section (DRAY_HEADING_ROW (object), NULL);
  gtk_widget_dispose_template (GTK_WIDGET (object), DRAY_TYPE_HEADING_ROW);

  G_OBJECT_CLASS (dray_heading_row_parent_class)->dispose (object);
}

static void
dray_heading_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayHeadingRow *self = DRAY_HEADING_ROW (object);
  const Words *own = get_words (self);

  switch (id)
    {
    case PROP_SECTION:
      g_value_set_object (value, self->section);
      break;

    case PROP_TITLE:
      g_value_set_string (value, _ (own->title));
      break;

    case PROP_BUTTON_LABEL:
      g_value_set_string (value, own->button_label != NULL ? _ (own->button_label) : "");
      break;

    case PROP_BUTTON_ACTION:
      g_value_set_string (value, own->button_action);
      break;

    case PROP_HAS_BUTTON:
      g_value_set_boolean (value, own->button_action != NULL);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_heading_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SECTION)
    set_section (DRAY_HEADING_ROW (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
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
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, shown);
  properties[PROP_BUTTON_LABEL] = g_param_spec_string ("button-label", NULL, NULL, NULL, shown);
  properties[PROP_BUTTON_ACTION] = g_param_spec_string ("button-action", NULL, NULL, NULL, shown);
  properties[PROP_HAS_BUTTON] = g_param_spec_boolean ("has-button", NULL, NULL, FALSE, shown);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (DRAY_TYPE_STATUS_LINE);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/heading-row.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayHeadingRow, note);
}

static void
dray_heading_row_init (DrayHeadingRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
