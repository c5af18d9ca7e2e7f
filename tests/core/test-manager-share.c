/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Callers who share the bytes, and differ in everything else: folders, digests, limits, tokens. */

#include "core/request/manager-private.h"
#include "tests/core/manager-steps.h"

#include <sys/stat.h>
#include <unistd.h>

#define OTHER_PATH "/mirror/other.gguf"

/* What a limit can hold back: more than is read at once. */
#define LARGE_SIZE ((gint64) 4 << 20)

/* A digest that no file here has. */
#define WRONG "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A second caller of the one file. */
static DrayRequest *
get_other (ManagerFixture *fixture, const char *option, const char *value)
{
  return fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", option, value, NULL);
}

static DrayRequest *
get_gated (ManagerFixture *fixture, const char *option, const char *value)
{
  DrayRequest *request;

  steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
  request = fixture_get_with (fixture, FIXTURE_PATH, option, value, NULL);
  fixture_wait_for_bytes (request, FIXTURE_HELD);

  return request;
}

static void
finish (ManagerFixture *fixture, DrayRequest *first, DrayRequest *second)
{
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (first);
  fixture_wait_for_end (second);
}

static void
assert_in (DrayRequest *request, const char *directory)
{
  g_autofree char *expected = g_build_filename (directory, "model.gguf", NULL);

  g_assert_cmpstr (dray_request_get_path (request), ==, expected);
}

/* The file could not be given to this caller, and nothing else happened to it. */
static void
assert_mismatch (DrayRequest *request)
{
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_FAILED);
  g_assert_cmpstr (dray_request_get_error_name (request), ==, "checksum-mismatch");
}

/* Each gets the file in the folder that it asked for, and the bytes came once. */
static void
test_folders (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *folder = steps_dup_folder (fixture, "a/b");
  DrayRequest *first, *second, *third;

  first = get_gated (fixture, NULL, NULL);
  second = get_other (fixture, "directory", folder);
  g_assert_cmpint (dray_request_get_downloaded (second), ==, FIXTURE_HELD);
  g_assert_cmpint (dray_request_get_total (second), ==, FIXTURE_SIZE);
  finish (fixture, first, second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  assert_in (first, fixture->directory);
  assert_in (second, folder);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);

  /* The copy is found when it is asked for again, by whomever, and after a restart. */
  steps_set_gate (fixture, FIXTURE_PATH, 1);
  third = fixture_get_with (fixture, FIXTURE_PATH, "caller", "third", "directory", folder, NULL);
  fixture_wait_for_end (third);
  assert_in (third, folder);
  fixture_reopen (fixture);
  third = fixture_get_with (fixture, FIXTURE_PATH, "caller", "fourth", "directory", folder, NULL);
  fixture_wait_for_end (third);
  fixture_assert_completed (fixture, third, FIXTURE_PATH);
  assert_in (third, folder);
  g_assert_cmpuint (steps_count_in (folder), ==, 1);
}

/* Many who want it in one other folder share one copy there. */
static void
test_one_copy (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *folder = steps_dup_folder (fixture, "elsewhere");
  DrayRequest *first, *others[6];

  first = get_gated (fixture, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *caller = g_strdup_printf ("caller-%u", i);

      others[i] =
          fixture_get_with (fixture, FIXTURE_PATH, "caller", caller, "directory", folder, NULL);
    }
  finish (fixture, first, others[0]);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      fixture_wait_for_end (others[i]);
      fixture_assert_completed (fixture, others[i], FIXTURE_PATH);
      assert_in (others[i], folder);
    }
  g_assert_cmpuint (steps_count_in (folder), ==, 1);
}

/* A file that the person has put there is not touched. */
static void
test_name_taken (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *folder = steps_dup_folder (fixture, "elsewhere");
  g_autofree char *mine = g_build_filename (folder, "model.gguf", NULL);
  g_autofree char *content = NULL;
  DrayRequest *first, *second;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (mine, "mine", -1, NULL));
  first = get_gated (fixture, NULL, NULL);
  second = get_other (fixture, "directory", folder);
  finish (fixture, first, second);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_path (second), !=, mine);
  g_assert_true (g_file_get_contents (mine, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "mine");
  g_assert_cmpuint (steps_count_in (folder), ==, 2);
}

