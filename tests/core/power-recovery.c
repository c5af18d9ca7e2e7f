/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/power-recovery.h"

#include "core/base/error.h"
#include "core/catalog/catalog.h"
#include "core/transfer/partial-file.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define CALLER "test"

/* What one state is recovered with. */
typedef struct
{
  PowerRig *rig;
  DrayManager *manager;
  const PowerState *state;
  GRand *random;
  char *stranger; /* a file that another program has put under a final name; NULL for none */
} Recovery;

/* The version that such a file is. */
#define STRANGER (POWER_N_VERSIONS - 1)

#define power_check(rig, condition, ...)                                                           \
  do                                                                                               \
    if (!(condition))                                                                              \
      {                                                                                            \
        g_autofree char *what = g_strdup_printf (__VA_ARGS__);                                     \
        g_error ("%s: %s", (rig)->situation, what);                                                \
      }                                                                                            \
  while (0)

void
power_rig_init (PowerRig *rig, gint64 size)
{
  g_autoptr (GError) error = NULL;

  memset (rig, 0, sizeof *rig);
  rig->root = g_dir_make_tmp ("dray-power-XXXXXX", &error);
  g_assert_no_error (error);
  rig->catalog_path = g_build_filename (rig->root, "catalog.sqlite3", NULL);
  rig->folder = g_build_filename (rig->root, "files", NULL);
  g_assert_cmpint (g_mkdir (rig->folder, 0700), ==, 0);
  rig->server = dray_test_server_new (&error);
  g_assert_no_error (error);

  rig->size = size;
  for (guint i = 0; i < POWER_N_VERSIONS; i++)
    {
      guint8 *bytes = g_malloc ((gsize) size);

      rig->contents[i] = dray_test_content_new (900 + i, size);
      dray_test_content_read (rig->contents[i], 0, bytes, (gsize) size);
      rig->versions[i] = g_bytes_new_take (bytes, (gsize) size);
      rig->digests[i] = dray_test_content_dup_sha256 (rig->contents[i]);
    }
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

void
power_rig_clear (PowerRig *rig)
{
  power_disk_forget_files ();
  power_disk_set_mount (0);
  dray_test_server_free (rig->server);
  remove_tree (rig->root);
  for (guint i = 0; i < POWER_N_VERSIONS; i++)
    {
      dray_test_content_unref (rig->contents[i]);
      g_bytes_unref (rig->versions[i]);
      g_free (rig->digests[i]);
    }
  g_free (rig->situation);
  g_free (rig->catalog_path);
  g_free (rig->folder);
  g_free (rig->root);
}

void
power_rig_serve (PowerRig *rig, const char *path, guint version)
{
  dray_test_server_add (rig->server, path, dray_test_content_ref (rig->contents[version]));
}

static void
keep_result_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **kept)
{
  while (*kept == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *kept;
}

DrayManager *
power_rig_open (PowerRig *rig, const char *boot_id, guint interval)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  DrayManager *manager = dray_manager_new (rig->catalog_path, rig->root);

  dray_manager_set_boot_id (manager, boot_id);
  if (interval > 0)
    dray_manager_set_interval (manager, interval);
  dray_manager_open_async (manager, keep_result_cb, &result);
  power_check (rig, dray_manager_open_finish (manager, wait_for (&result), &error),
               "the catalog does not open: %s", error->message);

  return manager;
}

void
power_rig_close (PowerRig *rig, DrayManager *manager)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_nonnull (rig);
  dray_manager_close_async (manager, keep_result_cb, &result);
  dray_manager_close_finish (manager, wait_for (&result));
  g_object_unref (manager);
}

/* Asks for a file; where it was begun and has changed since, it is begun anew. */
DrayRequest *
power_rig_get (PowerRig *rig, DrayManager *manager, const char *path)
{
  g_autofree char *uri = dray_test_server_get_uri (rig->server, path);
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayDownloadOptions) options = g_object_new (DRAY_TYPE_DOWNLOAD_OPTIONS,
                                                          "directory", rig->folder,
                                                          "restart-changed", TRUE,
                                                          "caller", CALLER,
                                                          "connections", rig->connections,
                                                          NULL);
  DrayRequest *request = dray_manager_download_asset (manager, uri, options, &error);

  g_assert_no_error (error);

  return request;
}

