/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/inspect-fixture.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
append_number (GByteArray *bytes, guint64 number, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    {
      guint8 byte = (guint8) (number >> 8 * i);

      g_byte_array_append (bytes, &byte, 1);
    }
}

static void
append_zeros (GByteArray *bytes, gsize n)
{
  gsize length = bytes->len;

  g_byte_array_set_size (bytes, (guint) (length + n));
  memset (bytes->data + length, 0, n);
}

/* Puts bytes together, little-endian, as @format says of what follows: B, I and Q are numbers of 1, 4
 * and 8 bytes, R is a text, S a text after its length, Z a number of zeros, A zeros up to a multiple. */
GByteArray *
test_bytes (const char *format, ...)
{
  GByteArray *bytes = g_byte_array_new ();
  va_list args;

  va_start (args, format);
  for (const char *p = format; *p != '\0'; p++)
    {
      const char *text;

      switch (*p)
        {
        case 'B':
          append_number (bytes, va_arg (args, guint), 1);
          break;
        case 'I':
          append_number (bytes, va_arg (args, guint), 4);
          break;
        case 'Q':
          append_number (bytes, va_arg (args, guint64), 8);
          break;
        case 'R':
        case 'S':
          text = va_arg (args, const char *);
          if (*p == 'S')
            append_number (bytes, strlen (text), 8);
          g_byte_array_append (bytes, (const guint8 *) text, (guint) strlen (text));
          break;
        case 'Z':
          append_zeros (bytes, va_arg (args, guint64));
          break;
        case 'A':
          {
            guint64 alignment = va_arg (args, guint64);

            append_zeros (bytes, (alignment - bytes->len % alignment) % alignment);
          }
          break;
        default:
          g_assert_cmpint (*p, ==, ' ');
        }
    }
  va_end (args);

  return bytes;
}

GByteArray *
test_safetensors (const char *json, gsize data_size)
{
  return test_bytes ("SZ", json, Q (data_size));
}

/* Takes @bytes; the copy is exactly as long, so that a sanitizer sees a read past the end. */
DrayModelFacts *
test_inspect (GByteArray *bytes, const char *name)
{
  g_autoptr (GBytes) file = g_byte_array_free_to_bytes (bytes);
  g_autoptr (GBytes) exact = g_bytes_new (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
  g_autoptr (GError) error = NULL;
  DrayModelFacts *facts = dray_inspect_bytes (exact, name, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (facts);
  g_assert_cmpint (facts->size, ==, (gint64) g_bytes_get_size (exact));

  return facts;
}

/* Takes @bytes, which must be refused with an error whose sentence has @says in it. */
void
test_refused (GByteArray *bytes, const char *name, DrayError code, const char *says)
{
  g_autoptr (GBytes) file = g_byte_array_free_to_bytes (bytes);
  g_autoptr (GBytes) exact = g_bytes_new (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
  g_autoptr (GError) error = NULL;

  g_assert_null (dray_inspect_bytes (exact, name, NULL, &error));
  g_test_message ("“%s” is expected, “%s” is said", says, error->message);
  g_assert_error (error, DRAY_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, says));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

/* Writes @bytes, which it takes, to a new file that ends with zeros up to @size. */
char *
test_write_file (const char *name, GByteArray *bytes, gint64 size)
{
  g_autofree char *folder = g_dir_make_tmp ("dray-inspect-XXXXXX", NULL);
  char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GBytes) content = g_byte_array_free_to_bytes (bytes);
  gsize length = g_bytes_get_size (content);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, g_bytes_get_data (content, NULL), length), ==, (gssize) length);
  g_assert_cmpint (ftruncate (fd, MAX (size, (gint64) length)), ==, 0);
  close (fd);

  return path;
}
