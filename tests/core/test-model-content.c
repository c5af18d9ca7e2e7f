/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/content.h"
#include "tests/server/gguf.h"

#include <string.h>

#define SIZE ((gint64) 300001)

/* A reader of GGUF that takes nothing on trust and shares nothing with the writer. */
typedef struct
{
  const guint8 *data;
  guint64 size;
  guint64 position;
} Reader;

static guint64
read_figure (Reader *reader, guint n_bytes)
{
  guint64 value = 0;

  g_assert_cmpuint (reader->size - reader->position, >=, n_bytes);
  for (guint i = 0; i < n_bytes; i++)
    value |= (guint64) reader->data[reader->position++] << (8 * i);

  return value;
}

static char *
read_string (Reader *reader)
{
  guint64 length = read_figure (reader, 8);
  char *text;

  g_assert_cmpuint (length, >, 0);
  g_assert_cmpuint (length, <=, reader->size - reader->position);
  text = g_strndup ((const char *) reader->data + reader->position, length);
  g_assert_cmpuint (strlen (text), ==, length);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  reader->position += length;

  return text;
}

static void
skip_value (Reader *reader, guint64 type)
{
  if (type == 9)
    {
      guint64 inner = read_figure (reader, 4);
      guint64 n = read_figure (reader, 8);

      g_assert_cmpuint (inner, !=, 9);
      for (guint64 i = 0; i < n; i++)
        skip_value (reader, inner);
    }
  else if (type == 8)
    g_free (read_string (reader));
  else
    {
      g_assert_true (type == 4 || type == 6);
      read_figure (reader, 4);
    }
}

static guint64
read_tensor (Reader *reader, guint64 *offset)
{
  guint64 n_dimensions = read_figure (reader, 4);
  guint64 elements = 1, row = 0, type;

  g_assert_cmpuint (n_dimensions, >=, 1);
  g_assert_cmpuint (n_dimensions, <=, 4);
  for (guint64 i = 0; i < n_dimensions; i++)
    {
      guint64 dimension = read_figure (reader, 8);

      g_assert_cmpuint (dimension, >, 0);
      row = i == 0 ? dimension : row;
      elements *= dimension;
    }
  type = read_figure (reader, 4);
  *offset = read_figure (reader, 8);
  if (type == 0)
    return elements * 4;

  g_assert_true (type == 2 || type == 8);
  g_assert_cmpuint (row % 32, ==, 0);

  return elements / 32 * (type == 2 ? 18 : 34);
}

static void
check_gguf (gint64 size)
{
  g_autoptr (DrayTestContent) content = dray_test_content_new_gguf (1, size, "A model");
  g_autofree guint8 *head = g_malloc (16384);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Reader reader = { head, 16384, 0 };
  guint64 n_tensors, n_keys, end = 0, data_start;

  dray_test_content_read (content, 0, head, 16384);
  g_assert_cmpmem (head, 4, "GGUF", 4);
  reader.position = 4;
  g_assert_cmpuint (read_figure (&reader, 4), ==, 3);
  n_tensors = read_figure (&reader, 8);
  n_keys = read_figure (&reader, 8);

  for (guint64 i = 0; i < n_keys; i++)
    {
      g_assert_true (g_hash_table_add (names, read_string (&reader)));
      skip_value (&reader, read_figure (&reader, 4));
    }
  g_assert_true (g_hash_table_contains (names, "general.architecture"));
  g_assert_true (g_hash_table_contains (names, "llama.context_length"));

  for (guint64 i = 0; i < n_tensors; i++)
    {
      guint64 offset, n_bytes;

      g_assert_true (g_hash_table_add (names, read_string (&reader)));
      n_bytes = read_tensor (&reader, &offset);
      g_assert_cmpuint (offset, ==, (end + 31) / 32 * 32);
      end = offset + n_bytes;
    }

  data_start = (reader.position + 31) / 32 * 32;
  g_assert_cmpuint (data_start + end, <=, size);
  g_assert_cmpuint (data_start + end, >, size - 4);
}

static void
test_gguf (void)
{
  for (guint i = 0; i < 200; i++)
    check_gguf (DRAY_TEST_GGUF_MIN_SIZE + (g_test_rand_int_range (0, G_MAXINT32) >> (i % 24)));
  check_gguf (DRAY_TEST_GGUF_MIN_SIZE);
  check_gguf ((gint64) 100 * 1024 * 1024 * 1024 + 3);
}

static void
test_content (void)
{
  g_autoptr (DrayTestContent) content = dray_test_content_new_gguf (3, SIZE, "A model");
  g_autoptr (DrayTestContent) other = dray_test_content_new_gguf (4, SIZE, "A model");
  g_autofree guint8 *whole = g_malloc (SIZE);
  g_autofree guint8 *part = g_malloc (SIZE);
  g_autofree char *sha256 = dray_test_content_dup_sha256 (content);
  g_autofree char *other_sha256 = dray_test_content_dup_sha256 (other);
  g_autofree char *expected = NULL;

  dray_test_content_read (content, 0, whole, SIZE);
  expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256, whole, SIZE);
  g_assert_cmpstr (sha256, ==, expected);
  g_assert_cmpstr (sha256, !=, other_sha256);

  for (guint i = 0; i < 500; i++)
    {
      gint64 start = g_test_rand_int_range (0, SIZE);
      gint64 length =
          g_test_rand_int_range (0, i % 2 ? MIN (40, SIZE - start) + 1 : SIZE - start + 1);

      dray_test_content_read (content, start, part, length);
      g_assert_cmpmem (part, length, whole + start, length);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/model-content/gguf", test_gguf);
  g_test_add_func ("/model-content/bytes", test_content);

  return g_test_run ();
}
