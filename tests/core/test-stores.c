/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The stores of other programs, as those programs lay them out, and what is not to be taken. */

#include "core/library/stores.h"

#include "core/base/error.h"
#include "core/base/piece.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTENT "The bytes of a model, more or less."
#define OTHER "The bytes of a model, rather others"
#define SIZE ((gint64) strlen (CONTENT))

#define COMMIT_1 "1111111111111111111111111111111111111111"
#define COMMIT_2 "2222222222222222222222222222222222222222"

typedef struct
{
  char *root;
  char *sha256;
  DrayStores *stores;
} Fixture;

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->root = g_dir_make_tmp ("dray-stores-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, CONTENT, -1);
  fixture->stores = dray_stores_new ();
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  remove_tree (fixture->root);
  dray_stores_free (fixture->stores);
  g_free (fixture->sha256);
  g_free (fixture->root);
}

static char *
dup_path (Fixture *fixture, const char *relative)
{
  return g_build_filename (fixture->root, relative, NULL);
}

static void
make_parent (const char *path)
{
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
}

static void
put (Fixture *fixture, const char *relative, const char *content)
{
  g_autofree char *path = dup_path (fixture, relative);
  g_autoptr (GError) error = NULL;

  make_parent (path);
  g_file_set_contents (path, content, -1, &error);
  g_assert_no_error (error);
}

static void
put_link (Fixture *fixture, const char *relative, const char *target)
{
  g_autofree char *path = dup_path (fixture, relative);

  make_parent (path);
  g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
add (Fixture *fixture, DrayStoreLayout layout, const char *relative)
{
  g_autofree char *root = dup_path (fixture, relative);

  dray_stores_add (fixture->stores, layout, "Program", root);
}

static GPtrArray *
find (Fixture *fixture, gint64 size, const char *name)
{
  DrayStoreQuery query = { fixture->sha256, size, name };

  return dray_stores_find (fixture->stores, &query, NULL);
}

/* What is found are these files below the fixture's folder, in that order, closed by NULL. */
static void
assert_found (Fixture *fixture, GPtrArray *found, ...)
{
  va_list names;
  const char *name;
  guint n = 0;

  va_start (names, found);
  for (; (name = va_arg (names, const char *)) != NULL; n++)
    {
      g_autofree char *path = dup_path (fixture, name);
      const DrayStoreFile *file;
      struct stat facts;

      g_assert_cmpuint (found->len, >, n);
      file = g_ptr_array_index (found, n);
      g_assert_cmpstr (file->path, ==, path);
      g_assert_cmpstr (file->program, ==, "Program");
      g_assert_cmpint (stat (path, &facts), ==, 0);
      g_assert_cmpuint (file->facts.inode, ==, facts.st_ino);
      g_assert_cmpuint (file->facts.device, ==, facts.st_dev);
      g_assert_cmpint (file->facts.size, ==, facts.st_size);
      g_assert_cmpint (file->facts.modified / 1000000000, ==, facts.st_mtim.tv_sec);
    }
  va_end (names);
  g_assert_cmpuint (found->len, ==, n);
}

static void
test_hub (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *blob
      = g_strconcat ("hub/models--org--repo/blobs/", fixture->sha256, NULL);
  g_autofree char *target = g_strconcat ("../../../blobs/", fixture->sha256, NULL);
  g_autofree char *shallow = g_strconcat ("../../blobs/", fixture->sha256, NULL);
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GPtrArray) bare = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) named = NULL;
  g_autoptr (GPtrArray) other = NULL;

  add (fixture, DRAY_STORE_HUB, "hub");
  none = find (fixture, SIZE, "b.gguf");
  assert_found (fixture, none, NULL);

  put (fixture, "hub/models--else--where/blobs/0123", CONTENT);
  put (fixture, blob, CONTENT);
  bare = find (fixture, SIZE, "b.gguf");
  assert_found (fixture, bare, blob, NULL);

  put_link (fixture, "hub/models--org--repo/snapshots/" COMMIT_2 "/b.gguf", shallow);
  put_link (fixture, "hub/models--org--repo/snapshots/" COMMIT_1 "/sub/a.gguf", target);
  put_link (fixture, "hub/models--org--repo/snapshots/" COMMIT_1 "/c.gguf", "../../blobs/none");
  first = find (fixture, SIZE, NULL);
  assert_found (fixture, first, "hub/models--org--repo/snapshots/" COMMIT_1 "/sub/a.gguf", NULL);
  named = find (fixture, DRAY_SIZE_UNKNOWN, "b.gguf");
  assert_found (fixture, named, "hub/models--org--repo/snapshots/" COMMIT_2 "/b.gguf", NULL);
  other = find (fixture, SIZE + 1, "b.gguf");
  assert_found (fixture, other, NULL);
}

