/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A link to one shard stands for the whole set: a parent, and a child for each file. */

#include "tests/core/manager-steps.h"

#include "core/base/piece.h"

#define N_SHARDS 3

static const char *const shards[N_SHARDS] = { "/m-00001-of-00003.gguf", "/m-00002-of-00003.gguf",
                                              "/m-00003-of-00003.gguf" };

static const DrayTestBehaviour gone = { .answer = { .times = DRAY_TEST_ALWAYS, .status = 404 } };

static void
serve (ManagerFixture *fixture, gint64 gate)
{
  for (guint i = 0; i < N_SHARDS; i++)
    steps_add (fixture, shards[i], 60 + i, gate);
}

static void
raise_gates (ManagerFixture *fixture)
{
  for (guint i = 0; i < N_SHARDS; i++)
    steps_set_gate (fixture, shards[i], 0);
}

/* The children of a parent, in the order of the files. */
static void
find_children (ManagerFixture *fixture, DrayRequest *parent, DrayRequest **children)
{
  GListModel *requests = dray_manager_get_requests (fixture->manager);
  guint n_children = 0;

  for (guint i = 0; i < g_list_model_get_n_items (requests); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (requests, i);

      if (g_strcmp0 (dray_request_get_parent_id (request), dray_request_get_id (parent)) != 0)
        continue;
      g_assert_cmpuint (n_children, <, N_SHARDS);
      children[n_children++] = request;
    }
  g_assert_cmpuint (n_children, ==, N_SHARDS);
}

/* A set that has stopped at its gates. */
static DrayRequest *
get_gated (ManagerFixture *fixture, DrayRequest **children)
{
  DrayRequest *parent;

  serve (fixture, FIXTURE_HELD);
  parent = fixture_get (fixture, shards[1]);
  find_children (fixture, parent, children);
  fixture_wait_for_bytes (parent, N_SHARDS * FIXTURE_HELD);

  return parent;
}

static void
assert_states (DrayRequest *parent,
               DrayRequestState state,
               DrayRequest **children,
               const DrayRequestState *states)
{
  g_assert_cmpint (dray_request_get_state (parent), ==, state);
  for (guint i = 0; i < N_SHARDS; i++)
    g_assert_cmpint (dray_request_get_state (children[i]), ==, states[i]);
}

static void
assert_complete (ManagerFixture *fixture, DrayRequest *parent, DrayRequest **children)
{
  g_assert_no_error (dray_request_get_error (parent));
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpint (dray_request_get_downloaded (parent), ==, N_SHARDS * FIXTURE_SIZE);
  g_assert_cmpint (dray_request_get_total (parent), ==, N_SHARDS * FIXTURE_SIZE);
  for (guint i = 0; i < N_SHARDS; i++)
    fixture_assert_completed (fixture, children[i], shards[i]);
  g_assert_cmpstr (dray_request_get_result (parent), ==, dray_request_get_path (children[0]));
}

/* Lets everything through; no byte comes twice. */
static void
finish (ManagerFixture *fixture, DrayRequest *parent, DrayRequest **children)
{
  raise_gates (fixture);
  fixture_wait_for_end (parent);
  assert_complete (fixture, parent, children);
  for (guint i = 0; i < N_SHARDS; i++)
    g_assert_cmpint (fixture_get_body_bytes (fixture, shards[i]), ==, FIXTURE_SIZE);
}

static void
test_family (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *parent, *children[N_SHARDS];

  serve (fixture, FIXTURE_HELD);
  parent = fixture_get (fixture, shards[2]);
  find_children (fixture, parent, children);
  g_assert_true (fixture_count_requests (fixture) == N_SHARDS + 1);
  g_assert_cmpstr (dray_request_get_kind (parent), ==, "set");
  g_assert_null (dray_request_get_parent_id (parent));
  g_assert_null (dray_request_get_download_key (parent));
  g_assert_true (g_str_has_suffix (dray_request_get_model_id (parent), "/m-*-of-00003.gguf"));
  g_assert_cmpint (dray_request_get_total (parent), ==, DRAY_SIZE_UNKNOWN);
  for (guint i = 0; i < N_SHARDS; i++)
    {
      g_assert_cmpstr (dray_request_get_kind (children[i]), ==, "download");
      g_assert_cmpstr (dray_request_get_model_id (children[i]), ==,
                       dray_request_get_model_id (parent));
      g_assert_true (g_str_has_suffix (dray_request_get_source (children[i]), shards[i]));
      g_assert_cmpstr (dray_request_get_id (children[i]), !=, dray_request_get_id (parent));
    }

  fixture_wait_for_bytes (parent, N_SHARDS * FIXTURE_HELD);
  g_assert_cmpint (dray_request_get_total (parent), ==, N_SHARDS * FIXTURE_SIZE);
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_DOWNLOADING);
  steps_set_gate (fixture, shards[0], 0);
  fixture_wait_for_end (children[0]);
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_DOWNLOADING);
  finish (fixture, parent, children);
}

