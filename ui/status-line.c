/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/status-line.h"

/* Between the two texts, in pixels. */
#define GAP 12

/* How many characters are left at the smallest width. */
#define MIN_CHARS 3

/* For how many characters there must be room where both texts stand on one line. */
#define ONE_LINE_CHARS 38

/* Between the parts of a text. */
#define SEPARATOR " · "

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

static gboolean
has_two_texts (DrayStatusLine *self)
{
  return *self->text != '\0' && *self->end_text != '\0';
}

/* Depends on the width and on whether there are two texts, not on their words. */
static gboolean
has_two_lines (DrayStatusLine *self, int width, int char_width)
{
  return has_two_texts (self) && width < ONE_LINE_CHARS * char_width;
}

static gboolean
is_narrow (DrayStatusLine *self)
{
  int char_width, ascent, height;

  get_metrics (self, &char_width, &ascent, &height);
  return gtk_widget_get_width (GTK_WIDGET (self)) < ONE_LINE_CHARS * char_width;
}

static GtkSizeRequestMode
dray_status_line_get_request_mode (G_GNUC_UNUSED GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
dray_status_line_measure (GtkWidget *widget,
                          GtkOrientation orientation,
                          int for_size,
                          int *minimum,
                          int *natural,
                          int *minimum_baseline,
                          int *natural_baseline)
{
  DrayStatusLine *self = DRAY_STATUS_LINE (widget);
  int char_width, ascent, height;

  get_metrics (self, &char_width, &ascent, &height);
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = *natural = MIN_CHARS * char_width;
      return;
    }

  if (for_size >= 0 && has_two_lines (self, for_size, char_width))
    height *= 2;
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

/* Leaves out the last part where there is no room for all, rather than half of a number. */
static void
fit (PangoLayout *layout, const char *text, int width)
{
  const char *end = g_strrstr (text, SEPARATOR);

  if (!g_str_equal (pango_layout_get_text (layout), text))
    pango_layout_set_text (layout, text, -1);
  set_width (layout, width);
  if (pango_layout_is_ellipsized (layout) && end != NULL)
    pango_layout_set_text (layout, text, (int) (end - text));
}

/* At the start or the end of a line as a person reads. */
static void
draw (
    DrayStatusLine *self, GtkSnapshot *snapshot, PangoLayout *layout, gboolean at_end, int baseline)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  PangoRectangle ink;
  int x;

  pango_layout_get_pixel_extents (layout, NULL, &ink);
  x = at_end != rtl ? gtk_widget_get_width (GTK_WIDGET (self)) - ink.width : 0;
  gtk_snapshot_render_layout (snapshot, gtk_widget_get_style_context (GTK_WIDGET (self)), x - ink.x,
                              baseline - PANGO_PIXELS_CEIL (pango_layout_get_baseline (layout)),
                              layout);
}

static void
dray_status_line_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  DrayStatusLine *self = DRAY_STATUS_LINE (widget);
  int width = gtk_widget_get_width (widget);
  int char_width, ascent, height, end_width = 0;
  gboolean two_lines;

  get_metrics (self, &char_width, &ascent, &height);
  two_lines = has_two_lines (self, width, char_width);
  if (*self->end_text != '\0')
    {
      if (self->end_layout == NULL)
        self->end_layout = create_layout (self, self->end_text);
      set_width (self->end_layout, width);
      draw (self, snapshot, self->end_layout, !two_lines, two_lines ? height + ascent : ascent);
      if (!two_lines)
        {
          pango_layout_get_pixel_size (self->end_layout, &end_width, NULL);
          end_width += GAP;
        }
    }

  if (*self->text != '\0' && width > end_width)
    {
      if (self->layout == NULL)
        self->layout = create_layout (self, self->text);
      fit (self->layout, self->text, width - end_width);
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
  widget_class->get_request_mode = dray_status_line_get_request_mode;
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
 * @text: what stands at its start; without its last part where there is no room for it
 * @end_text: what stands at its end; "" for nothing
 */
void
dray_status_line_set_text (DrayStatusLine *self, const char *text, const char *end_text)
{
  g_autofree char *label = NULL;
  gboolean had_both, changed;

  g_return_if_fail (DRAY_IS_STATUS_LINE (self));

  had_both = has_two_texts (self);
  changed = take_text (&self->text, &self->layout, text);
  changed |= take_text (&self->end_text, &self->end_layout, end_text);
  if (!changed)
    return;

  label = g_strjoin (has_two_texts (self) ? ", " : "", text, end_text, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  if (has_two_texts (self) != had_both && is_narrow (self))
    gtk_widget_queue_resize (GTK_WIDGET (self));
  else
    gtk_widget_queue_draw (GTK_WIDGET (self));
}
