/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Loading: the file, then what its header says. */

#include "tests/core/manager-steps.h"

#include "core/catalog/catalog.h"

#define SHARD_1 "/m-00001-of-00002.gguf"
#define SHARD_2 "/m-00002-of-00002.gguf"

/* How many texts make a header that takes its time to be read. */
#define N_TEXTS 4000000

typedef struct
{
  gboolean told;
  char *result;
  GError *error;
} Awaited;

static void
awaited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Awaited *awaited = user_data;

  awaited->told = TRUE;
  awaited->result = dray_request_await_finish (DRAY_REQUEST (source), result, &awaited->error);
}

static gboolean
is_told (gpointer data)
{
  return ((Awaited *) data)->told;
}

/* Serves a file with these bytes. */
static void
serve (ManagerFixture *fixture, const char *path, const void *bytes, gsize size)
{
  g_autoptr (GBytes) content = g_bytes_new (bytes, size);

  dray_test_server_add (fixture->server, path, dray_test_content_new_bytes (content));
}

/* The facts that the catalog of a closed manager has, of its one model with facts. */
static void
assert_recorded (ManagerFixture *fixture, const char *model_id, gint64 size, gint64 tensors)
{
  g_autoptr (DrayCatalogContents) contents = NULL;
  g_autoptr (GError) error = NULL;
  const DrayFactsRecord *record;

  contents = dray_catalog_read (fixture->catalog_path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (contents->facts->len, ==, 1);
  record = g_ptr_array_index (contents->facts, 0);
  g_assert_cmpstr (record->model_id, ==, model_id);
  g_assert_cmpstr (record->format, ==, "gguf");
  g_assert_cmpstr (record->architecture, ==, "llama");
  g_assert_cmpint (record->size, ==, size);
  g_assert_cmpint (record->tensors, ==, tensors);
}

static void
test_gguf (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = steps_load_with (fixture, FIXTURE_PATH, NULL, NULL);
  g_autofree char *model_id = g_strdup (dray_request_get_model_id (request));
  const DrayModelFacts *facts;
  Awaited awaited = { 0 };
  gint64 n_tensors;

  g_assert_cmpstr (dray_request_get_kind (request), ==, "load");
  g_assert_null (dray_request_get_facts (request));
  dray_request_await_async (request, NULL, awaited_cb, &awaited);
  fixture_wait (is_told, &awaited);
  g_assert_no_error (awaited.error);
  g_assert_cmpstr (awaited.result, ==, model_id);
  g_assert_cmpstr (dray_request_get_result (request), ==, model_id);
  g_free (awaited.result);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);

  facts = dray_request_get_facts (request);
  g_assert_cmpstr (facts->architecture, ==, "llama");
  g_assert_cmpint (facts->size, ==, FIXTURE_SIZE);
  g_assert_cmpint (facts->n_layers, ==, 4);
  n_tensors = facts->n_tensors;
  g_assert_cmpint (n_tensors, >, 0);

  fixture_close (fixture);
  assert_recorded (fixture, model_id, FIXTURE_SIZE, n_tensors);
  fixture_open (fixture);
  request = fixture_get_only_request (fixture);
  g_assert_cmpstr (dray_request_get_kind (request), ==, "load");
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_COMPLETED);
  g_assert_cmpstr (dray_request_get_result (request), ==, model_id);
}

/* Of a set the first file speaks for all; sizes add up. */
static void
test_set (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *model_id = NULL;
  DrayRequest *request;
  const DrayModelFacts *facts;
  gint64 n_tensors;

  steps_add (fixture, SHARD_1, 51, 0);
  steps_add (fixture, SHARD_2, 52, 0);
  request = steps_load_with (fixture, SHARD_2, NULL, NULL);
  g_assert_true (dray_request_is_parent (request));
  g_assert_cmpstr (dray_request_get_kind (request), ==, "load");
  g_assert_cmpuint (fixture_count_requests (fixture), ==, 3);
  fixture_wait_for_end (request);
  g_assert_no_error (dray_request_get_error (request));
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_COMPLETED);
  facts = dray_request_get_facts (request);
  g_assert_cmpint (facts->size, ==, 2 * FIXTURE_SIZE);
  n_tensors = facts->n_tensors;
  model_id = g_strdup (dray_request_get_model_id (request));
  fixture_close (fixture);
  assert_recorded (fixture, model_id, 2 * FIXTURE_SIZE, n_tensors);
}