static void
test_hub_refused (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *half
      = g_strconcat ("hub/models--a--half/blobs/", fixture->sha256, ".incomplete", NULL);
  g_autofree char *folder = g_strconcat ("hub/models--b--folder/blobs/", fixture->sha256, "/x", NULL);
  g_autofree char *escaping = g_strconcat ("hub/models--c--out/blobs/", fixture->sha256, NULL);
  g_autofree char *data_set = g_strconcat ("hub/datasets--d--set/blobs/", fixture->sha256, NULL);
  g_autofree char *pipe = g_strconcat ("hub/models--e--pipe/blobs/", fixture->sha256, NULL);
  g_autofree char *pipe_path = dup_path (fixture, pipe);
  g_autofree char *outside = dup_path (fixture, "outside/secret");
  g_autoptr (GPtrArray) found = NULL;

  add (fixture, DRAY_STORE_HUB, "hub");
  put (fixture, half, CONTENT);
  put (fixture, folder, CONTENT);
  put (fixture, "outside/secret", CONTENT);
  put_link (fixture, escaping, outside);
  put (fixture, data_set, CONTENT);
  make_parent (pipe_path);
  g_assert_cmpint (mkfifo (pipe_path, 0644), ==, 0);

  found = find (fixture, DRAY_SIZE_UNKNOWN, "secret");
  assert_found (fixture, found, NULL);
}

/* A folder that is kept on another drive. */
static void
test_linked_root (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *blob = g_strconcat ("drive/hub/models--org--repo/blobs/", fixture->sha256, NULL);
  g_autofree char *seen = g_strconcat ("hub/models--org--repo/blobs/", fixture->sha256, NULL);
  g_autofree char *drive = dup_path (fixture, "drive/hub");
  g_autoptr (GPtrArray) found = NULL;

  add (fixture, DRAY_STORE_HUB, "hub");
  add (fixture, DRAY_STORE_HUB, "drive/hub");
  put (fixture, blob, CONTENT);
  put_link (fixture, "hub", drive);

  found = find (fixture, SIZE, NULL);
  assert_found (fixture, found, seen, NULL);
}

static void
test_ollama (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *blob = g_strconcat ("ollama/blobs/sha256-", fixture->sha256, NULL);
  g_autofree char *half = g_strconcat (blob, "-partial", NULL);
  g_autofree char *part = g_strconcat (blob, "-partial-0", NULL);
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GPtrArray) other = NULL;

  add (fixture, DRAY_STORE_OLLAMA, "ollama");
  put (fixture, half, CONTENT);
  put (fixture, part, "{}");
  none = find (fixture, SIZE, NULL);
  assert_found (fixture, none, NULL);

  put (fixture, blob, CONTENT);
  found = find (fixture, DRAY_SIZE_UNKNOWN, NULL);
  assert_found (fixture, found, blob, NULL);
  other = find (fixture, SIZE - 1, NULL);
  assert_found (fixture, other, NULL);
}

static void
test_shelves (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GPtrArray) by_size = NULL;
  g_autoptr (GPtrArray) by_name = NULL;
  g_autoptr (GPtrArray) neither = NULL;

  add (fixture, DRAY_STORE_SHELVES, "models");
  put (fixture, "models/a/model/a.gguf", OTHER);
  put (fixture, "models/b/model/wanted.gguf", CONTENT);
  put (fixture, "models/b/model/longer.gguf", CONTENT CONTENT);
  put (fixture, "models/b/model/wanted.gguf.part", CONTENT);
  put (fixture, "models/b/model/.hidden.gguf", CONTENT);
  put (fixture, "models/b/shallow.gguf", CONTENT);
  put (fixture, "models/b/model/deep/deep.gguf", CONTENT);
  put (fixture, "outside.gguf", CONTENT);
  put_link (fixture, "models/c/model/escapes.gguf", "../../../outside.gguf");
  put_link (fixture, "models/c/model/wanted.gguf", "../../b/model/longer.gguf");
  put_link (fixture, "models/c/again", "../b/model");

  by_size = find (fixture, SIZE, "wanted.gguf");
  assert_found (fixture, by_size, "models/b/model/wanted.gguf", "models/a/model/a.gguf", NULL);
  by_name = find (fixture, DRAY_SIZE_UNKNOWN, "wanted.gguf");
  assert_found (fixture, by_name, "models/b/model/wanted.gguf", "models/c/model/wanted.gguf", NULL);
  neither = find (fixture, DRAY_SIZE_UNKNOWN, NULL);
  assert_found (fixture, neither, NULL);
}

