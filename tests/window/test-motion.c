/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The Downloads page with a thousand rows: how long the main loop keeps others waiting while they
 * move, that those in sight show where they are, and that nothing is drawn while nothing moves.
 * Needs a display. */

#include "tests/window/main-loop.h"

#include "core/request/request-private.h"
#include "ui/downloads-page.h"
#include "ui/progress-view.h"

#include <adwaita.h>
#include <time.h>

#define N_REQUESTS 1000
#define SAMPLE_INTERVAL 100 /* of the manager, in milliseconds */
#define PROBE_INTERVAL 2    /* in milliseconds */
#define MOVING_TIME 4       /* of one round, in seconds */
#define N_ROUNDS 8          /* at most: other work on the machine can spoil some */
#define SETTLE_TIME 2000    /* without a frame, in milliseconds */
#define LOOK_INTERVAL 100   /* in milliseconds */
#define N_LOOKS 100         /* at most, until what is in sight is true */
#define QUIET_TIME 10       /* in seconds */
#define MAX_DELAY 16        /* in milliseconds, at the 99th percentile */
#define TOTAL (G_GINT64_CONSTANT (40) * 1000 * 1000 * 1000)

typedef struct
{
  GtkWidget *window;
  DrayDownloadsPage *page;
  GListStore *requests;
  gint64 downloaded;
  guint n_frames;
  guint probe;    /* 0 unless one is to run */
  gint64 due;     /* when the next probe should run, monotonic */
  gint64 spent;   /* what this thread had had of the processor when that was set */
  GArray *waits;  /* of gint64: how much later than due each probe ran, in microseconds */
  GArray *delays; /* of gint64: how much of that the processor worked for this thread */
} Stage;

/* Nine of ten are models of their own; every tenth has a second file. */
static DrayRequest *
make_request (guint number, DrayRequestState state)
{
  g_autoptr (DrayRequestRecord) record = dray_request_record_new ();
  guint model = number % 10 == 9 ? number - 1 : number;

  record->id = g_strdup_printf ("request-%u", number);
  record->kind = g_strdup ("download");
  record->source = g_strdup_printf ("https://example.org/Some-Model-%u-Q4_K_M.gguf", number);
  record->model_id = g_strdup_printf ("url:https://example.org/Some-Model-%u-Q4_K_M.gguf", model);
  record->caller = g_strdup ("window");
  record->state = g_strdup (dray_request_state_get_name (state));

  return dray_request_new (record);
}

static gboolean
move_cb (gpointer user_data)
{
  Stage *stage = user_data;

  stage->downloaded += 4 * 1000 * 1000;
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (G_LIST_MODEL (stage->requests), i);
      gint64 speed = 30 * 1000 * 1000 + g_test_rand_int_range (0, 10 * 1000 * 1000);
      gint64 downloaded = stage->downloaded + (gint64) i * 1000 * 1000;
      DrayTransferProgress progress = {
        .state = DRAY_TRANSFER_DOWNLOADING,
        .downloaded = downloaded,
        .total = TOTAL,
        .speed = speed,
        .eta = (TOTAL - downloaded) / speed,
      };

      dray_request_set_progress (request, &progress);
    }

  return G_SOURCE_CONTINUE;
}

static gint64
get_spent (void)
{
  struct timespec spent;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &spent);
  return spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000;
}

/* What an event of a person would wait for: how much later than due it gets its turn. On a machine
 * with other work that is also the others' doing, so what is judged is the part of it for which
 * this thread had the processor: on an idle machine, all of it. */
static gboolean
probe_cb (gpointer user_data)
{
  Stage *stage = user_data;
  gint64 now = g_get_monotonic_time ();
  gint64 spent = get_spent ();
  gint64 wait = MAX (0, now - stage->due);
  gint64 delay = MIN (wait, spent - stage->spent);

  g_array_append_val (stage->waits, wait);
  g_array_append_val (stage->delays, delay);
  stage->due = now + PROBE_INTERVAL * 1000;
  stage->spent = spent;
  stage->probe = g_timeout_add (PROBE_INTERVAL, probe_cb, stage);

  return G_SOURCE_REMOVE;
}

