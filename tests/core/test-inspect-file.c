/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/name-set.h"
#include "tests/core/inspect-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How soon a cancel has to be felt, in microseconds; sanitizers and a busy machine included. */
#define SOON (G_USEC_PER_SEC / 2)

static void
remove_file (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_kinds (void)
{
  static const struct
  {
    const char *name;
    const char *content;
    DrayError code;
    const char *says;
  } cases[] = {
    { "a.gguf", "", DRAY_ERROR_MALFORMED_MODEL, "empty" },
    { "a.bin", "", DRAY_ERROR_MALFORMED_MODEL, "empty" },
    { "a.gguf", "ggml", DRAY_ERROR_MALFORMED_MODEL, "does not begin like one" },
    { "a.GGUF", "PK", DRAY_ERROR_MALFORMED_MODEL, "does not begin like one" },
    { "a.gguf", "<!DOCTYPE html><html>", DRAY_ERROR_NOT_A_MODEL, "web page" },
    { "a.gguf", "\xef\xbb\xbf \r\n<html>", DRAY_ERROR_NOT_A_MODEL, "web page" },
    { "a.safetensors", "<?xml version='1.0'?><Error>", DRAY_ERROR_NOT_A_MODEL, "web page" },
    { "a.safetensors", "<html><body>Sign in", DRAY_ERROR_NOT_A_MODEL, "web page" },
    { "a.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:00", DRAY_ERROR_NOT_A_MODEL,
      "Git LFS" },
    { "a.safetensors", "version https://git-lfs.github.com/spec/v1\n", DRAY_ERROR_NOT_A_MODEL,
      "Git LFS" },
    { "a.safetensors", "nonsense of some length", DRAY_ERROR_MALFORMED_MODEL, "claims to have" },
    { "a.bin", "PK\003\004", DRAY_ERROR_UNSUPPORTED, "neither GGUF nor safetensors" },
    { "a.onnx", "\010\007\022\007", DRAY_ERROR_UNSUPPORTED, "neither GGUF nor safetensors" },
    { "a", "< 3", DRAY_ERROR_UNSUPPORTED, "neither GGUF nor safetensors" },
  };
  g_autoptr (DrayModelFacts) unnamed = test_inspect (test_safetensors ("{}", 0), "blob");

  g_assert_cmpstr (dray_model_format_get_name (unnamed->format), ==, "safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    test_refused (test_bytes ("R", cases[i].content), cases[i].name, cases[i].code, cases[i].says);
}

static void
check_path (const char *path, DrayError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dray_inspect_file (path, NULL, &error));
  g_assert_error (error, DRAY_ERROR, (gint) code);
}

static void
test_paths (void)
{
  g_autofree char *path = test_write_file ("model.gguf", test_bytes ("RIZ", "GGUF", 3, Q (16)), 0);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *below = g_build_filename (path, "below", NULL);
  g_autofree char *fifo = g_build_filename (folder, "fifo", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayModelFacts) facts = dray_inspect_file (path, NULL, &error);
  g_autoptr (DrayModelFacts) copy = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (facts->size, ==, 24);
  copy = g_boxed_copy (DRAY_TYPE_MODEL_FACTS, facts);
  g_assert_cmpint (copy->version, ==, 3);

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  check_path (fifo, DRAY_ERROR_UNSUPPORTED);
  check_path (folder, DRAY_ERROR_UNSUPPORTED);
  check_path ("/dev/zero", DRAY_ERROR_UNSUPPORTED);
  check_path (below, DRAY_ERROR_NOT_FOUND);
  check_path ("/nonexistent/model.gguf", DRAY_ERROR_NOT_FOUND);

  g_remove (fifo);
  remove_file (path);
}

/* What is longer than the reader's buffer is the same from a file and from memory. */
static void
test_buffer (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *path = NULL;
  g_autoptr (DrayModelFacts) facts = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 30000; i++)
    g_string_append_printf (text, "%u,", i);
  path = test_write_file ("model.gguf",
                          test_bytes ("RIQQ SIS SIS SII SIQQIQ AZ", "GGUF", 3, Q (1), Q (3), "long",
                                      8, text->str, "general.architecture", 8, "llama",
                                      "llama.context_length", 4, 77, "a", 2, Q (4), Q (1), 0, Q (0),
                                      Q (32), Q (16)),
                          0);
  facts = dray_inspect_file (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (facts->context_length, ==, 77);
  g_assert_cmpint (facts->n_parameters, ==, 4);
  remove_file (path);
}

static gpointer
cancel_later (gpointer data)
{
  GCancellable *cancellable = data;

  g_usleep (20 * 1000);
  g_object_set_data (G_OBJECT (cancellable), "at",
                     GSIZE_TO_POINTER ((gsize) g_get_monotonic_time ()));
  g_cancellable_cancel (cancellable);

  return NULL;
}

/* Returns how long after the cancellation it ended, in microseconds. */
static gint64
measure_cancel (const char *path)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread = g_thread_new ("cancel", cancel_later, cancellable);
  g_autoptr (GError) error = NULL;
  gint64 ended;

  g_assert_null (dray_inspect_file (path, cancellable, &error));
  ended = g_get_monotonic_time ();
  g_thread_join (thread);
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
  ended -= (gint64) GPOINTER_TO_SIZE (g_object_get_data (G_OBJECT (cancellable), "at"));
  g_test_message ("%" G_GINT64_FORMAT " µs", ended);

  /* Before it begins, too. */
  g_clear_error (&error);
  g_assert_null (dray_inspect_file (path, cancellable, &error));
  g_assert_error (error, DRAY_ERROR, DRAY_ERROR_CANCELLED);

  return ended;
}