/* Each may have to be read to its end. */
static void
test_few (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GPtrArray) found = NULL;

  add (fixture, DRAY_STORE_SHELVES, "models");
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("models/p/m/%02u.gguf", i);

      put (fixture, name, i == 17 ? CONTENT : OTHER);
    }
  put_link (fixture, "models/p/m/again", "17.gguf");
  found = find (fixture, SIZE, "17.gguf");
  assert_found (fixture, found, "models/p/m/17.gguf", "models/p/m/00.gguf", "models/p/m/01.gguf",
                "models/p/m/02.gguf", NULL);
}

/* The catalog is UTF-8. */
static void
test_not_utf8 (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GPtrArray) found = NULL;

  add (fixture, DRAY_STORE_SHELVES, "models");
  put (fixture, "models/p/m\xe9/model.gguf", CONTENT);
  found = find (fixture, SIZE, "model.gguf");
  assert_found (fixture, found, NULL);
}

static void
test_cancelled (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  DrayStoreQuery query = { fixture->sha256, SIZE, NULL };
  g_autoptr (GPtrArray) found = NULL;

  add (fixture, DRAY_STORE_SHELVES, "models");
  put (fixture, "models/p/m/model.gguf", CONTENT);
  g_cancellable_cancel (cancellable);
  found = dray_stores_find (fixture->stores, &query, cancellable);
  g_assert_cmpuint (found->len, ==, 0);
}

/* Each of the folders that a person's programs use is one, and is known by the program. */
static void
test_of_user (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct
  {
    const char *variable;
    const char *value;
    const char *file; /* with the digest in place of %s */
    const char *program;
  } places[] = {
    { "HF_HUB_CACHE", "cache", "cache/models--o--r/blobs/%s", "Hugging Face cache" },
    { "HF_HOME", "hf", "hf/hub/models--o--r/blobs/%s", "Hugging Face cache" },
    { "XDG_CACHE_HOME", "xdg", "xdg/huggingface/hub/models--o--r/blobs/%s", "Hugging Face cache" },
    { NULL, NULL, "h/.cache/huggingface/hub/models--o--r/blobs/%s", "Hugging Face cache" },
    { "OLLAMA_MODELS", "models", "models/blobs/sha256-%s", "Ollama" },
    { NULL, NULL, "h/.ollama/models/blobs/sha256-%s", "Ollama" },
    { NULL, NULL, "h/.lmstudio/models/p/m/%s", "LM Studio" },
    { NULL, NULL, "h/.cache/lm-studio/models/p/m/%s", "LM Studio" },
  };

  g_autofree char *home = dup_path (fixture, "h");

  /* GLib asks for it once. */
  g_setenv ("HOME", home, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_auto (GStrv) halves = g_strsplit (places[i].file, "%s", 2);
      g_autofree char *file = g_strconcat (halves[0], fixture->sha256, halves[1], NULL);
      g_autofree char *path = dup_path (fixture, file);
      g_autofree char *value
          = places[i].value != NULL ? dup_path (fixture, places[i].value) : NULL;
      g_autoptr (DrayStores) stores = NULL;
      g_autoptr (DrayStores) others = NULL;
      g_autoptr (GPtrArray) found = NULL;
      g_autoptr (GPtrArray) lost = NULL;
      DrayStoreQuery query = { fixture->sha256, SIZE, NULL };
      const DrayStoreFile *first;

      put (fixture, file, CONTENT);
      if (value != NULL)
        g_setenv (places[i].variable, value, TRUE);
      stores = dray_stores_new_for_user ();
      if (value != NULL)
        g_setenv (places[i].variable, "models", TRUE);
      others = dray_stores_new_for_user ();

      found = dray_stores_find (stores, &query, NULL);
      g_assert_cmpuint (found->len, ==, 1);
      first = g_ptr_array_index (found, 0);
      g_assert_cmpstr (first->path, ==, path);
      g_assert_cmpstr (first->program, ==, places[i].program);
      lost = dray_stores_find (others, &query, NULL);
      g_assert_cmpuint (lost->len, ==, value != NULL ? 0 : 1);
      g_assert_cmpint (g_remove (path), ==, 0);
    }
}

