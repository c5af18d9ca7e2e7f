/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/progress-view.h"

#include "ui/format.h"
#include "ui/refresher.h"
#include "ui/status-line.h"

#include "core/base/error.h"

#include <math.h>

/* How many steps the bar has: more than it has pixels would redraw what looks the same. */
#define BAR_STEPS 500

struct _DrayProgressView
{
  GtkWidget parent_instance;

  GObject *subject; /* DrayRequest or DrayModel; NULL for none */
  char *name;       /* what the subject is called */
  const char *look; /* the CSS class of the state; NULL for none */
  DrayRefresher *refresher; /* NULL unless mapped in a scrolled window */

  GtkProgressBar *bar;
  DrayStatusLine *status;
  GtkLabel *problem;
};

enum
{
  PROP_0,
  PROP_SUBJECT,
  PROP_NAME,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayProgressView, dray_progress_view, GTK_TYPE_WIDGET)

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

/* A bar lays itself out anew for the fraction that it has already. */
static void
set_fraction (DrayProgressView *self, double fraction)
{
  double shown = gtk_progress_bar_get_fraction (self->bar);

  if (fraction < shown || fraction > shown)
    gtk_progress_bar_set_fraction (self->bar, fraction);
}

/* A screen reader hears the name and the value of the bar, and the words as its description. */
static void
describe (DrayProgressView *self, const char *words, const char *time_left)
{
  g_autofree char *description
      = g_strjoin (*time_left != '\0' ? ", " : "", words, time_left, NULL);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
}

static void
update (DrayProgressView *self)
{
  g_autofree char *status = NULL;
  g_autofree char *time_left = NULL;
  g_autofree char *problem = NULL;
  DrayProgress progress;

  if (DRAY_IS_MODEL (self->subject))
    dray_progress_init_for_model (&progress, DRAY_MODEL (self->subject));
  else
    dray_progress_init_for_request (&progress, DRAY_REQUEST (self->subject));
  status = dray_format_status (&progress);
  problem = dray_format_problem (&progress);
  time_left = dray_format_time_left (
      progress.state == DRAY_REQUEST_DOWNLOADING ? progress.eta : -1);

  dray_status_line_set_text (self->status, status, time_left);
  gtk_widget_set_visible (GTK_WIDGET (self->status), *status != '\0');
  gtk_label_set_label (self->problem, problem);
  gtk_widget_set_visible (GTK_WIDGET (self->problem), *problem != '\0');
  set_fraction (self, find_fraction (&progress));
  gtk_widget_set_visible (GTK_WIDGET (self->bar), progress.state != DRAY_REQUEST_COMPLETED);
  set_look (self, find_look (&progress));
  describe (self, *problem != '\0' ? problem : status, time_left);
}

static void
refresh (GtkWidget *widget)
{
  update (DRAY_PROGRESS_VIEW (widget));
}

/* A number that moves can wait until the row is seen; another state may give the row another size. */
static void
subject_changed_cb (DrayProgressView *self, GParamSpec *pspec)
{
  if (g_str_equal (pspec->name, "state"))
    update (self);
  else if (self->refresher != NULL)
    dray_refresher_queue (self->refresher, GTK_WIDGET (self), refresh);
}

static void
set_subject (DrayProgressView *self, GObject *subject)
{
  if (subject == self->subject)
    return;

  if (self->refresher != NULL)
    dray_refresher_forget (self->refresher, GTK_WIDGET (self));
  if (self->subject != NULL)
    g_signal_handlers_disconnect_by_func (self->subject, subject_changed_cb, self);
  g_set_object (&self->subject, subject);
  if (subject == NULL)
    return;

  g_signal_connect_swapped (subject, "notify", G_CALLBACK (subject_changed_cb), self);
  update (self);
}

static void
set_name (DrayProgressView *self, const char *name)
{
  if (g_strcmp0 (self->name, name) == 0)
    return;

  g_free (self->name);
  self->name = g_strdup (name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name != NULL ? name : "", -1);
}

static void
dray_progress_view_map (GtkWidget *widget)
{
  DrayProgressView *self = DRAY_PROGRESS_VIEW (widget);

  GTK_WIDGET_CLASS (dray_progress_view_parent_class)->map (widget);

  self->refresher = dray_refresher_find (widget);
  if (self->subject != NULL)
    update (self);
}

static void
dray_progress_view_unmap (GtkWidget *widget)
{
  DrayProgressView *self = DRAY_PROGRESS_VIEW (widget);

  if (self->refresher != NULL)
    dray_refresher_forget (self->refresher, widget);
  g_clear_object (&self->refresher);

  GTK_WIDGET_CLASS (dray_progress_view_parent_class)->unmap (widget);
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
  g_free (DRAY_PROGRESS_VIEW (object)->name);

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
      set_name (self, g_value_get_string (value));
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
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->dispose = dray_progress_view_dispose;
  object_class->finalize = dray_progress_view_finalize;
  object_class->get_property = dray_progress_view_get_property;
  object_class->set_property = dray_progress_view_set_property;
  widget_class->map = dray_progress_view_map;
  widget_class->unmap = dray_progress_view_unmap;

  properties[PROP_SUBJECT] = g_param_spec_object ("subject", NULL, NULL, G_TYPE_OBJECT, flags);
  properties[PROP_NAME] = g_param_spec_string ("subject-name", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (DRAY_TYPE_STATUS_LINE);
  gtk_widget_class_set_css_name (widget_class, "progressview");
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/progress-view.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayProgressView, bar);
  gtk_widget_class_bind_template_child (widget_class, DrayProgressView, status);
  gtk_widget_class_bind_template_child (widget_class, DrayProgressView, problem);
}

static void
dray_progress_view_init (DrayProgressView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
