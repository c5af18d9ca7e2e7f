/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Servers that send a download elsewhere. */

#include "tests/core/manager-fixture.h"

#define LINK "/link"

static guint
count_asked (ManagerFixture *fixture, const char *path)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (fixture->server);
  guint n = 0;

  for (guint i = 0; i < log->len; i++)
    n += g_str_equal (((DrayTestRecord *) g_ptr_array_index (log, i))->target, path) ? 1 : 0;

  return n;
}

static void
redirect (DrayTestServer *server, const char *path, const char *to)
{
  DrayTestBehaviour behaviour = { .redirect = to };

  dray_test_server_add (server, path, dray_test_content_new_text ("not this"));
  dray_test_server_set_behaviour (server, path, &behaviour);
}

/* A redirect is followed once for a transfer, however often the connection breaks. */
static void
test_once (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour breaks = { .break_times = 2, .break_after = 50000 };
  DrayRequest *request;

  redirect (fixture->server, LINK, FIXTURE_PATH);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &breaks);
  request = fixture_get (fixture, LINK);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpuint (count_asked (fixture, LINK), ==, 1);
  g_assert_cmpuint (count_asked (fixture, FIXTURE_PATH), ==, 3);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* A signed link that expires midway: the original is resolved once more. */
static void
test_expired (ManagerFixture *fixture, gconstpointer data)
{
  guint status = GPOINTER_TO_UINT (data);
  DrayTestBehaviour expires = {
    .break_times = 1,
    .break_after = FIXTURE_HELD,
    .answer = { .only_resumes = TRUE, .times = 1, .status = status },
  };
  DrayRequest *request;

  redirect (fixture->server, LINK, FIXTURE_PATH);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &expires);
  request = fixture_get (fixture, LINK);
  fixture_wait_for_end (request);

  fixture_assert_completed (fixture, request, FIXTURE_PATH);
  g_assert_cmpuint (count_asked (fixture, LINK), ==, 2);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* And only then it fails, with the bytes kept. */
static void
test_expired_for_good (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour expires = {
    .break_times = 1,
    .break_after = FIXTURE_HELD,
    .answer = { .only_resumes = TRUE, .times = DRAY_TEST_ALWAYS, .status = 403 },
  };
  DrayRequest *request;

  redirect (fixture->server, LINK, FIXTURE_PATH);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH, &expires);
  request = fixture_get (fixture, LINK);
  fixture_wait_for_end (request);

  fixture_assert_failed (fixture, request, DRAY_ERROR_FORBIDDEN);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);
  g_assert_cmpuint (count_asked (fixture, LINK), ==, 2);
}

/* On a resume the link leads elsewhere: to the same file, or to another one. */
static void
test_elsewhere (ManagerFixture *fixture, gconstpointer data)
{
  gboolean same = GPOINTER_TO_INT (data);
  DrayRequest *request;

  redirect (fixture->server, LINK, FIXTURE_PATH);
  dray_test_server_set_behaviour (fixture->server, FIXTURE_PATH,
                                  &(DrayTestBehaviour){ .break_times = DRAY_TEST_ALWAYS,
                                                        .break_after = FIXTURE_HELD,
                                                        .break_how = DRAY_TEST_BREAK_STALL });
  request = fixture_get (fixture, LINK);
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (request), FALSE);

  dray_test_server_add (fixture->server, "/moved",
                        same ? dray_test_server_dup_content (fixture->server, FIXTURE_PATH)
                             : dray_test_content_new (99, FIXTURE_SIZE));
  redirect (fixture->server, LINK, "/moved");
  fixture_resume (fixture, request);
  fixture_wait_for_end (request);

  if (same)
    fixture_assert_completed (fixture, request, "/moved");
  else
    fixture_assert_failed (fixture, request, DRAY_ERROR_CHANGED);
}

/* The token is for the origin that was asked, and for no other. */
static void
test_token (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayTestServer) other = dray_test_server_new (&error);
  g_autofree char *elsewhere = NULL;
  g_autoptr (GPtrArray) here_log = NULL;
  g_autoptr (GPtrArray) there_log = NULL;
  DrayRequest *request;

  g_assert_no_error (error);
  dray_test_server_add_gguf (other, FIXTURE_PATH, 7, FIXTURE_SIZE);
  dray_test_server_set_behaviour (other, FIXTURE_PATH,
                                  &(DrayTestBehaviour){ .break_times = 1, .break_after = 50000 });
  elsewhere = dray_test_server_get_uri (other, FIXTURE_PATH);
  redirect (fixture->server, LINK, "/second");
  redirect (fixture->server, "/second", elsewhere);

  request = fixture_get_with (fixture, LINK, "token", "secret", NULL);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);

  here_log = dray_test_server_dup_log (fixture->server);
  g_assert_cmpuint (here_log->len, ==, 2);
  for (guint i = 0; i < here_log->len; i++)
    g_assert_cmpstr (((DrayTestRecord *) g_ptr_array_index (here_log, i))->authorization, ==,
                     "Bearer secret");
  there_log = dray_test_server_dup_log (other);
  g_assert_cmpuint (there_log->len, ==, 2);
  for (guint i = 0; i < there_log->len; i++)
    g_assert_null (((DrayTestRecord *) g_ptr_array_index (there_log, i))->authorization);
}

