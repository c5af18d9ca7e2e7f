/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a server's answer tells of the bytes, and two transfers that prove to be of the same. */

#include "tests/core/manager-steps.h"

#include <unistd.h>

#define TWIN_PATH "/twin/model.gguf"

/* An interval of the journal, in milliseconds, that is longer than a test. */
#define NEVER 3600000

/* A SHA-256 that no file here has, in hexadecimal and in base 64. */
#define WRONG "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define WRONG_64 "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="

/* The header with which a server tells the digest of its file. */
static char *
dup_promise (ManagerFixture *fixture)
{
  g_autoptr (DrayTestContent) content =
      dray_test_server_dup_content (fixture->server, FIXTURE_PATH);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = (gsize) dray_test_content_get_size (content);
  g_autofree guchar *bytes = g_malloc (size);
  g_autofree char *encoded = NULL;
  guint8 digest[32];
  gsize length = sizeof digest;

  dray_test_content_read (content, 0, bytes, size);
  g_checksum_update (checksum, bytes, (gssize) size);
  g_checksum_get_digest (checksum, digest, &length);
  encoded = g_base64_encode (digest, length);

  return g_strdup_printf ("Repr-Digest: sha-256=:%s:\r\n", encoded);
}

/* Serves the one file under two paths, both with its digest, and stops each at its gate. */
static void
serve_twins (ManagerFixture *fixture, gint64 gate, gint64 twin_gate)
{
  g_autofree char *promise = dup_promise (fixture);

  steps_add_same (fixture, fixture->server, TWIN_PATH);
  steps_set_headers (fixture, FIXTURE_PATH, promise);
  steps_set_headers (fixture, TWIN_PATH, promise);
  steps_set_gate (fixture, FIXTURE_PATH, gate);
  steps_set_gate (fixture, TWIN_PATH, twin_gate);
}

static void
raise_gates (ManagerFixture *fixture)
{
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  steps_set_gate (fixture, TWIN_PATH, 0);
}

static DrayRequest *
get_twin (ManagerFixture *fixture)
{
  return fixture_get_with (fixture, TWIN_PATH, "caller", "another", NULL);
}

static void
finish (ManagerFixture *fixture, DrayRequest *first, DrayRequest *second)
{
  raise_gates (fixture);
  fixture_wait_for_end (first);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
}

/* Both callers have one file, and nothing of the other transfer is left. */
static void
assert_one_file (ManagerFixture *fixture, DrayRequest *first, DrayRequest *second)
{
  g_assert_cmpstr (dray_request_get_path (first), ==, dray_request_get_path (second));
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
}

/* The key is the digest as soon as the server has told it; the link stays another name. */
static void
test_key (ManagerFixture *fixture, gconstpointer data)
{
  gboolean on_redirect = GPOINTER_TO_INT (data);
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  g_autofree char *expected = g_strconcat ("sha256:", sha256, NULL);
  g_autofree char *linked = g_strdup_printf ("X-Linked-ETag: \"%s\"\r\n", sha256);
  const char *path = on_redirect ? TWIN_PATH : FIXTURE_PATH;
  DrayRequest *request, *other;

  if (on_redirect)
    {
      steps_set_redirect (fixture, TWIN_PATH, FIXTURE_PATH);
      steps_set_headers (fixture, TWIN_PATH, linked);
      steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
    }
  else
    serve_twins (fixture, FIXTURE_HELD, FIXTURE_HELD);
  request = fixture_get (fixture, path);
  g_assert_true (g_str_has_prefix (dray_request_get_download_key (request), "url:"));
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  g_assert_cmpstr (dray_request_get_download_key (request), ==, expected);

  other = fixture_get_with (fixture, path, "caller", "another", NULL);
  g_assert_cmpint (dray_request_get_downloaded (other), ==, FIXTURE_HELD);
  other = fixture_get_with (fixture, "/elsewhere.gguf", "caller", "third", "sha256", sha256, NULL);
  g_assert_cmpint (dray_request_get_downloaded (other), ==, FIXTURE_HELD);
  finish (fixture, request, other);
  g_assert_cmpstr (dray_request_get_verified (request), ==, "computed");
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 1);
}

