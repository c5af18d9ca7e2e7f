/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (64 * 1024)

/* What one thing in a header can have in bytes. */
#define LENGTH_MAX ((guint64) 1 << 30)

/* How many characters of a name an error shows. */
#define SHOWN_MAX 80

struct _DrayReader
{
  char *path;     /* NULL for bytes in memory */
  int fd;         /* -1 for bytes in memory */
  GBytes *memory; /* nullable */
  GCancellable *cancellable;
  gboolean big_endian;

  guint64 size;
  guint64 limit; /* no byte at or after it is read */
  guint64 position;

  guint64 buffer_start; /* the offset of the buffer's first byte */
  gsize buffer_length;
  guint8 buffer[BUFFER_SIZE];
};

/**
 * dray_malformed:
 * @error: (out) (optional): where the error goes
 * @format: a sentence, as for printf(), that says what is wrong with the file
 *
 * Sets %DRAY_ERROR_MALFORMED_MODEL.
 *
 * Returns: %FALSE
 */
gboolean
dray_malformed (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_MALFORMED_MODEL, what);

  return FALSE;
}

/**
 * dray_dup_shown:
 * @text: what a file says, of any length and with anything in it
 *
 * Returns: (transfer full): @text as an error can show it: short, and UTF-8
 */
char *
dray_dup_shown (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  if (g_utf8_strlen (valid, -1) > SHOWN_MAX)
    {
      g_autofree char *begin = g_utf8_substring (valid, 0, SHOWN_MAX);

      return g_strconcat (begin, "…", NULL);
    }

  return g_steal_pointer (&valid);
}

static DrayReader *
reader_new (guint64 size, GCancellable *cancellable)
{
  DrayReader *reader = g_new0 (DrayReader, 1);

  reader->fd = -1;
  reader->size = size;
  reader->limit = size;
  if (cancellable != NULL)
    reader->cancellable = g_object_ref (cancellable);

  return reader;
}

static gboolean
refuse_kind (GError **error, const char *path, const char *kind)
{
  g_autofree char *shown = g_filename_display_name (path);

  g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
               "“%s” is %s; Dray reads the header of one GGUF or safetensors file", shown, kind);
  return FALSE;
}

static gboolean
check_regular (int fd, const char *path, guint64 *size, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    {
      dray_set_file_error (error, errno, "look at", path);
      return FALSE;
    }
  if (S_ISDIR (status.st_mode))
    return refuse_kind (error, path, "a folder");
  if (!S_ISREG (status.st_mode))
    return refuse_kind (error, path, "not a regular file");

  *size = (guint64) status.st_size;
  return TRUE;
}

/**
 * dray_reader_new_for_path:
 * @path: a file's path
 * @cancellable: (nullable): ends a read that is under way
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND, %DRAY_ERROR_UNSUPPORTED for what is no regular file, and those of
 * dray_error_from_errno().
 *
 * Returns: (transfer full) (nullable): a reader at the file's first byte
 */
