/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/row-buttons.h"

#include "core/base/error.h"
#include "core/request/model.h"

#include <glib/gi18n.h>

struct _DrayRowButtons
{
  GtkWidget parent_instance;

  GObject *subject;  /* DrayRequest or DrayModel; NULL for none */
  char *name;        /* what the subject is called */
  gboolean in_group; /* whether the subject is one file of several */
  const char *help_action;

  GtkWidget *help;
  GtkWidget *start_now;
  GtkWidget *pause;
  GtkWidget *resume;
  GtkWidget *open_folder;
  GtkWidget *cancel_all;
  GtkWidget *discard;
  GtkWidget *remove;
};

enum
{
  PROP_0,
  PROP_SUBJECT,
  PROP_NAME,
  PROP_IN_GROUP,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayRowButtons, dray_row_buttons, GTK_TYPE_WIDGET)

static const char *
get_id (DrayRowButtons *self)
{
  if (DRAY_IS_MODEL (self->subject))
    return dray_model_get_id (DRAY_MODEL (self->subject));

  return dray_request_get_id (DRAY_REQUEST (self->subject));
}

static void
act (DrayRowButtons *self, const char *action)
{
  if (self->subject != NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), action, "s", get_id (self));
}

static void
help_clicked_cb (DrayRowButtons *self)
{
  act (self, self->help_action);
}

static void
start_now_clicked_cb (DrayRowButtons *self)
{
  act (self, "downloads.start-now");
}

static void
pause_clicked_cb (DrayRowButtons *self)
{
  act (self, "downloads.pause");
}

static void
resume_clicked_cb (DrayRowButtons *self)
{
  act (self, "downloads.resume");
}

static void
open_folder_clicked_cb (DrayRowButtons *self)
{
  act (self, "downloads.open-folder");
}

static void
cancel_all_clicked_cb (DrayRowButtons *self)
{
  act (self, "downloads.cancel-model");
}

static void
discard_clicked_cb (DrayRowButtons *self)
{
  act (self, "downloads.discard");
}

static void
remove_clicked_cb (DrayRowButtons *self)
{
  act (self, "downloads.remove");
}

static DrayRequestState
get_state (DrayRowButtons *self)
{
  if (DRAY_IS_MODEL (self->subject))
    return dray_model_get_state (DRAY_MODEL (self->subject));

  return dray_request_get_state (DRAY_REQUEST (self->subject));
}

/* The one button that helps with an error; a model of several files shows it in the file's row. */
static const char *
find_help (DrayRowButtons *self)
{
  const GError *error = NULL;

  self->help_action = "downloads.resume";
  if (DRAY_IS_REQUEST (self->subject))
    error = dray_request_get_error (DRAY_REQUEST (self->subject));

  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_CHECKSUM_MISMATCH))
    return _ ("Repair");
  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_CHANGED)
      || g_error_matches (error, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING))
    {
      self->help_action = "downloads.start-over";
      return _ ("Start Over");
    }
  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_DISK_FULL))
    {
      self->help_action = "downloads.free-up-space";
      return _ ("Free Up Space");
    }

  if (g_error_matches (error, DRAY_ERROR, DRAY_ERROR_GATED))
    {
      self->help_action = "downloads.view-licence";
      return _ ("View Licence");
    }

  return _ ("Try Again");
}

/* A name of its own for every button, since "Pause" stands in every row. */
static void
name_button (DrayRowButtons *self, GtkWidget *button)
{
  const char *label = gtk_widget_get_tooltip_text (button);
  g_autofree char *name = NULL;

  if (label == NULL)
    label = gtk_button_get_label (GTK_BUTTON (button));
  if (label == NULL)
    return;

  /* Translators: for a screen reader, as in "Pause Qwen3 32B": what a button does, to what. */
  name = g_strdup_printf (C_ ("button", "%s %s"), label, self->name != NULL ? self->name : "");
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  /* A button with a text is labelled by that text, which later versions of GTK put first. */
  gtk_accessible_reset_relation (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
}

static void
update_names (DrayRowButtons *self)
{
  GtkWidget *button;

  for (button = gtk_widget_get_first_child (GTK_WIDGET (self)); button != NULL;
       button = gtk_widget_get_next_sibling (button))
    name_button (self, button);
}

/* Whether what helps is done outside, so that the person comes back and goes on. */
static gboolean
is_elsewhere (DrayRowButtons *self)
{
  return g_str_equal (self->help_action, "downloads.free-up-space")
         || g_str_equal (self->help_action, "downloads.view-licence");
}

static void
update (DrayRowButtons *self)
{
  gboolean is_group = DRAY_IS_MODEL (self->subject);
  gboolean running, failed, complete;
  const char *help;

  if (self->subject == NULL)
    return;

  running = dray_request_state_is_running (get_state (self));
  failed = get_state (self) == DRAY_REQUEST_FAILED;
  complete = get_state (self) == DRAY_REQUEST_COMPLETED;
  help = failed ? find_help (self) : NULL;

  gtk_widget_set_visible (self->help, failed);
  gtk_widget_set_visible (self->start_now, get_state (self) == DRAY_REQUEST_QUEUED);
  gtk_widget_set_visible (self->pause, running);
  gtk_widget_set_visible (self->resume, get_state (self) == DRAY_REQUEST_PAUSED
                                            || (failed && is_elsewhere (self)));
  gtk_widget_set_visible (self->open_folder, complete);
  gtk_widget_set_visible (self->cancel_all, running && is_group);
  gtk_widget_set_visible (self->discard, !complete && !(running && is_group));
  gtk_widget_set_visible (self->remove, complete && !self->in_group);
  if (help != NULL)
    {
      gtk_button_set_label (GTK_BUTTON (self->help), help);
      name_button (self, self->help);
    }
}

static void
set_subject (DrayRowButtons *self, GObject *subject)
{
  if (subject == self->subject)
    return;

  if (self->subject != NULL)
    g_signal_handlers_disconnect_by_func (self->subject, update, self);
  g_set_object (&self->subject, subject);
  if (subject != NULL)
    g_signal_connect_swapped (subject, "notify::state", G_CALLBACK (update), self);
  update (self);
}

static void
dray_row_buttons_dispose (GObject *object)
{
  DrayRowButtons *self = DRAY_ROW_BUTTONS (object);
  GtkWidget *child;

  set_subject (self, NULL);
  gtk_widget_dispose_template (GTK_WIDGET (self), DRAY_TYPE_ROW_BUTTONS);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);

  G_OBJECT_CLASS (dray_row_buttons_parent_class)->dispose (object);
}