/* A file that is no model: the load fails, the file is there, and those who only wanted it have
 * it. */
static void
test_refused (ManagerFixture *fixture, gconstpointer data)
{
  const char *path = data;
  gboolean malformed = g_str_equal (path, "/malformed.gguf");
  g_autofree char *bytes = g_strnfill (FIXTURE_SIZE, 'G');
  g_autofree char *model_id = NULL;
  DrayRequest *request, *other;

  if (malformed)
    memcpy (bytes, "GGUF\3\0\0\0\377\377\377\377\377\377\377\177", 16);
  serve (fixture, path, bytes, FIXTURE_SIZE);
  steps_set_gate (fixture, path, FIXTURE_HELD);
  request = steps_load_with (fixture, path, NULL, NULL);
  other = fixture_get_with (fixture, path, "caller", "another", NULL);
  fixture_wait_for_bytes (other, FIXTURE_HELD);
  steps_set_gate (fixture, path, 0);
  fixture_wait_for_end (request);
  fixture_wait_for_end (other);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_cmpstr (dray_request_get_error_name (request), ==,
                   malformed ? "malformed-model" : "unsupported");
  g_assert_null (dray_request_get_facts (request));
  fixture_assert_completed (fixture, other, path);
  g_assert_cmpuint (steps_count_asked (fixture, path), ==, 1);

  /* Once more, and in the next run of the program: neither fetches anything. */
  steps_set_gate (fixture, path, 1);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  model_id = g_strdup (dray_request_get_id (request));
  fixture_reopen (fixture);
  request = steps_find (fixture, model_id);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_cmpuint (steps_count_asked (fixture, path), ==, 1);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);
}

/* One bad file of a set fails the load, and names no model. */
static void
test_bad_shard (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  steps_add (fixture, SHARD_1, 51, 0);
  serve (fixture, SHARD_2, "GGUF\3\0\0\0\377\377\377\377\377\377\377\177", 16);
  request = steps_load_with (fixture, SHARD_1, NULL, NULL);
  fixture_wait_for_end (request);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_cmpstr (dray_request_get_error_name (request), ==, "malformed-model");
  g_assert_null (dray_request_get_facts (request));
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 2);
}

static void
append (GByteArray *bytes, const void *data, gsize size)
{
  g_byte_array_append (bytes, data, (guint) size);
}

/* A header with one list of so many empty texts, and not a tensor. */
static void
serve_large_header (ManagerFixture *fixture, const char *path)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint64 n_tensors = 0, n_pairs = GUINT64_TO_LE (1), length = GUINT64_TO_LE (6);
  const guint64 n_texts = GUINT64_TO_LE (N_TEXTS);
  const guint32 list = GUINT32_TO_LE (9), text = GUINT32_TO_LE (8);
  guint end;

  append (bytes, "GGUF\3\0\0\0", 8);
  append (bytes, &n_tensors, 8);
  append (bytes, &n_pairs, 8);
  append (bytes, &length, 8);
  append (bytes, "tokens", 6);
  append (bytes, &list, 4);
  append (bytes, &text, 4);
  append (bytes, &n_texts, 8);
  end = bytes->len;
  g_byte_array_set_size (bytes, end + 8 * N_TEXTS);
  memset (bytes->data + end, 0, (gsize) 8 * N_TEXTS);
  serve (fixture, path, bytes->data, bytes->len);
}

typedef enum
{
  BY_PAUSE,
  BY_DISCARD,
  BY_SWEEP,
  BY_CLOSE,
} How;

static void
keep_loading_cb (DrayRequest *request, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  if (dray_request_get_state (request) == DRAY_REQUEST_LOADING)
    *(gboolean *) user_data = TRUE;
}

static gboolean
is_true (gpointer data)
{
  return *(gboolean *) data;
}