static void
painted_cb (Stage *stage)
{
  stage->n_frames++;
}

static void
open_stage (Stage *stage, DrayRequestState state)
{
  g_autoptr (DrayDownloads) downloads = NULL;

  stage->requests = g_list_store_new (DRAY_TYPE_REQUEST);
  stage->waits = g_array_new (FALSE, FALSE, sizeof (gint64));
  stage->delays = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      g_autoptr (DrayRequest) request = make_request (i, state);

      g_list_store_append (stage->requests, request);
    }

  downloads = dray_downloads_new_read_only (G_LIST_MODEL (stage->requests));
  stage->page = g_object_new (DRAY_TYPE_DOWNLOADS_PAGE, NULL);
  dray_downloads_page_set_downloads (stage->page, downloads);
  stage->window = g_object_new (ADW_TYPE_WINDOW, "default-width", 900, "default-height", 700,
                                "content", stage->page, NULL);
  gtk_window_present (GTK_WINDOW (stage->window));
  g_signal_connect_swapped (gtk_widget_get_frame_clock (stage->window), "paint",
                            G_CALLBACK (painted_cb), stage);
  while (stage->n_frames == 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
close_stage (Stage *stage)
{
  gtk_window_destroy (GTK_WINDOW (stage->window));
  g_clear_object (&stage->requests);
  g_array_unref (stage->waits);
  g_array_unref (stage->delays);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 one = *(const gint64 *) a;
  gint64 other = *(const gint64 *) b;

  return (one > other) - (one < other);
}

/* Of sorted times, in milliseconds. */
static double
get_percentile (GArray *times, double share)
{
  guint place = (guint) (share * (times->len - 1));

  return (double) g_array_index (times, gint64, place) / 1000;
}

static void
tell (const char *what, GArray *times)
{
  g_array_sort (times, compare_times);
  g_test_message ("%s: median %.1f ms, 90 %% %.1f ms, 99 %% %.1f ms, worst %.1f ms of %u", what,
                  get_percentile (times, 0.5), get_percentile (times, 0.9),
                  get_percentile (times, 0.99), get_percentile (times, 1), times->len);
}

/* Returns whether others waited no longer than they may. */
static gboolean
run_round (Stage *stage)
{
  guint n_frames = stage->n_frames;

  g_array_set_size (stage->waits, 0);
  g_array_set_size (stage->delays, 0);
  stage->due = g_get_monotonic_time ();
  stage->spent = get_spent ();
  stage->probe = g_timeout_add (PROBE_INTERVAL, probe_cb, stage);
  main_loop_run_for (MOVING_TIME * 1000);
  g_clear_handle_id (&stage->probe, g_source_remove);

  tell ("late by the clock", stage->waits);
  tell ("late by the processor", stage->delays);
  g_test_message ("%.1f frames a second", (double) (stage->n_frames - n_frames) / MOVING_TIME);
  g_assert_cmpuint (stage->n_frames - n_frames, >, 0);

  return get_percentile (stage->delays, 0.99) <= MAX_DELAY;
}

static void
test_moving (void)
{
  Stage stage = { 0 };
  gboolean well = FALSE;
  guint mover;

  open_stage (&stage, DRAY_REQUEST_DOWNLOADING);
  mover = g_timeout_add (SAMPLE_INTERVAL, move_cb, &stage);
  main_loop_run_for (1000);
  for (guint i = 0; i < N_ROUNDS && !well; i++)
    well = run_round (&stage);
  g_source_remove (mover);
  close_stage (&stage);

  g_assert_true (well);
}

static GtkWidget *
find_descendant (GtkWidget *widget, GType type)
{
  GtkWidget *child, *found = NULL;

  if (g_type_is_a (G_OBJECT_TYPE (widget), type))
    return widget;
  for (child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_descendant (child, type);

  return found;
}

/* Whether the bar of a view in sight is where its subject is, to a step of the bar. */
static gboolean
is_true (GtkWidget *view)
{
  g_autoptr (GObject) subject = NULL;
  GtkWidget *bar = find_descendant (view, GTK_TYPE_PROGRESS_BAR);
  double shown = gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (bar));
  double percentage;

  g_object_get (view, "subject", &subject, NULL);
  g_object_get (subject, "percentage", &percentage, NULL);
  return ABS (shown - percentage / 100) < 0.003;
}

/* Counts the views in sight, and those of them that show something else than there is. */
static void
look (GtkWidget *widget, GtkWidget *scroller, guint *n_seen, guint *n_wrong)
{
  graphene_rect_t bounds;
  GtkWidget *child;

  if (DRAY_IS_PROGRESS_VIEW (widget) && gtk_widget_get_mapped (widget)
      && gtk_widget_compute_bounds (widget, scroller, &bounds)
      && bounds.origin.y < (float) gtk_widget_get_height (scroller)
      && bounds.origin.y + bounds.size.height > 0)
    {
      ++*n_seen;
      *n_wrong += !is_true (widget);
    }
  for (child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    look (child, scroller, n_seen, n_wrong);
}

/* A page has others: a status page scrolls too. */
static GtkWidget *
find_scroller (Stage *stage)
{
  GtkWidget *list = find_descendant (GTK_WIDGET (stage->page), GTK_TYPE_LIST_VIEW);

  return gtk_widget_get_ancestor (list, GTK_TYPE_SCROLLED_WINDOW);
}

/* After a change: rows come up to date one after the other, so this looks until all are. */
static void
assert_becomes_true_in_sight (Stage *stage)
{
  GtkWidget *scroller = find_scroller (stage);
  guint n_frames = stage->n_frames;
  guint n_seen = 0, n_wrong = 0;

  for (guint i = 0; i < N_LOOKS && (stage->n_frames == n_frames || n_seen < 3 || n_wrong > 0); i++)
    {
      main_loop_run_for (LOOK_INTERVAL);
      n_seen = n_wrong = 0;
      look (scroller, scroller, &n_seen, &n_wrong);
    }
  g_assert_cmpuint (stage->n_frames, >, n_frames);
  g_assert_cmpuint (n_seen, >=, 3);
  g_assert_cmpuint (n_wrong, ==, 0);
}

/* A big step each time, while only some rows are in sight; then the others are scrolled there. */
static void
test_scrolling (void)
{
  Stage stage = { 0 };
  GtkAdjustment *adjustment;
  GtkWidget *scroller;

  open_stage (&stage, DRAY_REQUEST_DOWNLOADING);
  scroller = find_scroller (&stage);
  adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scroller));
  for (guint i = 1; i <= 8; i++)
    {
      stage.downloaded += TOTAL / 20;
      move_cb (&stage);
      assert_becomes_true_in_sight (&stage);
      gtk_adjustment_set_value (adjustment,
                                gtk_adjustment_get_value (adjustment)
                                    + gtk_adjustment_get_page_size (adjustment) * i / 2);
      assert_becomes_true_in_sight (&stage);
    }
  close_stage (&stage);
}

static void
test_quiet (gconstpointer state)
{
  Stage stage = { 0 };
  guint n_frames;

  open_stage (&stage, GPOINTER_TO_UINT (state));
  for (guint i = 0; i < N_LOOKS; i++)
    {
      n_frames = stage.n_frames;
      main_loop_run_for (SETTLE_TIME);
      if (stage.n_frames == n_frames)
        break;
    }

  n_frames = stage.n_frames;
  main_loop_run_for (QUIET_TIME * 1000);
  g_assert_cmpuint (stage.n_frames - n_frames, ==, 0);
  close_stage (&stage);
}

int
main (int argc, char **argv)
{
  adw_init ();
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/motion/a-thousand-rows-move", test_moving);
  g_test_add_func ("/motion/in-sight", test_scrolling);
  g_test_add_data_func ("/motion/nothing-moves/paused", GUINT_TO_POINTER (DRAY_REQUEST_PAUSED),
                        test_quiet);
  g_test_add_data_func ("/motion/nothing-moves/in-progress",
                        GUINT_TO_POINTER (DRAY_REQUEST_CONNECTING), test_quiet);

  return g_test_run ();
}
