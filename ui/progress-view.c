/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/progress-view.h"

#include "ui/format.h"

#include "core/base/error.h"

#include <math.h>

/* How many steps the bar has: more than it has pixels would redraw what looks the same. */
#define BAR_STEPS 500

struct _DrayProgressView
{
  GtkWidget parent_instance;

  GObject *subject; /* DrayRequest or DrayModel; NULL for none */
  char *name;       /* what the subject is called */
  char *status;
  char *time_left;
  char *problem;
  double fraction;
  gboolean has_bar;
  const char *look; /* the CSS class of the state; NULL for none */
  guint update_source; /* 0 unless the subject has changed since the last update */

  GtkProgressBar *bar;
};

enum
{
  PROP_0,
  PROP_SUBJECT,
  PROP_NAME,
  PROP_STATUS,
  PROP_TIME_LEFT,
  PROP_PROBLEM,
  PROP_FRACTION,
  PROP_HAS_BAR,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayProgressView, dray_progress_view, GTK_TYPE_WIDGET)

static void
take_string (DrayProgressView *self, char **field, char *value, guint property)
{
  if (g_strcmp0 (*field, value) == 0)
    {
      g_free (value);
      return;
    }

  g_free (*field);
  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/* What a person can put right is a warning; what is broken an error. */
static const char *
find_look (const DrayProgress *progress)
{
  if (progress->state == DRAY_REQUEST_PAUSED)
    return "paused";
  if (progress->state == DRAY_REQUEST_COMPLETED)
    return "complete";
  if (progress->state != DRAY_REQUEST_FAILED)
    return NULL;

  if (g_error_matches (progress->error, DRAY_ERROR, DRAY_ERROR_DISK_FULL)
      || g_error_matches (progress->error, DRAY_ERROR, DRAY_ERROR_CHANGED)
      || g_error_matches (progress->error, DRAY_ERROR, DRAY_ERROR_TOO_LARGE_FOR_DRIVE))
    return "needs-choice";

  return "failed";
}

static void
set_look (DrayProgressView *self, const char *look)
{
  if (self->look == look)
    return;

  if (self->look != NULL)
    gtk_widget_remove_css_class (GTK_WIDGET (self), self->look);
  if (look != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), look);
  self->look = look;
}

static double
find_fraction (const DrayProgress *progress)
{
  if (progress->total <= 0)
    return 0;

  return floor (CLAMP ((double) progress->downloaded / (double) progress->total, 0, 1) * BAR_STEPS)
         / BAR_STEPS;
}

/* A screen reader hears the name and the value of the bar, and the words as its description. */
static void
describe (DrayProgressView *self)
{
  g_autofree char *description
      = g_strjoin (*self->time_left != '\0' ? ", " : "",
                   *self->problem != '\0' ? self->problem : self->status, self->time_left, NULL);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  self->name != NULL ? self->name : "",
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
}

static void
update (DrayProgressView *self)
{
  DrayProgress progress;
  gboolean has_bar;
  double fraction;

  if (self->subject == NULL)
    return;

  if (DRAY_IS_MODEL (self->subject))
    dray_progress_init_for_model (&progress, DRAY_MODEL (self->subject));
  else
    dray_progress_init_for_request (&progress, DRAY_REQUEST (self->subject));

  g_object_freeze_notify (G_OBJECT (self));
  take_string (self, &self->status, dray_format_status (&progress), PROP_STATUS);
  take_string (self, &self->problem, dray_format_problem (&progress), PROP_PROBLEM);
  take_string (self, &self->time_left,
               dray_format_time_left (progress.state == DRAY_REQUEST_DOWNLOADING ? progress.eta : -1),
               PROP_TIME_LEFT);
  fraction = find_fraction (&progress);
  if (fraction < self->fraction || fraction > self->fraction)
    {
      self->fraction = fraction;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
    }
  has_bar = progress.state != DRAY_REQUEST_COMPLETED;
  if (has_bar != self->has_bar)
    {
      self->has_bar = has_bar;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HAS_BAR]);
    }
  g_object_thaw_notify (G_OBJECT (self));

  set_look (self, find_look (&progress));
  describe (self);
}

