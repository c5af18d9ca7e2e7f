/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/status-line.h"

/* Between the two texts, in pixels. */
#define GAP 12

/* How many characters are left at the smallest width. */
#define MIN_CHARS 3

struct _DrayStatusLine
{
  GtkWidget parent_instance;

  char *text;
  char *end_text;
  PangoLayout *layout;     /* of text; NULL until it is needed */
  PangoLayout *end_layout; /* of end_text; the same */
};

G_DEFINE_FINAL_TYPE (DrayStatusLine, dray_status_line, GTK_TYPE_WIDGET)

static void
get_metrics (DrayStatusLine *self, int *char_width, int *ascent, int *height)
{
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (self));
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);

  *char_width = PANGO_PIXELS_CEIL (MAX (pango_font_metrics_get_approximate_char_width (metrics),
                                        pango_font_metrics_get_approximate_digit_width (metrics)));
  *ascent = PANGO_PIXELS_CEIL (pango_font_metrics_get_ascent (metrics));
  *height = *ascent + PANGO_PIXELS_CEIL (pango_font_metrics_get_descent (metrics));
  pango_font_metrics_unref (metrics);
}

static void
dray_status_line_measure (GtkWidget *widget,
                          GtkOrientation orientation,
                          G_GNUC_UNUSED int for_size,
                          int *minimum,
                          int *natural,
                          int *minimum_baseline,
                          int *natural_baseline)
{
  int char_width, ascent, height;

  get_metrics (DRAY_STATUS_LINE (widget), &char_width, &ascent, &height);
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = *natural = MIN_CHARS * char_width;
      return;
    }

  *minimum = *natural = height;
  *minimum_baseline = *natural_baseline = ascent;
}

/* Digits of one width, so that a number that moves does not tremble. */
static PangoLayout *
create_layout (DrayStatusLine *self, const char *text)
{
  PangoLayout *layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), text);
  PangoAttrList *attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  pango_layout_set_attributes (layout, attributes);
  pango_attr_list_unref (attributes);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);

  return layout;
}

static void
set_width (PangoLayout *layout, int width)
{
  pango_layout_set_width (layout, MAX (0, width) * PANGO_SCALE);
}

/* At the start or the end of the line as a person reads, whose baseline is at @ascent. */
static void
draw (DrayStatusLine *self, GtkSnapshot *snapshot, PangoLayout *layout, gboolean at_end, int ascent)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  PangoRectangle ink;
  int x;

  pango_layout_get_pixel_extents (layout, NULL, &ink);
  x = at_end != rtl ? gtk_widget_get_width (GTK_WIDGET (self)) - ink.width : 0;
  gtk_snapshot_render_layout (snapshot, gtk_widget_get_style_context (GTK_WIDGET (self)), x - ink.x,
                              ascent - PANGO_PIXELS_CEIL (pango_layout_get_baseline (layout)),
                              layout);
}

static void
dray_status_line_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  DrayStatusLine *self = DRAY_STATUS_LINE (widget);
  int width = gtk_widget_get_width (widget);
  int char_width, ascent, height, end_width = 0;

  get_metrics (self, &char_width, &ascent, &height);
  if (*self->end_text != '\0')
    {
      if (self->end_layout == NULL)
        self->end_layout = create_layout (self, self->end_text);
      set_width (self->end_layout, width);
      pango_layout_get_pixel_size (self->end_layout, &end_width, NULL);
      end_width += GAP;
      draw (self, snapshot, self->end_layout, TRUE, ascent);
    }

  if (*self->text != '\0' && width > end_width)
    {
      if (self->layout == NULL)
        self->layout = create_layout (self, self->text);
      set_width (self->layout, width - end_width);
      draw (self, snapshot, self->layout, FALSE, ascent);
    }
}

/* Another font or another direction asks for new layouts. */
static void
forget_layouts (DrayStatusLine *self)
{
  g_clear_object (&self->layout);
  g_clear_object (&self->end_layout);
}

static void
dray_status_line_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (dray_status_line_parent_class)->css_changed (widget, change);

  forget_layouts (DRAY_STATUS_LINE (widget));
}

static void
dray_status_line_direction_changed (GtkWidget *widget, G_GNUC_UNUSED GtkTextDirection previous)
{
  forget_layouts (DRAY_STATUS_LINE (widget));
  gtk_widget_queue_draw (widget);
}

static void
dray_status_line_system_setting_changed (GtkWidget *widget, GtkSystemSetting setting)
{
  GTK_WIDGET_CLASS (dray_status_line_parent_class)->system_setting_changed (widget, setting);

  forget_layouts (DRAY_STATUS_LINE (widget));
}

static void
dray_status_line_finalize (GObject *object)
{
  DrayStatusLine *self = DRAY_STATUS_LINE (object);

  forget_layouts (self);
  g_free (self->text);
  g_free (self->end_text);

  G_OBJECT_CLASS (dray_status_line_parent_class)->finalize (object);
}

static void
dray_status_line_class_init (DrayStatusLineClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = dray_status_line_finalize;
  widget_class->measure = dray_status_line_measure;
  widget_class->snapshot = dray_status_line_snapshot;
  widget_class->css_changed = dray_status_line_css_changed;
  widget_class->direction_changed = dray_status_line_direction_changed;
  widget_class->system_setting_changed = dray_status_line_system_setting_changed;

  gtk_widget_class_set_css_name (widget_class, "statusline");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_LABEL);
}

static void
dray_status_line_init (DrayStatusLine *self)
{
  self->text = g_strdup ("");
  self->end_text = g_strdup ("");
}

static gboolean
take_text (char **field, PangoLayout **layout, const char *text)
{
  if (g_str_equal (*field, text))
    return FALSE;

  g_free (*field);
  *field = g_strdup (text);
  if (*layout != NULL)
    pango_layout_set_text (*layout, text, -1);

  return TRUE;
}

/**
 * dray_status_line_set_text:
 * @self: a line
 * @text: what stands at its start; as much as there is room for is shown
 * @end_text: what stands at its end; "" for nothing
 */
void
dray_status_line_set_text (DrayStatusLine *self, const char *text, const char *end_text)
{
  g_autofree char *label = NULL;
  gboolean changed;

  g_return_if_fail (DRAY_IS_STATUS_LINE (self));

  changed = take_text (&self->text, &self->layout, text);
  changed |= take_text (&self->end_text, &self->end_layout, end_text);
  if (!changed)
    return;

  label = g_strjoin (*text != '\0' && *end_text != '\0' ? ", " : "", text, end_text, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
