/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A second place for a finished file, in every way in which one can come about.
 *
 * The calls that decide which way it is go through this file, so that each way is taken and fails
 * on any machine. What a filesystem really does is tested where the machine has two.
 */

#include "core/library/placement.h"

#include "core/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Three chunks, the last one short. */
#define SIZE ((gsize) 9 * 1024 * 1024 + 123)

typedef enum
{
  REFLINK,
  HARD_LINK,
  COPY_UNNAMED,
  COPY_NAMED,
  COPY_OLD, /* no flag to a rename either */
  N_WAYS,
} Way;

static const char *const way_names[N_WAYS]
    = { "reflink", "hard-link", "copy-unnamed", "copy-named", "copy-old" };

/* What the calls below do. */
static struct
{
  Way way;
  int fallocate_error;
  int write_error; /* of the second write */
  int fdatasync_error;
  int fsync_error;
  guint n_writes;
  gboolean cancels; /* the first write does */
  GCancellable *cancellable;
  const char *appearing;  /* a file that another program makes before the last step */
  const char *growing;    /* a file that another program writes to during a copy */
} calls;

int __real_openat64 (int directory, const char *path, int flags, ...);
int __real_linkat (int from_directory, const char *from, int to_directory, const char *to, int flags);
int __real_renameat2 (
    int from_directory, const char *from, int to_directory, const char *to, unsigned int flags);
int __real_fallocate64 (int fd, int mode, off_t offset, off_t length);
int __real_fdatasync (int fd);
int __real_fsync (int fd);
ssize_t __real_write (int fd, const void *bytes, size_t n_bytes);

int __wrap_openat64 (int directory, const char *path, int flags, ...);
int __wrap_linkat (int from_directory, const char *from, int to_directory, const char *to, int flags);
int __wrap_renameat2 (
    int from_directory, const char *from, int to_directory, const char *to, unsigned int flags);
int __wrap_fallocate64 (int fd, int mode, off_t offset, off_t length);
int __wrap_fdatasync (int fd);
int __wrap_fsync (int fd);
int __wrap_ioctl (int fd, unsigned long request, ...);
ssize_t __wrap_write (int fd, const void *bytes, size_t n_bytes);

static int
fail (int errnum)
{
  errno = errnum;
  return -1;
}

static void
append (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (__real_write (fd, "x", 1), ==, 1);
  close (fd);
}

int
__wrap_openat64 (int directory, const char *path, int flags, ...)
{
  if ((flags & O_TMPFILE) == O_TMPFILE && calls.way >= COPY_NAMED)
    return fail (EOPNOTSUPP);

  return __real_openat64 (directory, path, flags, 0666);
}

/* Stands for a reflink with what its caller can tell of one: the same bytes in another inode. */
int
__wrap_ioctl (int fd, unsigned long request, ...)
{
  g_autofree guint8 *bytes = g_malloc (SIZE);
  va_list arguments;
  int source;

  va_start (arguments, request);
  source = va_arg (arguments, int);
  va_end (arguments);
  g_assert_cmpuint (request, ==, FICLONE);
  if (calls.way != REFLINK)
    return fail (EOPNOTSUPP);

  g_assert_cmpint (pread (source, bytes, SIZE, 0), ==, SIZE);
  g_assert_cmpint (pwrite (fd, bytes, SIZE, 0), ==, SIZE);
  return 0;
}

/* Whether the name under /proc is of a file that has one. */
static gboolean
is_hard_link (const char *from)
{
  struct stat facts;

  return stat (from, &facts) == 0 && facts.st_nlink > 0;
}

int
__wrap_linkat (int from_directory, const char *from, int to_directory, const char *to, int flags)
{
  if (calls.way >= COPY_UNNAMED && is_hard_link (from))
    return fail (EXDEV);

  return __real_linkat (from_directory, from, to_directory, to, flags);
}

int
__wrap_renameat2 (
    int from_directory, const char *from, int to_directory, const char *to, unsigned int flags)
{
  if (calls.way == COPY_OLD)
    return fail (EINVAL);

  return __real_renameat2 (from_directory, from, to_directory, to, flags);
}

int
__wrap_fallocate64 (int fd, int mode, off_t offset, off_t length)
{
  if (calls.fallocate_error != 0)
    return fail (calls.fallocate_error);

  return __real_fallocate64 (fd, mode, offset, length);
}

int
__wrap_fdatasync (int fd)
{
  if (calls.appearing != NULL)
    append (calls.appearing);
  if (calls.fdatasync_error != 0)
    return fail (calls.fdatasync_error);

  return __real_fdatasync (fd);
}

int
__wrap_fsync (int fd)
{
  return calls.fsync_error != 0 ? fail (calls.fsync_error) : __real_fsync (fd);
}

ssize_t
__wrap_write (int fd, const void *bytes, size_t n_bytes)
{
  calls.n_writes++;
  if (calls.cancels)
    g_cancellable_cancel (calls.cancellable);
  if (calls.growing != NULL)
    append (calls.growing);
  if (calls.write_error != 0 && calls.n_writes == 2)
    return fail (calls.write_error);

  return __real_write (fd, bytes, n_bytes);
}