static gboolean
update_cb (gpointer user_data)
{
  DrayProgressView *self = user_data;

  self->update_source = 0;
  update (self);

  return G_SOURCE_REMOVE;
}

/* A sample changes several properties, one after another: they are worth one update. */
static void
subject_changed_cb (DrayProgressView *self)
{
  if (self->update_source == 0)
    self->update_source = g_idle_add_full (G_PRIORITY_DEFAULT, update_cb, self, NULL);
}

static void
set_subject (DrayProgressView *self, GObject *subject)
{
  if (subject == self->subject)
    return;

  g_clear_handle_id (&self->update_source, g_source_remove);
  if (self->subject != NULL)
    g_signal_handlers_disconnect_by_func (self->subject, subject_changed_cb, self);
  g_set_object (&self->subject, subject);
  if (subject != NULL)
    g_signal_connect_swapped (subject, "notify", G_CALLBACK (subject_changed_cb), self);
  update (self);
}

static gboolean
dray_is_filled (G_GNUC_UNUSED gpointer object, const char *text)
{
  return text != NULL && *text != '\0';
}

static void
dray_progress_view_dispose (GObject *object)
{
  DrayProgressView *self = DRAY_PROGRESS_VIEW (object);
  GtkWidget *child;

  set_subject (self, NULL);
  gtk_widget_dispose_template (GTK_WIDGET (self), DRAY_TYPE_PROGRESS_VIEW);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);

  G_OBJECT_CLASS (dray_progress_view_parent_class)->dispose (object);
}

static void
dray_progress_view_finalize (GObject *object)
{
  DrayProgressView *self = DRAY_PROGRESS_VIEW (object);

  g_free (self->name);
  g_free (self->status);
  g_free (self->time_left);
  g_free (self->problem);

  G_OBJECT_CLASS (dray_progress_view_parent_class)->finalize (object);
}

static void
dray_progress_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayProgressView *self = DRAY_PROGRESS_VIEW (object);

  switch (id)
    {
    case PROP_SUBJECT:
      g_value_set_object (value, self->subject);
      break;

    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_STATUS:
      g_value_set_string (value, self->status);
      break;

    case PROP_TIME_LEFT:
      g_value_set_string (value, self->time_left);
      break;

    case PROP_PROBLEM:
      g_value_set_string (value, self->problem);
      break;

    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;

    case PROP_HAS_BAR:
      g_value_set_boolean (value, self->has_bar);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_progress_view_set_property (GObject *object,
                                 guint id,
                                 const GValue *value,
                                 GParamSpec *pspec)
{
  DrayProgressView *self = DRAY_PROGRESS_VIEW (object);

  switch (id)
    {
    case PROP_SUBJECT:
      set_subject (self, g_value_get_object (value));
      break;

    case PROP_NAME:
      take_string (self, &self->name, g_value_dup_string (value), PROP_NAME);
      describe (self);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_progress_view_class_init (DrayProgressViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags shown = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags given = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->dispose = dray_progress_view_dispose;
  object_class->finalize = dray_progress_view_finalize;
  object_class->get_property = dray_progress_view_get_property;
  object_class->set_property = dray_progress_view_set_property;

  properties[PROP_SUBJECT] = g_param_spec_object ("subject", NULL, NULL, G_TYPE_OBJECT, given);
  properties[PROP_NAME]
      = g_param_spec_string ("subject-name", NULL, NULL, NULL, given | G_PARAM_EXPLICIT_NOTIFY);
  properties[PROP_STATUS] = g_param_spec_string ("status", NULL, NULL, "", shown);
  properties[PROP_TIME_LEFT] = g_param_spec_string ("time-left", NULL, NULL, "", shown);
  properties[PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, "", shown);
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, shown);
  properties[PROP_HAS_BAR] = g_param_spec_boolean ("has-bar", NULL, NULL, TRUE, shown);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "progressview");
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/progress-view.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayProgressView, bar);
  gtk_widget_class_bind_template_callback (widget_class, dray_is_filled);
}

static void
dray_progress_view_init (DrayProgressView *self)
{
  self->status = g_strdup ("");
  self->time_left = g_strdup ("");
  self->problem = g_strdup ("");
  self->has_bar = TRUE;

  gtk_widget_init_template (GTK_WIDGET (self));
}