/* Only the caller fails whose folder it is: one that cannot be made, and one that takes no file. */
static void
test_bad_folder (ManagerFixture *fixture, gconstpointer data)
{
  g_autofree char *file = steps_dup_folder (fixture, "file");
  g_autofree char *beneath = g_build_filename (file, "folder", NULL);
  DrayRequest *first, *second;
  const char *folder = data != NULL ? data : beneath;

  g_assert_true (g_file_set_contents (file, "", -1, NULL));
  first = get_gated (fixture, NULL, NULL);
  second = get_other (fixture, "directory", folder);
  finish (fixture, first, second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  g_assert_cmpint (dray_request_get_state (second), ==, DRAY_REQUEST_FAILED);
  g_test_message ("%s: %s", dray_request_get_error_name (second),
                  dray_request_get_error_message (second));
  g_assert_nonnull (strstr (dray_request_get_error_message (second), folder));
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);

  /* When the folder can be used, the same request gets its file, and no byte is fetched. */
  if (data != NULL)
    return;
  g_assert_cmpint (g_unlink (file), ==, 0);
  fixture_resume (fixture, second);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  assert_in (second, beneath);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* Another name of the same folder is the same folder. */
static void
test_symlink (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *link = steps_dup_folder (fixture, "link");
  DrayRequest *first, *second;

  g_assert_cmpint (symlink (fixture->directory, link), ==, 0);
  first = get_gated (fixture, NULL, NULL);
  second = get_other (fixture, "directory", link);
  finish (fixture, first, second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);
}

/* Nobody else's folder gets a partial file, and whoever discards does not take it from the others. */
static void
test_discard (ManagerFixture *fixture, gconstpointer data)
{
  gboolean pauses = GPOINTER_TO_INT (data);
  g_autofree char *folder = steps_dup_folder (fixture, "elsewhere");
  DrayRequest *first, *second;

  first = get_gated (fixture, NULL, NULL);
  second = get_other (fixture, "directory", folder);
  g_assert_cmpuint (steps_count_in (folder), ==, 0);
  if (pauses)
    fixture_cancel (fixture, dray_request_get_id (second), FALSE);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (first), TRUE), ==, 1);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 1);
  if (pauses)
    fixture_resume (fixture, second);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  assert_in (second, folder);
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, pauses ? 2 : 1);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* A digest that the bytes do not have fails the caller who expected it, whoever came first. */
static void
test_digests (ManagerFixture *fixture, gconstpointer data)
{
  gboolean wrong_first = GPOINTER_TO_INT (data);
  g_autofree char *right = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *first, *second, *third, *wrong;

  first = get_gated (fixture, "sha256", wrong_first ? WRONG : right);
  second = get_other (fixture, "sha256", wrong_first ? right : WRONG);
  third = fixture_get_with (fixture, FIXTURE_PATH, "caller", "third", NULL);
  finish (fixture, first, second);
  fixture_wait_for_end (third);
  wrong = wrong_first ? first : second;
  assert_mismatch (wrong);
  fixture_assert_completed (fixture, wrong_first ? second : first, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_verified (wrong_first ? second : first), ==, "digest");
  fixture_assert_completed (fixture, third, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_verified (third), ==, "computed");
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 1);

  /* Asking again changes nothing. */
  fixture_resume (fixture, wrong);
  fixture_wait_for_end (wrong);
  assert_mismatch (wrong);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);
}

/* Where one who takes any digest has paused, the file is right all the same. */
static void
test_paused_makes_right (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *paused = get_gated (fixture, NULL, NULL);
  DrayRequest *wrong;

  fixture_cancel (fixture, dray_request_get_id (paused), FALSE);
  wrong = get_other (fixture, "sha256", WRONG);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_end (wrong);
  assert_mismatch (wrong);
  g_assert_cmpint (dray_request_get_state (paused), ==, DRAY_REQUEST_PAUSED);
  fixture_resume (fixture, paused);
  fixture_wait_for_end (paused);
  fixture_assert_completed (fixture, paused, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
}

/* All who want it expect something else; then one comes who does not mind. */
static void
test_all_wrong (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *first = get_gated (fixture, "sha256", WRONG);
  DrayRequest *second = get_other (
      fixture, "sha256", "11112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

  finish (fixture, first, second);
  assert_mismatch (first);
  assert_mismatch (second);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 0);

  second = fixture_get_with (fixture, FIXTURE_PATH, "caller", "third", NULL);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH), ==, FIXTURE_SIZE);
  assert_mismatch (first);
}