typedef struct
{
  char *library; /* the folder of the finished file */
  char *elsewhere;
  char *source;
  char *target;
  guint8 *bytes;
  DrayFinishedFile finished;
} Fixture;

static void
set_up_in (Fixture *fixture, const char *elsewhere_template)
{
  struct stat facts;

  memset (&calls, 0, sizeof calls);
  fixture->library = g_dir_make_tmp ("dray-placement-XXXXXX", NULL);
  fixture->elsewhere = g_mkdtemp (g_strdup (elsewhere_template));
  g_assert_nonnull (fixture->elsewhere);
  fixture->source = g_build_filename (fixture->library, "model.gguf", NULL);
  fixture->target = g_build_filename (fixture->elsewhere, "model.gguf", NULL);
  fixture->bytes = g_malloc (SIZE);
  for (gsize i = 0; i + 4 <= SIZE; i += 4)
    *(guint32 *) (gpointer) (fixture->bytes + i) = g_test_rand_int ();
  g_assert_true (g_file_set_contents (fixture->source, (char *) fixture->bytes, SIZE, NULL));
  g_assert_cmpint (stat (fixture->source, &facts), ==, 0);
  fixture->finished
      = (DrayFinishedFile){ facts.st_ino, (gint64) SIZE, g_get_real_time () / G_USEC_PER_SEC };
  memset (&calls, 0, sizeof calls);
}

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *template = g_build_filename (g_get_tmp_dir (), "dray-elsewhere-XXXXXX", NULL);

  set_up_in (fixture, template);
  calls.way = GPOINTER_TO_UINT (data);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      g_remove (child);
    }
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

static void
fixture_tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  remove_folder (fixture->library);
  remove_folder (fixture->elsewhere);
  g_free (fixture->library);
  g_free (fixture->elsewhere);
  g_free (fixture->source);
  g_free (fixture->target);
  g_free (fixture->bytes);
}

static gboolean
place (Fixture *fixture, DrayFileIdentity *identity, GError **error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean placed;

  calls.cancellable = cancellable;
  placed = dray_placement_make (fixture->source, &fixture->finished, fixture->elsewhere,
                                "model.gguf", cancellable, identity, error);
  g_assert_true (placed == (error == NULL || *error == NULL));

  return placed;
}

static guint
count_files (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;

  return n;
}

static void
assert_placed (Fixture *fixture)
{
  g_autofree char *bytes = NULL;
  gsize n_bytes;

  g_assert_true (g_file_get_contents (fixture->target, &bytes, &n_bytes, NULL));
  g_assert_cmpmem (bytes, n_bytes, fixture->bytes, SIZE);
  g_assert_cmpuint (count_files (fixture->elsewhere), ==, 1);
  g_assert_cmpuint (count_files (fixture->library), ==, 1);
}