/* What stops a load that reads a header takes effect before the header is read. */
static void
test_cancel (ManagerFixture *fixture, gconstpointer data)
{
  How how = (How) GPOINTER_TO_INT (data);
  g_autoptr (DrayRequest) request = NULL;
  gboolean loading = FALSE;
  Awaited awaited = { 0 };

  serve_large_header (fixture, "/large.gguf");
  request = g_object_ref (steps_load_with (fixture, "/large.gguf", NULL, NULL));
  g_signal_connect (request, "notify::state", G_CALLBACK (keep_loading_cb), &loading);
  dray_request_await_async (request, NULL, awaited_cb, &awaited);
  fixture_wait (is_true, &loading);
  if (how == BY_SWEEP)
    g_assert_cmpuint (fixture_cancel_model (fixture, dray_request_get_model_id (request)), ==, 1);
  else if (how == BY_CLOSE)
    fixture_reopen (fixture);
  else
    g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), how == BY_DISCARD),
                      ==, 1);
  fixture_wait (is_told, &awaited);
  g_assert_error (awaited.error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
  g_clear_error (&awaited.error);
  g_assert_null (dray_request_get_facts (request));
  g_assert_cmpint (dray_request_get_state (request), ==,
                   how == BY_DISCARD ? DRAY_REQUEST_DISCARDED : DRAY_REQUEST_PAUSED);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);
  if (how == BY_DISCARD)
    {
      g_assert_cmpuint (fixture_count_requests (fixture), ==, 0);
      return;
    }

  /* It goes on with the header, and fetches nothing. */
  g_set_object (&request, fixture_get_only_request (fixture));
  fixture_resume (fixture, request);
  fixture_wait_for_state (request, DRAY_REQUEST_LOADING);
  fixture_cancel (fixture, dray_request_get_id (request), FALSE);
  g_assert_cmpuint (steps_count_asked (fixture, "/large.gguf"), ==, 1);
}

/* Whoever cancels a load during the download leaves those alone who only download. */
static void
test_shared (ManagerFixture *fixture, gconstpointer data)
{
  gboolean discards = GPOINTER_TO_INT (data);
  DrayRequest *loads, *downloads;

  steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
  loads = steps_load_with (fixture, FIXTURE_PATH, NULL, NULL);
  downloads = fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", NULL);
  fixture_wait_for_bytes (downloads, FIXTURE_HELD);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (loads), discards), ==, 1);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (downloads);
  fixture_assert_completed (fixture, downloads, FIXTURE_PATH);
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 1);
}

/* Of what is here already, whoever brought it, only the header is read. */
static void
test_present (ManagerFixture *fixture, gconstpointer data)
{
  gboolean elsewhere = GPOINTER_TO_INT (data);
  g_autofree char *folder = steps_dup_folder (fixture, "elsewhere");
  DrayRequest *download = fixture_get (fixture, FIXTURE_PATH);
  DrayRequest *request;

  fixture_wait_for_end (download);
  steps_set_gate (fixture, FIXTURE_PATH, 1);
  request = steps_load_with (fixture, FIXTURE_PATH, "directory",
                             elsewhere ? folder : fixture->directory, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_nonnull (dray_request_get_facts (request));
  g_assert_cmpuint (steps_count_in (folder), ==, elsewhere ? 1 : 0);

  /* The same load again. */
  request = steps_load_with (fixture, FIXTURE_PATH, "directory",
                             elsewhere ? folder : fixture->directory, NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpuint (steps_count_in (folder), ==, elsewhere ? 1 : 0);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);
}

/* The download that a load is made of fails as any does. */
static void
test_not_found (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request = steps_load_with (fixture, "/nowhere.gguf", NULL, NULL);

  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_NOT_FOUND);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-load/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("gguf", NULL, test_gguf);
  add ("set", NULL, test_set);
  add ("refused/malformed", "/malformed.gguf", test_refused);
  add ("refused/unsupported", "/model.onnx", test_refused);
  add ("bad-shard", NULL, test_bad_shard);
  add ("cancel/pause", GINT_TO_POINTER (BY_PAUSE), test_cancel);
  add ("cancel/discard", GINT_TO_POINTER (BY_DISCARD), test_cancel);
  add ("cancel/sweep", GINT_TO_POINTER (BY_SWEEP), test_cancel);
  add ("cancel/close", GINT_TO_POINTER (BY_CLOSE), test_cancel);
  add ("shared/pause", GINT_TO_POINTER (FALSE), test_shared);
  add ("shared/discard", GINT_TO_POINTER (TRUE), test_shared);
  add ("present/same-folder", GINT_TO_POINTER (FALSE), test_present);
  add ("present/other-folder", GINT_TO_POINTER (TRUE), test_present);
  add ("not-found", NULL, test_not_found);

  return g_test_run ();
}
