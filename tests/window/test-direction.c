/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The Downloads page read from right to left: whatever stands at the start of a line for those who
 * read from the left stands there for those who read from the right. Needs a display. */

#include "tests/window/main-loop.h"

#include "core/request/request-private.h"
#include "ui/downloads-page.h"
#include "ui/status-line.h"

#include <adwaita.h>
#include <string.h>

#define WIDTH 600
#define LOOK_INTERVAL 100 /* in milliseconds */
#define N_SAME_LOOKS 5
#define N_LOOKS 600 /* at most */

static void
add_request (GListStore *requests, const char *id, const char *name, DrayRequestState state)
{
  g_autoptr (DrayRequestRecord) record = dray_request_record_new ();
  g_autoptr (DrayRequest) request = NULL;

  record->id = g_strdup (id);
  record->kind = g_strdup ("download");
  record->source = g_strdup_printf ("https://example.org/%s", name);
  record->model_id = g_strdup_printf ("url:https://example.org/%.5s", name);
  record->caller = g_strdup ("window");
  record->state = g_strdup (dray_request_state_get_name (state));
  if (state == DRAY_REQUEST_FAILED)
    {
      record->error_name = g_strdup ("network");
      record->error_message = g_strdup ("Broken");
    }
  request = dray_request_new (record);
  g_list_store_append (requests, request);
}

/* Where each button, bar, label and line of the list is, in the order of the tree: left and right. */
static void
collect (GtkWidget *widget, GtkWidget *root, GArray *edges)
{
  graphene_rect_t bounds;
  GtkWidget *child;

  if (!gtk_widget_get_mapped (widget))
    return;

  if (GTK_IS_BUTTON (widget) || GTK_IS_PROGRESS_BAR (widget) || DRAY_IS_STATUS_LINE (widget)
      || GTK_IS_LABEL (widget))
    {
      g_assert_true (gtk_widget_compute_bounds (widget, root, &bounds));
      g_array_append_val (edges, bounds);
    }
  for (child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect (child, root, edges);
}

/* Waits until the page is laid out: until nothing has moved for some looks. */
static GArray *
collect_settled (GtkWidget *page)
{
  GArray *edges = g_array_new (FALSE, FALSE, sizeof (graphene_rect_t));
  guint n_same = 0;

  for (guint i = 0; i < N_LOOKS && n_same < N_SAME_LOOKS; i++)
    {
      g_autoptr (GArray) before = g_steal_pointer (&edges);

      main_loop_run_for (LOOK_INTERVAL);
      edges = g_array_new (FALSE, FALSE, sizeof (graphene_rect_t));
      collect (page, page, edges);
      if (edges->len > 0 && edges->len == before->len
          && memcmp (edges->data, before->data, edges->len * sizeof (graphene_rect_t)) == 0)
        n_same++;
      else
        n_same = 0;
    }
  g_assert_cmpuint (n_same, ==, N_SAME_LOOKS);

  return edges;
}

static GArray *
show (GtkTextDirection direction, float *width)
{
  g_autoptr (GListStore) requests = g_list_store_new (DRAY_TYPE_REQUEST);
  GArray *edges;
  g_autoptr (DrayDownloads) downloads = NULL;
  DrayDownloadsPage *page;
  GtkWidget *window;

  gtk_widget_set_default_direction (direction);
  add_request (requests, "1", "Large-00001-of-00002.gguf", DRAY_REQUEST_CONNECTING);
  add_request (requests, "2", "Large-00002-of-00002.gguf", DRAY_REQUEST_PAUSED);
  add_request (requests, "3", "Small.gguf", DRAY_REQUEST_PAUSED);
  add_request (requests, "4", "Wrong.gguf", DRAY_REQUEST_FAILED);
  downloads = dray_downloads_new_read_only (G_LIST_MODEL (requests));
  page = g_object_new (DRAY_TYPE_DOWNLOADS_PAGE, NULL);
  dray_downloads_page_set_downloads (page, downloads);
  window = g_object_new (ADW_TYPE_WINDOW, "default-width", WIDTH, "default-height", 800, "content",
                         page, NULL);
  gtk_window_present (GTK_WINDOW (window));

  edges = collect_settled (GTK_WIDGET (page));
  *width = (float) gtk_widget_get_width (GTK_WIDGET (page));
  gtk_window_destroy (GTK_WINDOW (window));

  return edges;
}

static void
test_mirrored (void)
{
  float width;
  g_autoptr (GArray) before = show (GTK_TEXT_DIR_LTR, &width);
  g_autoptr (GArray) after = show (GTK_TEXT_DIR_RTL, &width);

  g_assert_cmpuint (before->len, >=, 20);
  g_assert_cmpuint (after->len, ==, before->len);
  for (guint i = 0; i < before->len; i++)
    {
      graphene_rect_t *one = &g_array_index (before, graphene_rect_t, i);
      graphene_rect_t *other = &g_array_index (after, graphene_rect_t, i);

      g_test_message ("%u: %.0f+%.0f, mirrored %.0f+%.0f", i, one->origin.x, one->size.width,
                      other->origin.x, other->size.width);
      g_assert_cmpfloat_with_epsilon (one->origin.x + one->size.width, width - other->origin.x,
                                      1.5);
      g_assert_cmpfloat_with_epsilon (one->origin.y, other->origin.y, 1.5);
    }
}

int
main (int argc, char **argv)
{
  adw_init ();
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/direction/mirrored", test_mirrored);

  return g_test_run ();
}