static void
assert_fails (Fixture *fixture, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (place (fixture, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, domain, code);
}

static void
test_made (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DrayFileIdentity identity = { 0 };
  struct stat facts;

  place (fixture, &identity, &error);
  g_assert_no_error (error);
  assert_placed (fixture);
  g_assert_cmpint (stat (fixture->target, &facts), ==, 0);
  g_assert_cmpuint (identity.inode, ==, facts.st_ino);
  g_assert_cmpuint (identity.device, ==, facts.st_dev);
  g_assert_cmpint (facts.st_ino == fixture->finished.inode, ==, calls.way == HARD_LINK);
  g_assert_cmpuint (calls.n_writes, ==, calls.way >= COPY_UNNAMED ? 3 : 0);
}

static void
test_empty (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct stat facts;

  g_assert_cmpint (truncate (fixture->source, 0), ==, 0);
  dray_placement_make (fixture->source, NULL, fixture->elsewhere, "model.gguf", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (stat (fixture->target, &facts), ==, 0);
  g_assert_cmpint (facts.st_size, ==, 0);
}

/* There before, or made by another program while the bytes were copied: it stays as it is. */
static void
test_existing (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *content = NULL;

  append (fixture->target);
  assert_fails (fixture, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_cmpint (g_unlink (fixture->target), ==, 0);

  if (calls.way != HARD_LINK)
    {
      calls.appearing = fixture->target;
      assert_fails (fixture, G_IO_ERROR, G_IO_ERROR_EXISTS);
      g_assert_true (g_file_get_contents (fixture->target, &content, NULL, NULL));
      g_assert_cmpstr (content, ==, "x");
      g_assert_cmpuint (count_files (fixture->elsewhere), ==, 1);
    }
}

/* Another program's partial file is not touched. */
static void
test_existing_partial (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree char *part = g_strconcat (fixture->target, ".part", NULL);
  g_autofree char *content = NULL;

  append (part);
  assert_fails (fixture, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_true (g_file_get_contents (part, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "x");
}

static void
test_failures (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const struct
  {
    int *call;
    int errnum;
    DrayError code;
  } cases[] = {
    { &calls.fallocate_error, ENOSPC, DRAY_ERROR_DISK_FULL },
    { &calls.write_error, ENOSPC, DRAY_ERROR_DISK_FULL },
    { &calls.write_error, EFBIG, DRAY_ERROR_TOO_LARGE_FOR_DRIVE },
    { &calls.write_error, EIO, DRAY_ERROR_PARTIAL_MISSING },
    { &calls.fdatasync_error, EIO, DRAY_ERROR_PARTIAL_MISSING },
    { &calls.fsync_error, EIO, DRAY_ERROR_PARTIAL_MISSING },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      calls.n_writes = 0;
      *cases[i].call = cases[i].errnum;
      assert_fails (fixture, DRAY_ERROR, (int) cases[i].code);
      g_assert_cmpuint (count_files (fixture->elsewhere), ==, 0);
      *cases[i].call = 0;
    }

  /* Where room cannot be reserved there may be enough. */
  calls.fallocate_error = EOPNOTSUPP;
  g_assert_true (place (fixture, NULL, NULL));
  assert_placed (fixture);
}

static void
test_cancel (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  calls.cancels = TRUE;
  assert_fails (fixture, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (calls.n_writes, ==, 1);
  g_assert_cmpuint (count_files (fixture->elsewhere), ==, 0);
}

static void
test_growing (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  calls.growing = fixture->source;
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  g_assert_cmpuint (count_files (fixture->elsewhere), ==, 0);
}

/* The folder's sync fails when the name is there already: it goes again. */
static void
test_unsaved_name (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  calls.fsync_error = EIO;
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  g_assert_cmpuint (count_files (fixture->elsewhere), ==, 0);
  g_assert_cmpuint (count_files (fixture->library), ==, 1);

  calls.fsync_error = EINVAL;
  g_assert_true (place (fixture, NULL, NULL));
}

static void
test_other_source (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const DrayFinishedFile right = fixture->finished;
  g_autofree char *moved = g_build_filename (fixture->library, "moved", NULL);

  fixture->finished.inode++;
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  fixture->finished = right;
  fixture->finished.size--;
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  fixture->finished = right;
  fixture->finished.completed_at -= 3600;
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  fixture->finished = right;

  g_assert_cmpint (g_rename (fixture->source, moved), ==, 0);
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  g_assert_cmpint (symlink (moved, fixture->source), ==, 0);
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PERMISSION);
  g_assert_cmpuint (count_files (fixture->elsewhere), ==, 0);
}

static void
test_no_folder (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_assert_cmpint (g_rmdir (fixture->elsewhere), ==, 0);
  assert_fails (fixture, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING);
  g_assert_cmpint (g_mkdir (fixture->elsewhere, 0700), ==, 0);
}

/* With the filesystems that the machine has; the last way that is open decides. */
static void
test_real (gconstpointer data)
{
  const char *folder = data;
  g_autofree char *template = g_build_filename (folder, "dray-elsewhere-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  Fixture fixture;
  struct stat here, there;

  if (access (folder, W_OK) != 0)
    {
      g_test_message ("there is no %s here", folder);
      return;
    }

  set_up_in (&fixture, template);
  calls.way = HARD_LINK;
  g_assert_cmpint (stat (fixture.library, &here), ==, 0);
  g_assert_cmpint (stat (fixture.elsewhere, &there), ==, 0);
  g_test_message ("%s is %s filesystem", folder,
                  here.st_dev == there.st_dev ? "on the same" : "another");
  place (&fixture, NULL, &error);
  g_assert_no_error (error);
  assert_placed (&fixture);
  g_assert_cmpint (calls.n_writes > 0, ==, here.st_dev != there.st_dev);
  fixture_tear_down (&fixture, NULL);
}

static void
add (const char *name, Way first, Way last, void (*test) (Fixture *, gconstpointer))
{
  for (guint way = first; way <= (guint) last; way++)
    {
      g_autofree char *path = g_strdup_printf ("/placement/%s/%s", name, way_names[way]);

      g_test_add (path, Fixture, GUINT_TO_POINTER (way), fixture_set_up, test, fixture_tear_down);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("made", REFLINK, COPY_OLD, test_made);
  add ("empty", HARD_LINK, COPY_OLD, test_empty);
  add ("existing", REFLINK, COPY_OLD, test_existing);
  add ("existing-partial", COPY_NAMED, COPY_OLD, test_existing_partial);
  add ("failures", COPY_UNNAMED, COPY_OLD, test_failures);
  add ("cancel", COPY_UNNAMED, COPY_OLD, test_cancel);
  add ("growing", COPY_UNNAMED, COPY_OLD, test_growing);
  add ("unsaved-name", REFLINK, HARD_LINK, test_unsaved_name);
  add ("other-source", HARD_LINK, COPY_NAMED, test_other_source);
  add ("no-folder", HARD_LINK, HARD_LINK, test_no_folder);
  g_test_add_data_func ("/placement/real/tmp", "/tmp", test_real);
  g_test_add_data_func ("/placement/real/shm", "/dev/shm", test_real);

  return g_test_run ();
}