/* Bytes that are not what the server itself told of them are right for nobody. */
static void
test_broken_promise (ManagerFixture *fixture, gconstpointer data)
{
  g_autofree char *sha256 = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *request;

  steps_set_redirect (fixture, TWIN_PATH, FIXTURE_PATH);
  steps_set_headers (fixture, TWIN_PATH, data);
  if (strstr (data, "Repr") != NULL)
    steps_set_headers (fixture, FIXTURE_PATH, data);
  request = fixture_get_with (fixture, TWIN_PATH, "sha256", sha256, NULL);
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_CHECKSUM_MISMATCH);

  /* The server has mended its ways. */
  steps_set_headers (fixture, TWIN_PATH, NULL);
  steps_set_headers (fixture, FIXTURE_PATH, NULL);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  g_test_message ("Then: %s", dray_request_state_get_name (dray_request_get_state (request)));
}

/* The transfer with fewer bytes ends, its partial file goes, and its caller goes on with the other. */
static void
test_running (ManagerFixture *fixture, gconstpointer data)
{
  gboolean second_has_more = GPOINTER_TO_INT (data);
  DrayRequest *first, *second;

  serve_twins (fixture, FIXTURE_HELD, 1);
  if (second_has_more)
    {
      /* It has begun before the server told of digests. */
      steps_set_headers (fixture, TWIN_PATH, NULL);
      steps_set_gate (fixture, TWIN_PATH, 0);
      second = fixture_begin (fixture, TWIN_PATH, 2 * FIXTURE_HELD);
      serve_twins (fixture, FIXTURE_HELD, 2 * FIXTURE_HELD);
    }
  first = fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", NULL);
  fixture_wait_for_bytes (first, FIXTURE_HELD);
  if (second_has_more)
    fixture_resume (fixture, second);
  else
    second = get_twin (fixture);

  fixture_wait_for_bytes (first, second_has_more ? 2 * FIXTURE_HELD : FIXTURE_HELD);
  fixture_wait_for_bytes (second, second_has_more ? 2 * FIXTURE_HELD : FIXTURE_HELD);
  steps_spin (fixture);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 1);
  finish (fixture, first, second);
  assert_one_file (fixture, first, second);
  g_assert_cmpint (fixture_get_body_bytes (fixture, second_has_more ? TWIN_PATH : FIXTURE_PATH), ==,
                   FIXTURE_SIZE);

  fixture_reopen (fixture);
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 2);
}

/* One that is paused moves too, and goes on from the other's bytes. */
static void
test_paused (ManagerFixture *fixture, gconstpointer data)
{
  gboolean restarts = GPOINTER_TO_INT (data);
  g_autofree char *id = NULL;
  DrayRequest *paused, *running;

  serve_twins (fixture, FIXTURE_HELD, 1000);
  paused = get_twin (fixture);
  fixture_wait_for_bytes (paused, 1000);
  fixture_cancel (fixture, dray_request_get_id (paused), FALSE);
  id = g_strdup (dray_request_get_id (paused));
  if (restarts)
    {
      fixture_reopen (fixture);
      paused = steps_find (fixture, id);
    }

  /* It has not a byte more than the paused one when the two prove equal, so that one's bytes are
   * kept. */
  steps_set_gate (fixture, TWIN_PATH, FIXTURE_HELD);
  running = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_bytes (running, FIXTURE_HELD);
  steps_spin (fixture);
  g_assert_cmpint (dray_request_get_state (paused), ==, DRAY_REQUEST_PAUSED);
  g_assert_cmpstr (dray_request_get_download_key (paused), ==,
                   dray_request_get_download_key (running));
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
  fixture_resume (fixture, paused);
  finish (fixture, running, paused);
  assert_one_file (fixture, running, paused);
}

/* Two links that lead to one place: the same strong validator proves the same file. */
static void
test_redirects (ManagerFixture *fixture, gconstpointer data)
{
  gboolean changes = GPOINTER_TO_INT (data);
  DrayRequest *first, *second;

  steps_set_redirect (fixture, "/one.gguf", FIXTURE_PATH);
  steps_set_redirect (fixture, "/two.gguf", FIXTURE_PATH);
  steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
  first = fixture_get (fixture, "/one.gguf");
  fixture_wait_for_bytes (first, FIXTURE_HELD);
  if (changes)
    dray_test_server_set_etag (fixture->server, FIXTURE_PATH, "\"another\"");
  second = fixture_get_with (fixture, "/two.gguf", "caller", "another", NULL);
  fixture_wait_for_bytes (second, FIXTURE_HELD);
  steps_spin (fixture);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, changes ? 2 : 1);
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, changes ? 2 : 1);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (first);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, changes ? 2 : 1);
}