gboolean
power_rig_await (DrayRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *path = NULL;

  dray_request_await_async (request, NULL, keep_result_cb, &result);
  path = dray_request_await_finish (request, wait_for (&result), error);

  return path != NULL;
}

void
power_rig_cancel (DrayManager *manager, const char *id, gboolean discard)
{
  g_autoptr (GAsyncResult) result = NULL;

  dray_manager_cancel_async (manager, id, discard, keep_result_cb, &result);
  dray_manager_cancel_finish (manager, wait_for (&result));
}

static gboolean
wake_cb (G_GNUC_UNUSED gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Waits until the tape has so many bytes of files. */
void
power_rig_wait_for_bytes (gint64 n_bytes)
{
  guint source = g_timeout_add (1, wake_cb, NULL);

  while (power_disk_get_written () < n_bytes)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
}

/* Returns: the digest of the version that the file is, byte for byte */
static const char *
check_file (PowerRig *rig, const char *path)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  g_autoptr (GBytes) bytes = file != NULL ? g_mapped_file_get_bytes (file) : NULL;

  power_check (rig, bytes != NULL, "there is no %s", path);
  for (guint i = 0; i < POWER_N_VERSIONS; i++)
    if (g_bytes_equal (bytes, rig->versions[i]))
      return rig->digests[i];

  power_check (rig, FALSE, "%s, of %" G_GSIZE_FORMAT " bytes, is no version of the file", path,
               g_bytes_get_size (bytes));
  return NULL;
}

static void
check_folder (PowerRig *rig)
{
  g_autoptr (GDir) dir = g_dir_open (rig->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (rig->folder, name, NULL);

      if (!g_str_has_suffix (name, DRAY_PARTIAL_SUFFIX))
        check_file (rig, path);
    }
}

static void
check_request (PowerRig *rig, DrayRequest *request)
{
  if (dray_request_get_state (request) != DRAY_REQUEST_COMPLETED)
    return;

  power_check (rig,
               g_strcmp0 (check_file (rig, dray_request_get_path (request)),
                          dray_request_get_sha256 (request))
                   == 0,
               "%s has another digest than its request", dray_request_get_path (request));
}

static void
check_catalog (PowerRig *rig)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayCatalogContents) contents = dray_catalog_read (rig->catalog_path, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < contents->assets->len; i++)
    {
      const DrayStoredAsset *asset = g_ptr_array_index (contents->assets, i);
      g_autofree char *path = NULL;

      if (asset->record.state != DRAY_ASSET_COMPLETE)
        continue;
      path = g_build_filename (rig->folder, asset->record.name, NULL);
      power_check (rig, g_strcmp0 (check_file (rig, path), asset->record.sha256) == 0,
                   "%s has another digest than the catalog says", path);
    }
}

static void
check_all (Recovery *recovery)
{
  GListModel *requests = dray_manager_get_requests (recovery->manager);
  guint n_requests = g_list_model_get_n_items (requests);

  check_folder (recovery->rig);
  for (guint i = 0; i < n_requests; i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (requests, i);

      check_request (recovery->rig, request);
    }
}

static const char *
path_of (DrayRequest *request)
{
  return strchr (dray_request_get_source (request) + strlen ("http://"), '/');
}

/* Where the final name is another file's, as a copy is, a download may end with an error; in every
 * other state each comes to its end. */
static void
expect_end (Recovery *recovery, DrayRequest *request)
{
  g_autoptr (GError) error = NULL;
  gboolean completed = power_rig_await (request, &error);

  power_check (recovery->rig,
               completed || recovery->stranger != NULL
                   || (recovery->state->other_inode
                       && g_error_matches (error, DRAY_ERROR, DRAY_ERROR_PERMISSION)),
               "%s does not complete: %s", path_of (request), error->message);
}