/* The largest limit counts, from the moment when somebody brings it until that one leaves. */
static void
test_limits (ManagerFixture *fixture, gconstpointer data)
{
  gint64 larger = GPOINTER_TO_INT (data);
  DrayRequest *first, *second;

  dray_test_server_add_gguf (fixture->server, FIXTURE_PATH, 7, LARGE_SIZE);
  steps_set_gate (fixture, FIXTURE_PATH, 2 * FIXTURE_HELD);
  first = fixture_get_with (fixture, FIXTURE_PATH, "rate-limit", (gint64) 100000, NULL);
  second =
      fixture_get_with (fixture, FIXTURE_PATH, "caller", "another", "rate-limit", larger, NULL);
  fixture_wait_for_bytes (first, 2 * FIXTURE_HELD);

  /* What was being read at the old pace is paid for at the new one. */
  fixture_cancel (fixture, dray_request_get_id (second), FALSE);
  steps_set_gate (fixture, FIXTURE_PATH, 0);
  fixture_wait_for_bytes (first, 2 * FIXTURE_HELD + 1);
  g_assert_cmpint (dray_request_get_downloaded (first), <, LARGE_SIZE / 2);

  fixture_resume (fixture, second);
  fixture_wait_for_end (first);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 1);
}

static void
assert_tokens (DrayTestServer *server, const char *path, const char *expected)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (server);
  guint n_asked = 0;

  for (guint i = 0; i < log->len; i++)
    {
      const DrayTestRecord *record = g_ptr_array_index (log, i);

      if (!g_str_equal (record->target, path))
        continue;
      n_asked++;
      g_assert_cmpstr (record->authorization, ==, expected);
    }
  g_assert_cmpuint (n_asked, >, 0);
}

/* A token is for the origin that its caller named: neither for that of a redirect, nor for that of
 * another caller's link to the same bytes. */
