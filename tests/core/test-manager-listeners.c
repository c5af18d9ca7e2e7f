/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Those who listen, and act from inside the call that tells them; and bytes of two versions. */

#include "tests/core/manager-steps.h"

#define SHARD "/m-00001-of-00002.gguf"
#define OTHER_SHARD "/m-00002-of-00002.gguf"

typedef enum
{
  TO_PAUSE,
  TO_DISCARD,
  TO_REMOVE,
  TO_CLOSE,
} Act;

typedef struct
{
  ManagerFixture *fixture;
  Act act;
  DrayRequestState when;
  guint n_acts; /* how often it may still act */
  gboolean reported;
} Listener;

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  dray_manager_cancel_finish (DRAY_MANAGER (source), result);
  ((Listener *) user_data)->reported = TRUE;
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  dray_manager_remove_finish (DRAY_MANAGER (source), result, NULL);
  ((Listener *) user_data)->reported = TRUE;
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  dray_manager_close_finish (DRAY_MANAGER (source), result);
  ((Listener *) user_data)->reported = TRUE;
}

static gboolean
is_reported (gpointer data)
{
  return ((Listener *) data)->reported;
}

static void
act (Listener *listener, DrayRequest *request)
{
  DrayManager *manager = listener->fixture->manager;
  g_autofree char *id = g_strdup (dray_request_get_id (request));

  if (listener->n_acts == 0)
    return;
  listener->n_acts--;
  if (listener->act == TO_CLOSE)
    dray_manager_close_async (manager, closed_cb, listener);
  else if (listener->act == TO_REMOVE)
    dray_manager_remove_async (manager, id, removed_cb, listener);
  else
    dray_manager_cancel_async (manager, id, listener->act == TO_DISCARD, cancelled_cb, listener);
}

static void
items_changed_cb (
    GListModel *list, guint position, G_GNUC_UNUSED guint removed, guint added, gpointer user_data)
{
  g_autoptr (DrayRequest) request = added > 0 ? g_list_model_get_item (list, position) : NULL;

  if (request != NULL)
    act (user_data, request);
}

static void
state_cb (DrayRequest *request, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  Listener *listener = user_data;

  if (dray_request_get_state (request) == listener->when)
    act (listener, request);
}

static void
told_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  G_GNUC_UNUSED g_autofree char *path =
      dray_request_await_finish (DRAY_REQUEST (source), result, NULL);

  act (user_data, DRAY_REQUEST (source));
}

/* What is in the list may be cancelled in the moment in which it is: then nothing begins. */
static void
test_in_list (ManagerFixture *fixture, gconstpointer data)
{
  Listener listener = { fixture, (Act) GPOINTER_TO_INT (data), DRAY_REQUEST_RESOLVING, 1, FALSE };
  GListModel *requests = dray_manager_get_requests (fixture->manager);

  steps_add (fixture, SHARD, 1, 0);
  steps_add (fixture, OTHER_SHARD, 2, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *uri =
          dray_test_server_get_uri (fixture->server, i == 0 ? SHARD : FIXTURE_PATH);
      gulong handler =
          g_signal_connect (requests, "items-changed", G_CALLBACK (items_changed_cb), &listener);

      listener.n_acts = 1;
      listener.reported = FALSE;
      dray_manager_download_asset (fixture->manager, uri, NULL, NULL);
      fixture_wait (is_reported, &listener);
      g_signal_handler_disconnect (requests, handler);
    }
  steps_spin (fixture);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 0);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, listener.act == TO_DISCARD ? 0 : 4);
  for (guint i = 0; i < g_list_model_get_n_items (requests); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (requests, i);

      g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
    }
}

/* So may what runs again, a parent with its children. */
static void
test_in_resume (ManagerFixture *fixture, gconstpointer data)
{
  Listener listener = { fixture, (Act) GPOINTER_TO_INT (data), DRAY_REQUEST_RESOLVING, 1, FALSE };
  const char *paths[] = { FIXTURE_PATH, SHARD };

  steps_add (fixture, SHARD, 1, 0);
  steps_add (fixture, OTHER_SHARD, 2, 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (DrayRequest) request = g_object_ref (fixture_get (fixture, paths[i]));

      fixture_cancel (fixture, dray_request_get_id (request), FALSE);
      g_signal_connect (request, "notify::state", G_CALLBACK (state_cb), &listener);
      listener.n_acts = 1;
      listener.reported = FALSE;
      fixture_resume (fixture, request);
      fixture_wait (is_reported, &listener);
      g_assert_cmpint (dray_request_get_state (request), ==,
                       listener.act == TO_DISCARD ? DRAY_REQUEST_DISCARDED : DRAY_REQUEST_PAUSED);
      g_signal_handlers_disconnect_by_data (request, &listener);
    }
  steps_spin (fixture);
  g_assert_cmpuint (dray_test_server_get_n_requests (fixture->server), ==, 0);
}