static void
note_done (gint64 done, gpointer user_data)
{
  *(gint64 *) user_data = done;
}

static gboolean
digest (Fixture *fixture,
        DrayFileDigests *digests,
        const char *relative,
        const DrayFileFacts *facts,
        gint64 *done,
        char **sha256,
        GError **error)
{
  g_autofree char *path = dup_path (fixture, relative);

  *done = -1;
  g_clear_pointer (sha256, g_free);
  *sha256 = dray_file_digests_compute (digests, path, facts, note_done, done, NULL, error);
  return *sha256 != NULL;
}

static void
look_at (Fixture *fixture, const char *relative, DrayFileFacts *facts)
{
  g_autofree char *path = dup_path (fixture, relative);
  int fd = dray_file_open_regular (path, facts);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

/* A digest is computed once, and anew when anybody has written to the file, even if the time of that
 * is set back. */
static void
test_digest (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayFileDigests) digests = dray_file_digests_new ();
  g_autofree char *path = dup_path (fixture, "f");
  g_autofree char *sha256 = NULL;
  g_autofree char *other = g_compute_checksum_for_string (G_CHECKSUM_SHA256, OTHER, -1);
  g_autoptr (GError) error = NULL;
  struct timespec times[2];
  DrayFileFacts facts;
  gint64 done;
  FILE *file;

  put (fixture, "f", CONTENT);
  look_at (fixture, "f", &facts);
  g_assert_true (digest (fixture, digests, "f", &facts, &done, &sha256, &error));
  g_assert_cmpstr (sha256, ==, fixture->sha256);
  g_assert_cmpint (done, ==, SIZE);

  g_assert_true (digest (fixture, digests, "f", &facts, &done, &sha256, &error));
  g_assert_cmpstr (sha256, ==, fixture->sha256);
  g_assert_cmpint (done, ==, -1);

  file = g_fopen (path, "r+");
  g_assert_cmpint (fputs (OTHER, file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
  times[0].tv_sec = times[1].tv_sec = facts.modified / 1000000000;
  times[0].tv_nsec = times[1].tv_nsec = facts.modified % 1000000000;
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
  g_assert_true (digest (fixture, digests, "f", &facts, &done, &sha256, &error));
  g_assert_cmpstr (sha256, ==, other);
  g_assert_cmpint (done, ==, SIZE);
  g_assert_no_error (error);
}

static void
test_digest_refused (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (DrayFileDigests) digests = dray_file_digests_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *path = dup_path (fixture, "f");
  g_autofree char *sha256 = NULL;
  g_autoptr (GError) changed = NULL;
  g_autoptr (GError) gone = NULL;
  g_autoptr (GError) cancelled = NULL;
  DrayFileFacts facts, wrong;
  gint64 done;

  put (fixture, "f", CONTENT);
  look_at (fixture, "f", &facts);
  wrong = facts;
  wrong.inode++;
  g_assert_false (digest (fixture, digests, "f", &wrong, &done, &sha256, &changed));
  g_assert_error (changed, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  g_assert_false (digest (fixture, digests, "none", &facts, &done, &sha256, &gone));
  g_assert_error (gone, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);

  g_cancellable_cancel (cancellable);
  sha256 = dray_file_digests_compute (digests, path, &facts, NULL, NULL, cancellable, &cancelled);
  g_assert_null (sha256);
  g_assert_true (dray_error_is_cancelled (cancelled));
}

#define ADD(name, func) g_test_add ("/stores/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("hub", test_hub);
  ADD ("hub-refused", test_hub_refused);
  ADD ("linked-root", test_linked_root);
  ADD ("ollama", test_ollama);
  ADD ("shelves", test_shelves);
  ADD ("few", test_few);
  ADD ("not-utf8", test_not_utf8);
  ADD ("cancelled", test_cancelled);
  ADD ("of-user", test_of_user);
  ADD ("digest", test_digest);
  ADD ("digest-refused", test_digest_refused);

  return g_test_run ();
}