static void
test_tokens (ManagerFixture *fixture, gconstpointer data)
{
  gboolean by_digest = GPOINTER_TO_INT (data);
  g_autoptr (DrayTestServer) mirror = dray_test_server_new (NULL);
  g_autofree char *right = steps_dup_sha256 (fixture, FIXTURE_PATH);
  g_autofree char *elsewhere = dray_test_server_get_uri (mirror, OTHER_PATH);
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  DrayRequest *first, *second;

  steps_add_same (fixture, mirror, OTHER_PATH);
  if (!by_digest)
    {
      steps_set_redirect (fixture, FIXTURE_PATH, elsewhere);
      first = fixture_get_with (fixture, FIXTURE_PATH, "token", "secret", NULL);
      fixture_wait_for_end (first);
      g_assert_cmpint (dray_request_get_state (first), ==, DRAY_REQUEST_COMPLETED);
      assert_tokens (fixture->server, FIXTURE_PATH, "Bearer secret");
      assert_tokens (mirror, OTHER_PATH, NULL);
      return;
    }

  /* The second link is tried first: the first one's caller has paused. */
  steps_set_gate (fixture, FIXTURE_PATH, FIXTURE_HELD);
  first = fixture_get_with (fixture, FIXTURE_PATH, "sha256", right, "token", "secret", NULL);
  fixture_wait_for_bytes (first, FIXTURE_HELD);
  fixture_cancel (fixture, dray_request_get_id (first), FALSE);
  dray_download_options_set_sha256 (options, right);
  second = dray_manager_download_asset (fixture->manager, elsewhere, options, NULL);
  first = fixture_get_with (fixture, FIXTURE_PATH, "sha256", right, "token", "secret", NULL);
  finish (fixture, first, second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  assert_tokens (fixture->server, FIXTURE_PATH, "Bearer secret");
  assert_tokens (mirror, OTHER_PATH, NULL);
  g_assert_cmpint (fixture_get_body_bytes (fixture, FIXTURE_PATH)
                       + dray_test_server_get_body_bytes (mirror),
                   ==, FIXTURE_SIZE);
}

/* Two links, one digest: one transfer. */
static void
test_links (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *right = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *first, *second;

  steps_add_same (fixture, fixture->server, OTHER_PATH);
  first = get_gated (fixture, "sha256", right);
  second = fixture_get_with (fixture, OTHER_PATH, "caller", "another", "sha256", right, NULL);
  g_assert_cmpint (dray_request_get_downloaded (second), ==, FIXTURE_HELD);
  g_assert_cmpstr (dray_request_get_download_key (second), ==,
                   dray_request_get_download_key (first));
  finish (fixture, first, second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpuint (steps_count_asked (fixture, OTHER_PATH), ==, 0);
}

/* A link that does not work, to bytes that somebody waits for by another link, harms only its own
 * caller's hopes. */
static void
test_bad_link (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *right = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *busy, *first, *second;

  steps_add (fixture, "/busy.gguf", 1, FIXTURE_HELD);
  dray_manager_set_max_transfers (fixture->manager, 1);
  busy = fixture_get (fixture, "/busy.gguf");
  first = fixture_get_with (fixture, FIXTURE_PATH, "sha256", right, NULL);
  second = fixture_get_with (fixture, "/nowhere.gguf", "caller", "another", "sha256", right, NULL);
  steps_set_gate (fixture, "/busy.gguf", 0);
  fixture_wait_for_end (busy);
  fixture_wait_for_end (first);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, first, FIXTURE_PATH);
}

/* A file that lies finished in another folder is not fetched again. */
static void
test_known (ManagerFixture *fixture, gconstpointer data)
{
  gboolean by_digest = GPOINTER_TO_INT (data);
  g_autofree char *folder = steps_dup_folder (fixture, "elsewhere");
  g_autofree char *right = steps_dup_sha256 (fixture, FIXTURE_PATH);
  DrayRequest *first, *second;

  first = fixture_get (fixture, FIXTURE_PATH);
  fixture_wait_for_end (first);
  steps_add_same (fixture, fixture->server, OTHER_PATH);
  steps_set_gate (fixture, OTHER_PATH, 1);
  steps_set_gate (fixture, FIXTURE_PATH, 1);
  second = fixture_get_with (fixture, by_digest ? OTHER_PATH : FIXTURE_PATH, "caller", "another",
                             "directory", folder, "sha256", by_digest ? right : NULL, NULL);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  assert_in (second, folder);
  g_assert_cmpuint (fixture_count_files (fixture, FALSE), ==, 1);
  g_assert_cmpuint (fixture_count_files (fixture, TRUE), ==, 0);
}

/* A caller who comes while the file is getting its final name gets that file, and no second one. */
static void
test_finishing (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayRequest *first = get_gated (fixture, "caller", "first");
  const DrayStoredAsset *asset = dray_engine_get_asset (&fixture->manager->engine, first);
  DrayRequest *second;

  steps_set_gate (fixture, FIXTURE_PATH, 0);
  while (asset->record.state == DRAY_ASSET_FETCHING)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (asset->record.state, ==, DRAY_ASSET_FINISHING);

  second = get_other (fixture, NULL, NULL);
  fixture_wait_for_end (first);
  fixture_wait_for_end (second);
  fixture_assert_completed (fixture, second, FIXTURE_PATH);
  g_assert_cmpstr (dray_request_get_path (second), ==, dray_request_get_path (first));
  g_assert_cmpuint (steps_count_asked (fixture, FIXTURE_PATH), ==, 1);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-share/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("folders", NULL, test_folders);
  add ("one-copy", NULL, test_one_copy);
  add ("name-taken", NULL, test_name_taken);
  add ("bad-folder/not-made", NULL, test_bad_folder);
  add ("bad-folder/not-written", "/proc", test_bad_folder);
  add ("symlink", NULL, test_symlink);
  add ("discard/running", GINT_TO_POINTER (FALSE), test_discard);
  add ("discard/paused", GINT_TO_POINTER (TRUE), test_discard);
  add ("digests/wrong-first", GINT_TO_POINTER (TRUE), test_digests);
  add ("digests/wrong-second", GINT_TO_POINTER (FALSE), test_digests);
  add ("digests/paused", NULL, test_paused_makes_right);
  add ("digests/all-wrong", NULL, test_all_wrong);
  add ("limits/none", GINT_TO_POINTER (0), test_limits);
  add ("limits/larger", GINT_TO_POINTER (1 << 30), test_limits);
  add ("tokens/redirect", GINT_TO_POINTER (FALSE), test_tokens);
  add ("tokens/two-links", GINT_TO_POINTER (TRUE), test_tokens);
  add ("finishing", NULL, test_finishing);
  add ("links", NULL, test_links);
  add ("bad-link", NULL, test_bad_link);
  add ("known/link", GINT_TO_POINTER (FALSE), test_known);
  add ("known/digest", GINT_TO_POINTER (TRUE), test_known);

  return g_test_run ();
}
