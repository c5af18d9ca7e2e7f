/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/file-digest.h"

#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much is read between two looks at the cancellable, in bytes: less than a millisecond's work. */
#define CHUNK ((gsize) 1024 * 1024)

/* How many files are remembered; then all are forgotten. */
#define REMEMBERED_MAX 1000

struct _DrayFileDigests
{
  DrayLock lock;
  GHashTable *known; /* from what a file was (char *) to its digest (char *); under the lock */
};

DrayFileDigests *
dray_file_digests_new (void)
{
  DrayFileDigests *digests = g_new0 (DrayFileDigests, 1);

  dray_lock_init (&digests->lock);
  digests->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return digests;
}

void
dray_file_digests_free (DrayFileDigests *digests)
{
  g_hash_table_unref (digests->known);
  dray_lock_clear (&digests->lock);
  g_free (digests);
}

static gint64
get_nanoseconds (const struct timespec *time)
{
  return (gint64) time->tv_sec * 1000000000 + time->tv_nsec;
}

static void
get_facts (const struct stat *status, DrayFileFacts *facts)
{
  *facts = (DrayFileFacts){
    .device = status->st_dev,
    .inode = status->st_ino,
    .size = status->st_size,
    .modified = get_nanoseconds (&status->st_mtim),
  };
}

static gboolean
is_same (const DrayFileFacts *a, const DrayFileFacts *b)
{
  return a->device == b->device && a->inode == b->inode && a->size == b->size
         && a->modified == b->modified;
}

/* Opens a regular file and nothing else: a pipe that bears its name would never answer. */
static int
open_regular (const char *path, struct stat *status)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return -1;
  if (fstat (fd, status) == 0 && S_ISREG (status->st_mode))
    return fd;

  close (fd);
  errno = EINVAL;
  return -1;
}

/**
 * dray_file_open_regular:
 * @path: a path; a link is followed
 * @facts: (out caller-allocates): what the file is
 *
 * Returns: a file descriptor to read from, or -1 if there is no regular file that may be read
 */
int
dray_file_open_regular (const char *path, DrayFileFacts *facts)
{
  struct stat status;
  int fd = open_regular (path, &status);

  if (fd >= 0)
    get_facts (&status, facts);

  return fd;
}

/* The time of the last change of the inode tells of a write whose time was set back. */
static char *
make_key (const struct stat *status)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT
                          ":%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
                          (guint64) status->st_dev, (guint64) status->st_ino,
                          (gint64) status->st_size, get_nanoseconds (&status->st_mtim),
                          get_nanoseconds (&status->st_ctim));
}

static char *
recall (DrayFileDigests *digests, const char *key)
{
  char *sha256;

  dray_lock_acquire (&digests->lock);
  sha256 = g_strdup (g_hash_table_lookup (digests->known, key));
  dray_lock_release (&digests->lock);

  return sha256;
}

static void
remember (DrayFileDigests *digests, const char *key, const char *sha256)
{
  dray_lock_acquire (&digests->lock);
  if (g_hash_table_size (digests->known) >= REMEMBERED_MAX)
    g_hash_table_remove_all (digests->known);
  g_hash_table_replace (digests->known, g_strdup (key), g_strdup (sha256));
  dray_lock_release (&digests->lock);
}

static gssize
read_chunk (int fd, gpointer buffer)
{
  ssize_t n;

  do
    n = read (fd, buffer, CHUNK);
  while (n < 0 && errno == EINTR);

  return n;
}

static char *
read_digest (int fd,
             const char *path,
             DrayDigestProgressFunc progress,
             gpointer user_data,
             GCancellable *cancellable,
             GError **error)
{
  g_autofree guint8 *buffer = g_malloc (CHUNK);
  DrayDigest digest;
  gint64 done = 0;
  gssize n = 1;

  dray_digest_init (&digest);
  posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  while (n > 0)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      n = read_chunk (fd, buffer);
      if (n < 0)
        {
          dray_set_file_error (error, errno, "read", path);
          return NULL;
        }
      dray_digest_update (&digest, buffer, (gsize) n);
      done += n;
      if (progress != NULL)
        progress (done, user_data);
    }

  return dray_digest_finish (&digest);
}

static gboolean
set_changed (const char *path, GError **error)
{
  g_set_error (error, DRAY_ERROR, DRAY_ERROR_PARTIAL_MISSING, "“%s” was written to meanwhile", path);
  return FALSE;
}

/* Whether the file that was read is, to the last byte, one and the same. */
static gboolean
check_unchanged (int fd, const char *path, const char *key, GError **error)
{
  g_autofree char *now = NULL;
  struct stat status;

  if (fstat (fd, &status) != 0)
    {
      dray_set_file_error (error, errno, "read", path);
      return FALSE;
    }

  now = make_key (&status);
  return g_str_equal (now, key) || set_changed (path, error);
}

/**
 * dray_file_digests_compute:
 * @digests: what is remembered
 * @path: a file; a link is followed
 * @expected: what the file is
 * @progress: (nullable): told how far the reading is
 * @user_data: for @progress
 * @cancellable: (nullable): ends the reading within a millisecond's work
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_PARTIAL_MISSING if the file is gone, or another one than expected, or was
 * written to while it was read; %DRAY_ERROR_PERMISSION; %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full) (nullable): the digest in 64 lower-case hexadecimal digits
 */
char *
dray_file_digests_compute (DrayFileDigests *digests,
                           const char *path,
                           const DrayFileFacts *expected,
                           DrayDigestProgressFunc progress,
                           gpointer user_data,
                           GCancellable *cancellable,
                           GError **error)
{
  g_autofree char *sha256 = NULL;
  g_autofree char *key = NULL;
  struct stat status;
  DrayFileFacts facts;
  int fd = open_regular (path, &status);

  if (fd < 0)
    {
      dray_set_file_error (error, errno, "open", path);
      return NULL;
    }

  get_facts (&status, &facts);
  key = make_key (&status);
  if (!is_same (&facts, expected))
    {
      set_changed (path, error);
      close (fd);
      return NULL;
    }

  sha256 = recall (digests, key);
  if (sha256 == NULL)
    {
      sha256 = read_digest (fd, path, progress, user_data, cancellable, error);
      if (sha256 != NULL && check_unchanged (fd, path, key, error))
        remember (digests, key, sha256);
      else
        g_clear_pointer (&sha256, g_free);
    }
  close (fd);

  return g_steal_pointer (&sha256);
}