/* What a transfer knows of its bytes counts, though the journal does not know it yet. */
static void
test_unrecorded (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *partial = fixture_dup_partial (fixture, "model.gguf");
  DrayRequest *first, *second;

  steps_set_redirect (fixture, TWIN_PATH, FIXTURE_PATH);
  steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
  first = fixture_begin (fixture, FIXTURE_PATH, FIXTURE_HELD);

  /* None of the bytes that were recorded is there. */
  g_assert_cmpint (truncate (partial, 0), ==, 0);
  dray_manager_set_interval (fixture->manager, NEVER);
  fixture_resume (fixture, first);
  fixture_wait_for_bytes (first, FIXTURE_HELD);
  second = get_twin (fixture);
  fixture_wait_for_bytes (second, FIXTURE_HELD);
  steps_spin (fixture);
  g_assert_cmpuint (dray_test_server_get_open_bodies (fixture->server), ==, 1);
  finish (fixture, first, second);
  assert_one_file (fixture, first, second);
}

/* What a redirect led to is another name of the model, in the next run of the program too. */
static void
test_sweep_by_alias (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *link = dray_test_server_get_uri (fixture->server, FIXTURE_PATH);
  g_autofree char *model_id = g_strconcat ("url:", link, NULL);
  g_autofree char *unknown = dray_test_server_get_uri (fixture->server, "/unknown.gguf");
  DrayRequest *request;

  steps_set_redirect (fixture, "/one.gguf", FIXTURE_PATH);
  steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
  request = fixture_get (fixture, "/one.gguf");
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  g_assert_cmpuint (fixture_cancel_model (fixture, unknown), ==, 0);
  g_assert_cmpuint (fixture_cancel_model (fixture, model_id), ==, 1);
  fixture_resume (fixture, request);
  g_assert_cmpuint (fixture_cancel_model (fixture, link), ==, 1);

  fixture_reopen (fixture);
  request = fixture_get_only_request (fixture);
  fixture_resume (fixture, request);
  g_assert_cmpuint (fixture_cancel_model (fixture, link), ==, 1);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);
}

typedef enum
{
  AND_HOLD,
  AND_CLOSE,
  AND_DISCARD,
  AND_DISCARD_OTHER,
} Meanwhile;

typedef struct
{
  ManagerFixture *fixture;
  Meanwhile what;
  char *other;
  gboolean done;
} Listener;

static void
closed_cb (G_GNUC_UNUSED GObject *source,
           G_GNUC_UNUSED GAsyncResult *result,
           G_GNUC_UNUSED gpointer data)
{
}

/* The key is told when the answer is in, and before anything is done about the twin. */
static void
key_cb (DrayRequest *request, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  Listener *listener = user_data;
  DrayManager *manager = listener->fixture->manager;
  const char *id = listener->what == AND_DISCARD ? dray_request_get_id (request) : listener->other;

  if (listener->done)
    return;
  listener->done = TRUE;
  if (listener->what == AND_HOLD)
    dray_manager_hold_async (manager, NULL, NULL);
  else if (listener->what == AND_CLOSE)
    dray_manager_close_async (manager, closed_cb, NULL);
  else
    dray_manager_cancel_async (manager, id, TRUE, NULL, NULL);
}

static gboolean
is_listener_done (gpointer data)
{
  return ((Listener *) data)->done;
}

static gboolean
is_closed (gpointer data)
{
  return G_OBJECT (data)->ref_count == 1;
}