/* The total is unknown as long as that of one file is. */
static void
test_unknown_total (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour endless = { .framing = DRAY_TEST_FRAMING_CHUNKED,
                                .gate = FIXTURE_HELD,
                                .ranges = DRAY_TEST_RANGES_IGNORED };
  DrayRequest *parent, *children[N_SHARDS];

  serve (fixture, FIXTURE_HELD);
  dray_test_server_set_behaviour (fixture->server, shards[1], &endless);
  parent = fixture_get (fixture, shards[0]);
  find_children (fixture, parent, children);
  fixture_wait_for_bytes (parent, N_SHARDS * FIXTURE_HELD);
  g_assert_cmpint (dray_request_get_total (children[0]), ==, FIXTURE_SIZE);
  g_assert_cmpint (dray_request_get_total (children[1]), ==, DRAY_SIZE_UNKNOWN);
  g_assert_cmpint (dray_request_get_total (parent), ==, DRAY_SIZE_UNKNOWN);
  g_assert_cmpfloat (dray_request_get_percentage (parent), <, 0.001);
  raise_gates (fixture);
  fixture_wait_for_end (parent);
  assert_complete (fixture, parent, children);
}

static void
test_pause (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const DrayRequestState paused[] = { DRAY_REQUEST_PAUSED, DRAY_REQUEST_PAUSED,
                                             DRAY_REQUEST_PAUSED };
  static const DrayRequestState one[] = { DRAY_REQUEST_DOWNLOADING, DRAY_REQUEST_PAUSED,
                                          DRAY_REQUEST_DOWNLOADING };
  DrayRequest *children[N_SHARDS];
  DrayRequest *parent = get_gated (fixture, children);

  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (parent), FALSE), ==, N_SHARDS);
  assert_states (parent, DRAY_REQUEST_PAUSED, children, paused);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (parent), FALSE), ==, 0);
  fixture_resume (fixture, parent);
  for (guint i = 0; i < N_SHARDS; i++)
    fixture_wait_for_state (children[i], DRAY_REQUEST_DOWNLOADING);

  /* One alone; the others go on, and so does the parent. */
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (children[1]), FALSE), ==, 1);
  assert_states (parent, DRAY_REQUEST_DOWNLOADING, children, one);
  steps_set_gate (fixture, shards[0], 0);
  steps_set_gate (fixture, shards[2], 0);
  fixture_wait_for_end (parent);
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpint (dray_request_get_downloaded (parent), ==, 2 * FIXTURE_SIZE + FIXTURE_HELD);

  /* The child by itself brings the parent back. */
  fixture_resume (fixture, children[1]);
  g_assert_true (dray_request_is_running (parent));
  finish (fixture, parent, children);
}

/* What of the set was discarded counts no more; the parent goes with the last. */
static void
test_discard (ManagerFixture *fixture, gconstpointer data)
{
  gboolean one_by_one = GPOINTER_TO_INT (data);
  DrayRequest *children[N_SHARDS];
  g_autoptr (DrayRequest) parent = g_object_ref (get_gated (fixture, children));

  if (!one_by_one)
    {
      g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (parent), TRUE), ==, N_SHARDS);
    }
  else
    {
      for (guint i = 0; i < N_SHARDS; i++)
        {
          g_assert_cmpint (dray_request_get_total (parent), ==, (N_SHARDS - i) * FIXTURE_SIZE);
          g_assert_cmpint (dray_request_get_downloaded (parent), ==, (N_SHARDS - i) * FIXTURE_HELD);
          g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (children[i]), TRUE), ==,
                            1);
        }
    }
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_DISCARDED);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
  fixture_reopen (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
}