/* A loop, and a chain that is longer than anybody needs. */
static void
test_too_many (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *request;

  redirect (fixture->server, "/loop", "/loop");
  request = fixture_get (fixture, "/loop");
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_NOT_FOUND);
  g_assert_cmpuint (count_asked (fixture, "/loop"), ==, 21);

  for (guint i = 0; i < 21; i++)
    {
      g_autofree char *from = g_strdup_printf ("/chain-%u", i);
      g_autofree char *to = g_strdup_printf ("/chain-%u", i + 1);

      redirect (fixture->server, from, i == 20 ? FIXTURE_PATH : to);
    }
  request = fixture_get (fixture, "/chain-0");
  fixture_wait_for_end (request);
  fixture_assert_failed (fixture, request, DRAY_ERROR_NOT_FOUND);

  request = fixture_get (fixture, "/chain-1");
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, FIXTURE_PATH);
}

static void
test_nowhere (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const targets[]
      = { "http://", "ftp://127.0.0.1/file", "http://[", "file:///" };

  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      DrayRequest *request;

      redirect (fixture->server, LINK, targets[i]);
      request = fixture_get (fixture, LINK);
      fixture_wait_for_end (request);
      fixture_assert_failed (fixture, request, DRAY_ERROR_NOT_FOUND);
    }
}

/* What the server calls the file, as it comes out in the folder. */
static void
test_names (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct
  {
    const char *disposition;
    const char *name;
  } cases[] = {
    { NULL, "model.gguf" },
    { "attachment; filename=\"other.gguf\"", "other.gguf" },
    { "attachment; filename=\"../../../up.gguf\"", "up.gguf" },
    { "attachment; filename=\"/etc/passwd\"", "passwd" },
    { "attachment; filename*=UTF-8''na%C3%AFve.gguf", "naïve.gguf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u/model.gguf", i);
      g_autofree char *expected = g_build_filename (fixture->directory, cases[i].name, NULL);
      DrayRequest *request;

      dray_test_server_add_gguf (fixture->server, path, 50 + i, 70000);
      dray_test_server_set_disposition (fixture->server, path, cases[i].disposition);
      request = fixture_get (fixture, path);
      fixture_wait_for_end (request);
      fixture_assert_completed (fixture, request, path);
      g_assert_cmpstr (dray_request_get_path (request), ==, expected);
    }
}

/* However they are spelt, two assets never share a name, and a file that is there stays. */
static void
test_same_name (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const char *const paths[] = { "/a/Same.gguf", "/b/Same.gguf", "/c/SAME.gguf" };
  g_autofree char *mine = g_build_filename (fixture->directory, "Same.gguf", NULL);
  g_autofree char *kept = NULL;
  DrayRequest *requests[G_N_ELEMENTS (paths)];

  g_mkdir (fixture->directory, 0700);
  g_assert_true (g_file_set_contents (mine, "mine", -1, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      dray_test_server_add_gguf (fixture->server, paths[i], 60 + i, 200000);
      requests[i] = fixture_get (fixture, paths[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      fixture_wait_for_end (requests[i]);
      fixture_assert_completed (fixture, requests[i], paths[i]);
      for (guint j = 0; j < i; j++)
        {
          g_autofree char *a = g_utf8_casefold (dray_request_get_path (requests[i]), -1);
          g_autofree char *b = g_utf8_casefold (dray_request_get_path (requests[j]), -1);

          g_assert_cmpstr (a, !=, b);
        }
    }
  g_assert_true (g_file_get_contents (mine, &kept, NULL, NULL));
  g_assert_cmpstr (kept, ==, "mine");
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1 + G_N_ELEMENTS (paths));
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/transfer-redirect/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("once", NULL, test_once);
  add ("expired/401", GUINT_TO_POINTER (401), test_expired);
  add ("expired/403", GUINT_TO_POINTER (403), test_expired);
  add ("expired/410", GUINT_TO_POINTER (410), test_expired);
  add ("expired/for-good", NULL, test_expired_for_good);
  add ("elsewhere/same-file", GINT_TO_POINTER (TRUE), test_elsewhere);
  add ("elsewhere/another-file", GINT_TO_POINTER (FALSE), test_elsewhere);
  add ("token", NULL, test_token);
  add ("too-many", NULL, test_too_many);
  add ("nowhere", NULL, test_nowhere);
  add ("names", NULL, test_names);
  add ("same-name", NULL, test_same_name);

  return g_test_run ();
}