/* Resumes a request, or asks again; the file on the server may be another one by now. */
static void
bring_to_end (Recovery *recovery, DrayRequest *request)
{
  const char *path = path_of (request);
  g_autoptr (GError) error = NULL;

  if (g_rand_boolean (recovery->random))
    {
      g_assert_true (
          dray_manager_resume (recovery->manager, dray_request_get_id (request), FALSE, &error));
      if (power_rig_await (request, &error))
        return;
      check_all (recovery);
      if (!g_error_matches (error, DRAY_ERROR, DRAY_ERROR_CHANGED))
        {
          expect_end (recovery, request);
          return;
        }
    }

  expect_end (recovery, power_rig_get (recovery->rig, recovery->manager, path));
}

static void
discard (Recovery *recovery, DrayRequest *request)
{
  power_rig_cancel (recovery->manager, dray_request_get_id (request), TRUE);
}

static void
serve_some_versions (Recovery *recovery)
{
  static const char *const paths[] = { "/a", "/b", "/c" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = g_strconcat (paths[i], "/model.gguf", NULL);

      power_rig_serve (recovery->rig, path,
                       (guint) g_rand_int_range (recovery->random, 0, STRANGER));
    }
  if (g_rand_boolean (recovery->random))
    power_rig_serve (recovery->rig, recovery->rig->last_path, recovery->rig->last_version);
}

/* Another program takes the name before the download is whole. */
static void
put_stranger (Recovery *recovery)
{
  g_autofree char *path = g_build_filename (recovery->rig->folder, "model.gguf", NULL);
  GBytes *bytes = recovery->rig->versions[STRANGER];
  FILE *file = fopen (path, "wxe");

  if (file == NULL)
    return;
  fwrite (g_bytes_get_data (bytes, NULL), 1, g_bytes_get_size (bytes), file);
  g_assert_cmpint (fclose (file), ==, 0);
  recovery->stranger = g_steal_pointer (&path);
}

static void
check_stranger (Recovery *recovery)
{
  if (recovery->stranger != NULL)
    power_check (recovery->rig,
                 check_file (recovery->rig, recovery->stranger) == recovery->rig->digests[STRANGER],
                 "another program's file was replaced");
}

static void
end_all (Recovery *recovery)
{
  GListModel *requests = dray_manager_get_requests (recovery->manager);
  gboolean replace = g_rand_int_range (recovery->random, 0, 6) == 0;
  guint n_requests = g_list_model_get_n_items (requests);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n_requests; i++)
    g_ptr_array_add (found, g_list_model_get_item (requests, i));
  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = g_ptr_array_index (found, i);

      if (dray_request_get_state (request) == DRAY_REQUEST_COMPLETED)
        continue;
      (replace ? discard : bring_to_end) (recovery, request);
    }
  if (n_requests == 0 || replace)
    expect_end (recovery, power_rig_get (recovery->rig, recovery->manager,
                                         replace ? "/c/model.gguf" : recovery->rig->last_path));
}

/**
 * power_rig_recover:
 * @rig: a rig on whose drive @state was restored
 * @state: what is there
 *
 * Starts a manager as after the power cut, brings every download to its end and aborts the test if
 * ever there is a wrong byte under a final name.
 */
void
power_rig_recover (PowerRig *rig, const PowerState *state)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (state->seed);
  Recovery recovery = { rig, NULL, state, random, NULL };

  serve_some_versions (&recovery);
  recovery.manager =
      power_rig_open (rig, state->event == POWER_CUT ? POWER_NEXT_BOOT : POWER_BOOT, 0);
  check_all (&recovery);
  if (g_rand_int_range (random, 0, 8) == 0)
    put_stranger (&recovery);
  end_all (&recovery);
  check_all (&recovery);
  check_stranger (&recovery);
  power_rig_close (rig, recovery.manager);
  check_catalog (rig);
  g_free (recovery.stranger);
}