/* Two are enough when the third is not wanted. */
static void
test_discard_one (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *children[N_SHARDS];
  DrayRequest *parent = get_gated (fixture, children);

  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (children[0]), TRUE), ==, 1);
  raise_gates (fixture);
  fixture_wait_for_end (parent);
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpint (dray_request_get_total (parent), ==, 2 * FIXTURE_SIZE);
  g_assert_cmpstr (dray_request_get_result (parent), ==, dray_request_get_path (children[1]));
}

static void
test_remove (ManagerFixture *fixture, gconstpointer data)
{
  gboolean last = GPOINTER_TO_INT (data);
  DrayRequest *children[N_SHARDS];
  DrayRequest *parent = get_gated (fixture, children);
  g_autoptr (GError) error = NULL;

  g_assert_false (fixture_remove (fixture, dray_request_get_id (parent), &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, N_SHARDS + 1);

  fixture_cancel (fixture, dray_request_get_id (parent), FALSE);
  g_assert_true (fixture_remove (fixture, dray_request_get_id (children[2]), NULL));
  g_assert_cmpuint (fixture_count_requests (fixture), ==, N_SHARDS);
  g_assert_cmpint (dray_request_get_total (parent), ==, 2 * FIXTURE_SIZE);
  if (last)
    {
      /* The parent goes with the last of them. */
      g_assert_true (fixture_remove (fixture, dray_request_get_id (children[0]), NULL));
      g_assert_true (fixture_remove (fixture, dray_request_get_id (children[1]), NULL));
    }
  else
    g_assert_true (fixture_remove (fixture, dray_request_get_id (parent), NULL));
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
  fixture_reopen (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
}

/* One that fails fails the set, when the others are done; again, only that one is asked for. */
static void
test_failure (ManagerFixture *fixture, gconstpointer data)
{
  gboolean again = GPOINTER_TO_INT (data);
  DrayRequest *parent, *children[N_SHARDS];

  serve (fixture, FIXTURE_HELD);
  dray_test_server_set_behaviour (fixture->server, shards[1], &gone);
  parent = fixture_get (fixture, shards[0]);
  find_children (fixture, parent, children);
  fixture_wait_for_end (children[1]);
  g_assert_true (dray_request_is_running (parent));
  raise_gates (fixture);
  fixture_wait_for_end (parent);
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_FAILED);
  g_assert_cmpstr (dray_request_get_error_name (parent), ==, "not-found");
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 2);

  steps_add (fixture, shards[1], 61, 0);
  if (again)
    {
      parent = fixture_get (fixture, shards[1]);
      find_children (fixture, parent, children);
      g_assert_cmpuint (fixture_count_requests (fixture), ==, N_SHARDS + 1);
      fixture_wait_for_end (parent);
      g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_COMPLETED);
      g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, N_SHARDS);
      return;
    }

  fixture_resume (fixture, parent);
  g_assert_null (dray_request_get_error_name (parent));
  finish (fixture, parent, children);
  g_assert_cmpuint (steps_count_asked (fixture, shards[0]), ==, 1);
}

/* The same call takes the place of the paused set, all of it. */
static void
test_same_call (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *children[N_SHARDS];
  DrayRequest *parent = get_gated (fixture, children);
  g_autofree char *old = g_strdup (dray_request_get_id (parent));

  fixture_cancel (fixture, old, FALSE);
  parent = fixture_get (fixture, shards[2]);
  g_assert_null (dray_manager_find_request (fixture->manager, old));
  g_assert_cmpuint (fixture_count_requests (fixture), ==, N_SHARDS + 1);
  find_children (fixture, parent, children);
  g_assert_cmpint (dray_request_get_downloaded (parent), ==, N_SHARDS * FIXTURE_HELD);
  finish (fixture, parent, children);
}