/* A listener does something else in the moment in which the twins are found. */
static void
test_meanwhile (ManagerFixture *fixture, gconstpointer data)
{
  Listener listener = { .fixture = fixture, .what = (Meanwhile) GPOINTER_TO_INT (data) };
  g_autofree char *first_id = NULL;
  g_autofree char *second_id = NULL;
  g_autoptr (DrayRequest) first = NULL;
  g_autoptr (DrayRequest) second = NULL;

  serve_twins (fixture, FIXTURE_HELD, 1);
  first = g_object_ref (fixture_get (fixture, FIXTURE_PATH));
  fixture_wait_for_bytes (first, FIXTURE_HELD);
  second = g_object_ref (get_twin (fixture));
  first_id = g_strdup (dray_request_get_id (first));
  second_id = g_strdup (dray_request_get_id (second));
  listener.other = first_id;
  g_signal_connect (second, "notify::download-key", G_CALLBACK (key_cb), &listener);
  fixture_wait (is_listener_done, &listener);

  if (listener.what == AND_CLOSE)
    {
      fixture_wait (is_closed, fixture->manager);
      g_assert_finalize_object (g_steal_pointer (&fixture->manager));
      fixture_open (fixture);
      g_assert_cmpint (dray_request_get_state (first), ==, DRAY_REQUEST_PAUSED);
      g_set_object (&first, steps_find (fixture, first_id));
      g_set_object (&second, steps_find (fixture, second_id));
      fixture_resume (fixture, first);
      fixture_resume (fixture, second);
    }
  else if (listener.what == AND_HOLD)
    {
      steps_hold (fixture);
      g_assert_cmpstr (dray_request_get_reason (first), ==, "held");
      g_assert_cmpstr (dray_request_get_reason (second), ==, "held");
      dray_manager_release (fixture->manager);
    }
  else
    {
      DrayRequest *gone = listener.what == AND_DISCARD ? second : first;
      DrayRequest *left = listener.what == AND_DISCARD ? first : second;

      fixture_wait_for_end (gone);
      raise_gates (fixture);
      fixture_wait_for_end (left);
      steps_spin (fixture);
      g_assert_cmpint (dray_request_get_state (gone), ==, DRAY_REQUEST_DISCARDED);
      fixture_assert_completed (fixture, left, FIXTURE_PATH);
      g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
      return;
    }

  /* Beyond its gate the second has bytes only when it shares the first one's. */
  fixture_wait_for_bytes (second, FIXTURE_HELD);
  finish (fixture, first, second);
  steps_spin (fixture);
  assert_one_file (fixture, first, second);
}

/* The twin is found when the other is about to be finished; whatever comes first, each has its file. */
static void
test_finishing (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    {
      DrayRequest *first, *second;

      serve_twins (fixture, FIXTURE_SIZE - 1, 0);
      dray_test_server_add_gguf (fixture->server, FIXTURE_PATH, 100 + i, FIXTURE_SIZE);
      serve_twins (fixture, FIXTURE_SIZE - 1, 0);
      first = fixture_get (fixture, FIXTURE_PATH);
      fixture_wait_for_bytes (first, FIXTURE_SIZE - 1);
      second = get_twin (fixture);
      if (i % 2 == 0)
        fixture_wait_for_asked (fixture, dray_test_server_get_n_requests (fixture->server) + 1);
      finish (fixture, first, second);
      steps_spin (fixture);
      g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
    }
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-merge/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("key/repr-digest", GINT_TO_POINTER (FALSE), test_key);
  add ("key/linked-etag", GINT_TO_POINTER (TRUE), test_key);
  add ("broken-promise/repr-digest", "Repr-Digest: sha-256=:" WRONG_64 ":\r\n",
       test_broken_promise);
  add ("broken-promise/linked-etag", "X-Linked-ETag: \"" WRONG "\"\r\n", test_broken_promise);
  add ("running/first-has-more", GINT_TO_POINTER (FALSE), test_running);
  add ("running/second-has-more", GINT_TO_POINTER (TRUE), test_running);
  add ("paused/running", GINT_TO_POINTER (FALSE), test_paused);
  add ("paused/restarted", GINT_TO_POINTER (TRUE), test_paused);
  add ("redirects/same", GINT_TO_POINTER (FALSE), test_redirects);
  add ("redirects/changed", GINT_TO_POINTER (TRUE), test_redirects);
  add ("redirects/unrecorded", NULL, test_unrecorded);
  add ("sweep-by-alias", NULL, test_sweep_by_alias);
  add ("meanwhile/hold", GINT_TO_POINTER (AND_HOLD), test_meanwhile);
  add ("meanwhile/close", GINT_TO_POINTER (AND_CLOSE), test_meanwhile);
  add ("meanwhile/discard", GINT_TO_POINTER (AND_DISCARD), test_meanwhile);
  add ("meanwhile/discard-other", GINT_TO_POINTER (AND_DISCARD_OTHER), test_meanwhile);
  add ("finishing", NULL, test_finishing);

  return g_test_run ();
}
