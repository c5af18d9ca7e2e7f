/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/refresher.h"

#define REFRESHER_KEY "dray-refresher"

/* The shortest time between two rounds, in microseconds. */
#define INTERVAL (100 * G_TIME_SPAN_MILLISECOND)

struct _DrayRefresher
{
  GObject parent_instance;

  GtkScrolledWindow *scroller; /* which owns this */
  GHashTable *stale;           /* from GtkWidget, borrowed, to its DrayRefreshFunc */
  gint64 refreshed_at;
  guint source;         /* 0 unless a round is to come */
  GdkFrameClock *clock; /* whose next layout is waited for; NULL for none */
};

G_DEFINE_FINAL_TYPE (DrayRefresher, dray_refresher, G_TYPE_OBJECT)

static gboolean
is_in_sight (DrayRefresher *self, GtkWidget *row)
{
  graphene_rect_t bounds;

  return gtk_widget_get_mapped (row)
         && gtk_widget_compute_bounds (row, GTK_WIDGET (self->scroller), &bounds)
         && bounds.origin.y < (float) gtk_widget_get_height (GTK_WIDGET (self->scroller))
         && bounds.origin.y + bounds.size.height > 0;
}

static void
refresh (DrayRefresher *self)
{
  GHashTableIter iter;
  gpointer row, func;

  g_hash_table_iter_init (&iter, self->stale);
  while (g_hash_table_iter_next (&iter, &row, &func))
    if (is_in_sight (self, row))
      {
        g_hash_table_iter_remove (&iter);
        ((DrayRefreshFunc) func) (row);
      }
}

static gboolean
refresh_cb (gpointer user_data)
{
  DrayRefresher *self = user_data;

  self->source = 0;
  self->refreshed_at = g_get_monotonic_time ();
  refresh (self);

  return G_SOURCE_REMOVE;
}

static void
stop_waiting (DrayRefresher *self)
{
  if (self->clock != NULL)
    g_signal_handlers_disconnect_by_data (self->clock, self);
  g_clear_object (&self->clock);
}

static void
laid_out_cb (DrayRefresher *self)
{
  stop_waiting (self);
  refresh (self);
}

/* What comes into sight is brought up to date before it is drawn there: when the list has been laid
 * out, since only then its rows are in their new places. */
static void
scrolled_cb (DrayRefresher *self)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self->scroller));

  if (clock == NULL || g_hash_table_size (self->stale) == 0)
    return;

  stop_waiting (self);
  self->clock = g_object_ref (clock);
  g_signal_connect_data (clock, "layout", G_CALLBACK (laid_out_cb), self, NULL,
                         G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  gdk_frame_clock_request_phase (clock, GDK_FRAME_CLOCK_PHASE_LAYOUT);
}

static void
dray_refresher_finalize (GObject *object)
{
  DrayRefresher *self = DRAY_REFRESHER (object);

  stop_waiting (self);
  g_clear_handle_id (&self->source, g_source_remove);
  g_hash_table_unref (self->stale);

  G_OBJECT_CLASS (dray_refresher_parent_class)->finalize (object);
}

static void
dray_refresher_class_init (DrayRefresherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_refresher_finalize;
}

static void
dray_refresher_init (DrayRefresher *self)
{
  self->stale = g_hash_table_new (NULL, NULL);
}

/**
 * dray_refresher_find:
 * @row: a widget in a scrolled window
 *
 * Returns: (transfer full) (nullable): what refreshes it; %NULL outside of a scrolled window
 */
DrayRefresher *
dray_refresher_find (GtkWidget *row)
{
  GtkWidget *scroller = gtk_widget_get_ancestor (row, GTK_TYPE_SCROLLED_WINDOW);
  DrayRefresher *self;
  GtkAdjustment *adjustment;

  if (scroller == NULL)
    return NULL;

  self = g_object_get_data (G_OBJECT (scroller), REFRESHER_KEY);
  if (self != NULL)
    return g_object_ref (self);

  self = g_object_new (DRAY_TYPE_REFRESHER, NULL);
  self->scroller = GTK_SCROLLED_WINDOW (scroller);
  adjustment = gtk_scrolled_window_get_vadjustment (self->scroller);
  g_signal_connect_object (adjustment, "value-changed", G_CALLBACK (scrolled_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (adjustment, "changed", G_CALLBACK (scrolled_cb), self,
                           G_CONNECT_SWAPPED);
  g_object_set_data_full (G_OBJECT (scroller), REFRESHER_KEY, self, g_object_unref);

  return g_object_ref (self);
}

/**
 * dray_refresher_queue:
 * @self: a refresher
 * @row: a widget of its scrolled window, which is forgotten before it goes
 * @func: what brings @row up to date
 *
 * Calls @func once, as soon as it is time and @row can be seen, however often it was queued.
 */
void
dray_refresher_queue (DrayRefresher *self, GtkWidget *row, DrayRefreshFunc func)
{
  gint64 wait;

  g_return_if_fail (DRAY_IS_REFRESHER (self));

  g_hash_table_insert (self->stale, row, func);
  if (self->source != 0)
    return;

  /* After what is due at once, so that a sample's changes are all in, and before the next frame. */
  wait = self->refreshed_at + INTERVAL - g_get_monotonic_time ();
  self->source = g_timeout_add_full (G_PRIORITY_HIGH_IDLE - 1,
                                     (guint) (MAX (0, wait) / G_TIME_SPAN_MILLISECOND), refresh_cb,
                                     self, NULL);
}

void
dray_refresher_forget (DrayRefresher *self, GtkWidget *row)
{
  g_return_if_fail (DRAY_IS_REFRESHER (self));

  g_hash_table_remove (self->stale, row);
}