static void
test_restart (ManagerFixture *fixture, gconstpointer data)
{
  gboolean resumes = GPOINTER_TO_INT (data);
  DrayRequest *children[N_SHARDS];
  DrayRequest *parent = get_gated (fixture, children);
  g_autofree char *id = g_strdup (dray_request_get_id (parent));

  steps_set_gate (fixture, shards[0], 0);
  fixture_wait_for_end (children[0]);
  steps_reopen (fixture, 3, resumes);
  parent = steps_find (fixture, id);
  find_children (fixture, parent, children);
  g_assert_cmpint (dray_request_get_total (parent), ==, N_SHARDS * FIXTURE_SIZE);
  g_assert_cmpint (dray_request_get_downloaded (parent), ==, FIXTURE_SIZE + 2 * FIXTURE_HELD);
  if (!resumes)
    {
      g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_PAUSED);
      fixture_resume (fixture, parent);
    }
  g_assert_true (dray_request_is_running (parent));
  finish (fixture, parent, children);

  fixture_reopen (fixture);
  parent = steps_find (fixture, id);
  g_assert_cmpint (dray_request_get_state (parent), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpint (dray_request_get_downloaded (parent), ==, N_SHARDS * FIXTURE_SIZE);
}

/* Two callers who ask for one set share its transfers; one who asks for a shard by a digest too. */
static void
test_shared (ManagerFixture *fixture, gconstpointer data)
{
  gboolean discards = GPOINTER_TO_INT (data);
  DrayRequest *children[N_SHARDS], *others[N_SHARDS];
  DrayRequest *parent = get_gated (fixture, children);
  g_autofree char *sha256 = steps_dup_sha256 (fixture, shards[1]);
  DrayRequest *other, *plain;

  other = fixture_get_with (fixture, shards[0], "caller", "another", NULL);
  find_children (fixture, other, others);
  g_assert_cmpint (dray_request_get_downloaded (other), ==, N_SHARDS * FIXTURE_HELD);
  steps_add (fixture, "/plain.gguf", 0, 0);
  steps_set_redirect (fixture, "/plain.gguf", shards[1]);
  plain = fixture_get_with (fixture, "/plain.gguf", "caller", "third", NULL);
  fixture_wait_for_bytes (plain, FIXTURE_HELD);
  steps_spin (fixture);
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, N_SHARDS);

  /* Children of others are none of this caller's. */
  if (discards)
    {
      g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (parent), TRUE), ==, N_SHARDS);
      g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, N_SHARDS);
      parent = NULL;
    }
  raise_gates (fixture);
  fixture_wait_for_end (other);
  fixture_wait_for_end (plain);
  g_assert_cmpint (dray_request_get_state (other), ==, DRAY_REQUEST_COMPLETED);
  fixture_assert_completed (fixture, plain, shards[1]);
  g_assert_cmpstr (dray_request_get_sha256 (plain), ==, sha256);
  for (guint i = 0; i < N_SHARDS; i++)
    fixture_assert_completed (fixture, others[i], shards[i]);
  if (parent != NULL)
    {
      fixture_wait_for_end (parent);
      assert_complete (fixture, parent, children);
    }
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, N_SHARDS);
}

/* A digest is of one file. */
static void
test_digest (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *uri = dray_test_server_get_uri (fixture->server, shards[0]);
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  g_autoptr (GError) error = NULL;

  dray_download_options_set_sha256 (options, sha256);
  g_assert_null (dray_manager_download_asset (fixture->manager, uri, options, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-set/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("family", NULL, test_family);
  add ("unknown-total", NULL, test_unknown_total);
  add ("pause", NULL, test_pause);
  add ("discard/parent", GINT_TO_POINTER (FALSE), test_discard);
  add ("discard/children", GINT_TO_POINTER (TRUE), test_discard);
  add ("discard/one", NULL, test_discard_one);
  add ("remove/parent", GINT_TO_POINTER (FALSE), test_remove);
  add ("remove/children", GINT_TO_POINTER (TRUE), test_remove);
  add ("failure/resume", GINT_TO_POINTER (FALSE), test_failure);
  add ("failure/same-call", GINT_TO_POINTER (TRUE), test_failure);
  add ("same-call", NULL, test_same_call);
  add ("restart/resumes", GINT_TO_POINTER (TRUE), test_restart);
  add ("restart/paused", GINT_TO_POINTER (FALSE), test_restart);
  add ("shared/both", GINT_TO_POINTER (FALSE), test_shared);
  add ("shared/discard", GINT_TO_POINTER (TRUE), test_shared);
  add ("digest", NULL, test_digest);

  return g_test_run ();
}