/* Other work on the machine can spoil a measurement, but not each. */
static void
check_cancel (const char *path)
{
  gint64 took = SOON;

  for (guint i = 0; i < 5 && took >= SOON; i++)
    took = measure_cancel (path);
  g_assert_cmpint (took, <, SOON);
}

/* A header of a GiB of empty texts, without a byte on the disk, and one of 90 MB of spaces. */
static void
test_cancel (void)
{
  g_autofree char *gguf = test_write_file (
      "a.gguf", test_bytes ("RIQQ SIIQ", "GGUF", 3, Q (0), Q (1), "a", 9, 8, Q (1) << 40),
      G_GINT64_CONSTANT (1) << 42);
  g_autoptr (GByteArray) spaces = test_bytes ("QR", Q (90000000), "{");
  g_autofree char *safetensors = NULL;
  guint length = spaces->len;

  g_byte_array_set_size (spaces, 90000000);
  memset (spaces->data + length, ' ', spaces->len - length);
  safetensors =
      test_write_file ("a.safetensors", g_byte_array_ref (spaces), G_GINT64_CONSTANT (1) << 30);

  check_cancel (gguf);
  check_cancel (safetensors);
  remove_file (gguf);
  remove_file (safetensors);
}

static void
test_names (void)
{
  g_autoptr (DrayNameSet) set = dray_name_set_new ();

  for (guint round = 0; round < 2; round++)
    for (guint i = 0; i < 20000; i++)
      {
        g_autofree char *name = g_strdup_printf ("%u", i);

        g_assert_cmpint (dray_name_set_add (set, name, strlen (name)), ==, round == 0);
      }
  g_assert_true (dray_name_set_add (set, "", 0));
  g_assert_false (dray_name_set_add (set, "1x", 1));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/inspect-file/kinds", test_kinds);
  g_test_add_func ("/inspect-file/paths", test_paths);
  g_test_add_func ("/inspect-file/buffer", test_buffer);
  g_test_add_func ("/inspect-file/cancel", test_cancel);
  g_test_add_func ("/inspect-file/names", test_names);

  return g_test_run ();
}