static void
dray_row_buttons_finalize (GObject *object)
{
  g_free (DRAY_ROW_BUTTONS (object)->name);

  G_OBJECT_CLASS (dray_row_buttons_parent_class)->finalize (object);
}

static void
dray_row_buttons_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayRowButtons *self = DRAY_ROW_BUTTONS (object);

  switch (id)
    {
    case PROP_SUBJECT:
      g_value_set_object (value, self->subject);
      break;

    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_IN_GROUP:
      g_value_set_boolean (value, self->in_group);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_row_buttons_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  DrayRowButtons *self = DRAY_ROW_BUTTONS (object);

  switch (id)
    {
    case PROP_SUBJECT:
      set_subject (self, g_value_get_object (value));
      break;

    case PROP_NAME:
      g_free (self->name);
      self->name = g_value_dup_string (value);
      update_names (self);
      break;

    case PROP_IN_GROUP:
      self->in_group = g_value_get_boolean (value);
      update (self);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_row_buttons_class_init (DrayRowButtonsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->dispose = dray_row_buttons_dispose;
  object_class->finalize = dray_row_buttons_finalize;
  object_class->get_property = dray_row_buttons_get_property;
  object_class->set_property = dray_row_buttons_set_property;

  properties[PROP_SUBJECT] = g_param_spec_object ("subject", NULL, NULL, G_TYPE_OBJECT, flags);
  properties[PROP_NAME] = g_param_spec_string ("subject-name", NULL, NULL, NULL, flags);
  properties[PROP_IN_GROUP] = g_param_spec_boolean ("in-group", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/row-buttons.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, help);
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, start_now);
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, pause);
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, resume);
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, open_folder);
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, cancel_all);
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, discard);
  gtk_widget_class_bind_template_child (widget_class, DrayRowButtons, remove);
  gtk_widget_class_bind_template_callback (widget_class, help_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, start_now_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, pause_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, resume_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, open_folder_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_all_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, discard_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_clicked_cb);
}

static void
dray_row_buttons_init (DrayRowButtons *self)
{
  self->help_action = "downloads.resume";

  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * dray_row_buttons_toggle:
 * @self: the buttons of a row
 *
 * Pauses what runs; resumes what is paused.
 */
void
dray_row_buttons_toggle (DrayRowButtons *self)
{
  g_return_if_fail (DRAY_IS_ROW_BUTTONS (self));

  if (gtk_widget_get_visible (self->pause))
    act (self, "downloads.pause");
  else if (gtk_widget_get_visible (self->resume))
    act (self, "downloads.resume");
}

/**
 * dray_row_buttons_drop:
 * @self: the buttons of a row
 *
 * Discards what is unfinished; removes what is finished from the list.
 */
void
dray_row_buttons_drop (DrayRowButtons *self)
{
  g_return_if_fail (DRAY_IS_ROW_BUTTONS (self));

  if (gtk_widget_get_visible (self->discard))
    act (self, "downloads.discard");
  else if (gtk_widget_get_visible (self->remove))
    act (self, "downloads.remove");
}

/**
 * dray_row_buttons_move:
 * @self: the buttons of a row
 * @up: whether towards the start of the line, or its end
 *
 * Changes the row's place in line.
 */
void
dray_row_buttons_move (DrayRowButtons *self, gboolean up)
{
  g_return_if_fail (DRAY_IS_ROW_BUTTONS (self));

  act (self, up ? "downloads.move-up" : "downloads.move-down");
}