/* A caller acts when it is told that its request has settled, while others share the bytes. */
static void
test_in_await (ManagerFixture *fixture, gconstpointer data)
{
  Listener listener = { fixture, (Act) GPOINTER_TO_INT (data), DRAY_REQUEST_COMPLETED, 1, FALSE };
  g_autoptr (DrayRequest) first = NULL;
  g_autoptr (DrayRequest) second = NULL;

  steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
  first = g_object_ref (fixture_get (fixture, FIXTURE_PATH));
  second = g_object_ref (fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", NULL));
  fixture_wait_for_bytes (second, FIXTURE_HELD);
  dray_request_await_async (first, NULL, told_cb, &listener);
  g_signal_connect (second, "notify::state", G_CALLBACK (state_cb), &listener);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait (is_reported, &listener);
  if (listener.act == TO_CLOSE)
    {
      g_assert_finalize_object (g_steal_pointer (&fixture->manager));
      fixture_open (fixture);
      return;
    }
  fixture_wait_for_end (second);
  g_assert_cmpint (dray_request_get_state (first), ==, DRAY_REQUEST_COMPLETED);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, listener.act == TO_REMOVE ? 1 : 2);
}

/* The bytes of a first version are here, tied to what follows by a digest alone. */
static DrayRequest *
begin_mixed (ManagerFixture *fixture, DrayRequest **other)
{
  DrayTestBehaviour bare = { .validators = DRAY_TEST_VALIDATORS_NONE, .gate = FIXTURE_HELD };
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &bare);
  request = fixture_get_with (fixture, FIXTURE_PATH, "sha256", sha256, NULL);
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (request), FALSE);

  /* The server has another version now. */
  dray_test_server_add_gguf (fixture->server, FIXTURE_PATH, 1234, FIXTURE_SIZE);
  bare.gate = 2 * FIXTURE_HELD;
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &bare);
  fixture_resume (fixture, request);
  *other = fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", NULL);
  fixture_wait_for_bytes (*other, 2 * FIXTURE_HELD);

  return request;
}

/* They are right for nobody, not even for one who expects no digest. */
static void
test_mixed (ManagerFixture *fixture, gconstpointer data)
{
  gboolean restarts = GPOINTER_TO_INT (data);
  g_autofree char *id = NULL;
  DrayRequest *request, *other;

  request = begin_mixed (fixture, &other);
  if (!restarts)
    {
      steps_set_gate (fixture, FIXTURE_PATH, 0);
      fixture_wait_for_end (request);
      fixture_wait_for_end (other);
      fixture_assert_failed (fixture, request, DRAY_ERROR_CHECKSUM_MISMATCH);
      fixture_assert_failed (fixture, other, DRAY_ERROR_CHECKSUM_MISMATCH);
    }
  else
    {
      id = g_strdup (dray_request_get_id (other));
      fixture_cancel (fixture, dray_request_get_id (request), TRUE);
      fixture_reopen (fixture);
      other = steps_find (fixture, id);
      steps_set_gate (fixture, FIXTURE_PATH, 0);
      fixture_resume (fixture, other);
      fixture_wait_for_end (other);
      fixture_assert_failed (fixture, other, DRAY_ERROR_CHECKSUM_MISMATCH);
    }

  /* Asked for again, it begins again, and gets what the server has. */
  fixture_resume (fixture, other);
  fixture_wait_for_end (other);
  fixture_assert_completed (fixture, other, FIXTURE_PATH);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-listeners/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("in-list/pause", GINT_TO_POINTER (TO_PAUSE), test_in_list);
  add ("in-list/discard", GINT_TO_POINTER (TO_DISCARD), test_in_list);
  add ("in-resume/pause", GINT_TO_POINTER (TO_PAUSE), test_in_resume);
  add ("in-resume/discard", GINT_TO_POINTER (TO_DISCARD), test_in_resume);
  add ("in-await/discard", GINT_TO_POINTER (TO_DISCARD), test_in_await);
  add ("in-await/remove", GINT_TO_POINTER (TO_REMOVE), test_in_await);
  add ("in-await/close", GINT_TO_POINTER (TO_CLOSE), test_in_await);
  add ("mixed/running", GINT_TO_POINTER (FALSE), test_mixed);
  add ("mixed/restarted", GINT_TO_POINTER (TRUE), test_mixed);

  return g_test_run ();
}