DrayReader *
dray_reader_new_for_path (const char *path, GCancellable *cancellable, GError **error)
{
  DrayReader *reader;
  guint64 size;
  /* A FIFO without a writer would hold us for ever. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND, "There is no file “%s”", shown);
      return NULL;
    }
  if (fd < 0)
    {
      dray_set_file_error (error, errno, "open", path);
      return NULL;
    }
  if (!check_regular (fd, path, &size, error))
    {
      close (fd);
      return NULL;
    }

  reader = reader_new (size, cancellable);
  reader->fd = fd;
  reader->path = g_strdup (path);

  return reader;
}

/**
 * dray_reader_new_for_bytes:
 * @bytes: a whole file's bytes
 * @cancellable: (nullable): ends a read that is under way
 *
 * Returns: (transfer full): a reader at the first byte
 */
DrayReader *
dray_reader_new_for_bytes (GBytes *bytes, GCancellable *cancellable)
{
  DrayReader *reader = reader_new (g_bytes_get_size (bytes), cancellable);

  reader->memory = g_bytes_ref (bytes);

  return reader;
}

void
dray_reader_free (DrayReader *reader)
{
  if (reader->fd >= 0)
    close (reader->fd);
  g_clear_pointer (&reader->memory, g_bytes_unref);
  g_clear_object (&reader->cancellable);
  g_free (reader->path);
  g_free (reader);
}

/* The whole file's, in bytes. */
guint64
dray_reader_get_size (const DrayReader *reader)
{
  return reader->size;
}

guint64
dray_reader_get_position (const DrayReader *reader)
{
  return reader->position;
}

/* How many bytes may still be read or skipped. */
guint64
dray_reader_get_left (const DrayReader *reader)
{
  return reader->limit - reader->position;
}

/**
 * dray_reader_set_limit:
 * @reader: a reader
 * @limit: the offset at which reading must have ended; behind the file's end it is that
 */
void
dray_reader_set_limit (DrayReader *reader, guint64 limit)
{
  g_assert (limit >= reader->position);

  reader->limit = MIN (limit, reader->size);
}

/* From now on, numbers have their most significant byte first. */
void
dray_reader_set_big_endian (DrayReader *reader)
{
  reader->big_endian = TRUE;
}

gboolean
dray_reader_check_cancelled (DrayReader *reader, GError **error)
{
  if (!g_cancellable_is_cancelled (reader->cancellable))
    return TRUE;

  g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Reading the model was cancelled");
  return FALSE;
}

static gssize
read_some (DrayReader *reader, guint64 offset, guint8 *into, gsize n_bytes)
{
  gssize n;

  if (reader->memory != NULL)
    {
      const guint8 *data = g_bytes_get_data (reader->memory, NULL);

      memcpy (into, data + offset, n_bytes);
      return (gssize) n_bytes;
    }

  do
    n = pread (reader->fd, into, n_bytes, (off_t) offset);
  while (n < 0 && errno == EINTR);

  return n;
}

/* Fills the buffer from the position on. There is a byte to be had. */
static gboolean
fill (DrayReader *reader, GError **error)
{
  gsize wanted = (gsize) MIN (BUFFER_SIZE, reader->size - reader->position);
  gssize n;

  if (!dray_reader_check_cancelled (reader, error))
    return FALSE;

  n = read_some (reader, reader->position, reader->buffer, wanted);
  if (n < 0)
    {
      dray_set_file_error (error, errno, "read", reader->path);
      return FALSE;
    }
  if (n == 0)
    return dray_malformed (error, "The file became shorter while it was read");

  reader->buffer_start = reader->position;
  reader->buffer_length = (gsize) n;
  return TRUE;
}

/* A claim that no header makes is not called a missing end, which another download would mend. */
static gboolean
refuse_length (DrayReader *reader, guint64 n_bytes, GError **error)
{
  guint64 missing = n_bytes - dray_reader_get_left (reader);

  if (n_bytes > LENGTH_MAX)
    return dray_malformed (error,
                           "Something in the header claims to have %" G_GUINT64_FORMAT
                           " bytes, more than any header has",
                           n_bytes);
  if (reader->limit < reader->size)
    return dray_malformed (
        error, "Something in the header is %" G_GUINT64_FORMAT " bytes longer than the header",
        missing);

  return dray_malformed (
      error,
      "The file is cut short: it ends inside its header, at least %" G_GUINT64_FORMAT
      " bytes too early. Download it again",
      missing);
}

/**
 * dray_reader_peek:
 * @reader: a reader
 * @bytes: (out caller-allocates): where the bytes go
 * @n_wanted: how many are wanted, no more than 64 KiB
 * @n_bytes: (out): how many there were, which may be fewer
 * @error: return location for a #GError
 *
 * Looks at what comes next without reading it.
 *
 * Returns: whether that could be done
 */
gboolean
dray_reader_peek (
    DrayReader *reader, gpointer bytes, gsize n_wanted, gsize *n_bytes, GError **error)
{
  g_assert (n_wanted <= BUFFER_SIZE);

  *n_bytes = 0;
  if (dray_reader_get_left (reader) == 0)
    return TRUE;
  if (!fill (reader, error))
    return FALSE;

  *n_bytes = (gsize) MIN (MIN (n_wanted, dray_reader_get_left (reader)), reader->buffer_length);
  memcpy (bytes, reader->buffer, *n_bytes);
  return TRUE;
}

/**
 * dray_reader_read:
 * @reader: a reader
 * @bytes: (out caller-allocates): where the bytes go
 * @n_bytes: how many
 * @error: return location for a #GError
 *
 * Returns: whether all of them were there
 */
gboolean
dray_reader_read (DrayReader *reader, gpointer bytes, gsize n_bytes, GError **error)
{
  guint8 *into = bytes;

  if (n_bytes > dray_reader_get_left (reader))
    return refuse_length (reader, n_bytes, error);

  while (n_bytes > 0)
    {
      guint64 ahead = reader->position - reader->buffer_start;
      gsize n;

      if (reader->position < reader->buffer_start || ahead >= reader->buffer_length)
        {
          if (!fill (reader, error))
            return FALSE;
          ahead = 0;
        }

      n = MIN (n_bytes, reader->buffer_length - (gsize) ahead);
      memcpy (into, reader->buffer + ahead, n);
      into += n;
      n_bytes -= n;
      reader->position += n;
    }

  return TRUE;
}

/**
 * dray_reader_read_number:
 * @reader: a reader
 * @n_bytes: how many bytes the number has, 8 at most
 * @value: (out): the number, without a sign
 * @error: return location for a #GError
 *
 * Returns: whether it was there
 */
gboolean
dray_reader_read_number (DrayReader *reader, gsize n_bytes, guint64 *value, GError **error)
{
  guint8 bytes[sizeof *value];

  g_assert (n_bytes <= sizeof bytes);

  if (!dray_reader_read (reader, bytes, n_bytes, error))
    return FALSE;

  *value = 0;
  for (gsize i = 0; i < n_bytes; i++)
    *value |= (guint64) bytes[i] << 8 * (reader->big_endian ? n_bytes - 1 - i : i);

  return TRUE;
}

gboolean
dray_reader_read_uint32 (DrayReader *reader, guint32 *value, GError **error)
{
  guint64 number;

  if (!dray_reader_read_number (reader, sizeof *value, &number, error))
    return FALSE;

  *value = (guint32) number;
  return TRUE;
}

gboolean
dray_reader_read_uint64 (DrayReader *reader, guint64 *value, GError **error)
{
  return dray_reader_read_number (reader, sizeof *value, value, error);
}

/**
 * dray_reader_skip:
 * @reader: a reader
 * @n_bytes: how many bytes to pass over, of whatever a file claims
 * @error: return location for a #GError
 *
 * Returns: whether there were so many
 */
gboolean
dray_reader_skip (DrayReader *reader, guint64 n_bytes, GError **error)
{
  if (n_bytes > dray_reader_get_left (reader))
    return refuse_length (reader, n_bytes, error);

  reader->position += n_bytes;
  return TRUE;
}
