/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/inspect-fixture.h"
#include "tests/server/content.h"
#include "tests/server/gguf.h"

#include <string.h>

#define HEAD "RIQQ"
#define HEAD_OF(n_tensors, n_keys) "GGUF", 3, Q (n_tensors), Q (n_keys)

/* A tensor's name, two dimensions, type and offset. */
#define TENSOR "SIQQIQ"
#define TENSOR_OF(name, columns, rows, type, offset)                                               \
  name, 2, Q (columns), Q (rows), type, Q (offset)

enum
{
  UINT8 = 0,
  UINT32 = 4,
  INT32 = 5,
  BOOL = 7,
  STRING = 8,
  ARRAY = 9,
  UINT64 = 10,
};

static void
malformed (GByteArray *bytes, const char *says)
{
  test_refused (bytes, "model.gguf", DRAY_ERROR_MALFORMED_MODEL, says);
}

static void
test_facts (void)
{
  g_autoptr (DrayModelFacts) facts = test_inspect (
      test_bytes (HEAD "SIS SIS SII SII SIQ SII" TENSOR TENSOR "AZ", HEAD_OF (2, 6),
                  "general.architecture", STRING, "llama", "general.name", STRING, "A model",
                  "general.file_type", UINT32, 15, "llama.context_length", UINT32, 131072,
                  "llama.block_count", UINT64, Q (16), "llama.embedding_length", INT32, 2048,
                  TENSOR_OF ("a", 256, 2, 12, 0), TENSOR_OF ("b", 3, 1, 0, 288), Q (32),
                  Q (288 + 12)),
      "model.gguf");

  g_assert_cmpint (facts->format, ==, DRAY_MODEL_FORMAT_GGUF);
  g_assert_cmpint (facts->version, ==, 3);
  g_assert_cmpstr (facts->architecture, ==, "llama");
  g_assert_cmpstr (facts->name, ==, "A model");
  g_assert_cmpstr (facts->quantisation, ==, "Q4_K_M");
  g_assert_cmpint (facts->n_parameters, ==, 515);
  g_assert_cmpint (facts->context_length, ==, 131072);
  g_assert_cmpint (facts->n_layers, ==, 16);
  g_assert_cmpint (facts->embedding_length, ==, 2048);
  g_assert_cmpint (facts->n_shards, ==, -1);
  g_assert_cmpint (facts->n_tensors, ==, 2);
  g_assert_cmpint (facts->n_unknown_tensors, ==, 0);
}

static void
test_quantisation (void)
{
  static const struct
  {
    guint file_type;
    guint tensor_type;
    const char *quantisation;
    gint64 n_unknown;
  } cases[] = {
    { 2, 0, "Q4_0", 0 },          { 1024 + 7, 0, "Q8_0", 0 }, { 999, 0, "F32", 0 },
    { G_MAXUINT32, 1, "F16", 0 }, { 999, 5, NULL, 1 },        { 999, 1023, NULL, 1 },
    { 38, 1023, "MXFP4_MOE", 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DrayModelFacts) facts =
          test_inspect (test_bytes (HEAD "SII" TENSOR "AZ", HEAD_OF (1, 1), "general.file_type",
                                    UINT32, cases[i].file_type,
                                    TENSOR_OF ("a", 4, 2, cases[i].tensor_type, 0), Q (32), Q (32)),
                        "model.gguf");

      g_assert_cmpstr (facts->quantisation, ==, cases[i].quantisation);
      g_assert_cmpint (facts->n_unknown_tensors, ==, cases[i].n_unknown);
    }
}

static void
test_version (void)
{
  g_autoptr (DrayModelFacts) big =
      test_inspect (test_bytes ("RBBBB ZZ", "GGUF", 0, 0, 0, 3, Q (8), Q (8)), "model.gguf");
  g_autoptr (DrayModelFacts) big_key =
      test_inspect (test_bytes ("RBBBB Z ZB ZBR Z B", "GGUF", 0, 0, 0, 3, Q (8), Q (7), 1, Q (7), 1,
                                "a", Q (4), 0),
                    "model.gguf");

  g_assert_cmpint (big->version, ==, 3);
  g_assert_cmpint (big_key->version, ==, 3);

  malformed (test_bytes ("R", "GGU"), "does not begin like one");
  malformed (test_bytes ("R", "GGUF"), "at least 4 bytes too early");
  malformed (test_bytes ("RI", "GGUF", 3), "at least 8 bytes too early");
  malformed (test_bytes ("RIQQ", "GGUF", 0, Q (0), Q (0)), "has no version");
  malformed (test_bytes ("RIQQ", "GGUF", 0x10003, Q (0), Q (0)), "has no version");
  test_refused (test_bytes ("RIQQ", "GGUF", 1, Q (0), Q (0)), "a", DRAY_ERROR_UNSUPPORTED,
                "version 1");
  test_refused (test_bytes ("RIQQ", "GGUF", 4, Q (0), Q (0)), "a", DRAY_ERROR_UNSUPPORTED,
                "version 4");
  malformed (test_bytes (HEAD, HEAD_OF ((1 << 18) + 1, 0)), "262145 tensors");
  malformed (test_bytes (HEAD, HEAD_OF (G_MAXUINT64, 0)), "18446744073709551615 tensors");
  malformed (test_bytes (HEAD, HEAD_OF (0, 65537)), "65537 keys");
  malformed (test_bytes (HEAD, HEAD_OF (0, 1)), "at least 8 bytes too early");
}

static void
test_keys (void)
{
  g_autofree char *long_name = g_strnfill (65536, 'x');
  g_autoptr (DrayModelFacts) longest = NULL;

  malformed (test_bytes (HEAD "SIB", HEAD_OF (0, 1), "", UINT8, 0), "name of a key has 0 bytes");
  malformed (test_bytes (HEAD "SIB", HEAD_OF (0, 1), long_name, UINT8, 0), "65536 bytes");
  malformed (test_bytes (HEAD "QR", HEAD_OF (0, 1), Q (10), "nine char"), "1 bytes too early");
  malformed (test_bytes (HEAD "QR", HEAD_OF (0, 1), G_MAXUINT64, "x"),
             "18446744073709551615 bytes");
  malformed (test_bytes (HEAD "SIB", HEAD_OF (0, 1), "\xc3\x28", UINT8, 0), "is not text");
  malformed (test_bytes (HEAD "QRBIB", HEAD_OF (0, 1), Q (2), "a", 0, UINT8, 0), "is not text");
  malformed (test_bytes (HEAD "SIBSIB", HEAD_OF (0, 2), "a", UINT8, 0, "a", UINT8, 1),
             "key name “a”");

  long_name[65535] = '\0';
  longest = test_inspect (test_bytes (HEAD "SIB", HEAD_OF (0, 1), long_name, UINT8, 0), "a");
  g_assert_cmpint (longest->n_tensors, ==, 0);
}

static void
test_values (void)
{
  g_autofree char *long_name = g_strnfill (65536, 'x');
  g_autoptr (DrayModelFacts) other_figures = NULL;

  malformed (test_bytes (HEAD "SI", HEAD_OF (0, 1), "a", 13), "type 13");
  malformed (test_bytes (HEAD "SI", HEAD_OF (0, 1), "a", G_MAXUINT32), "type 4294967295");
  malformed (test_bytes (HEAD "SIB", HEAD_OF (0, 1), "a", UINT32, 0), "3 bytes too early");
  malformed (test_bytes (HEAD "SIB", HEAD_OF (0, 1), "a", BOOL, 2), "truth value is 2");
  malformed (test_bytes (HEAD "SIQ", HEAD_OF (0, 1), "a", STRING, Q (1)), "1 bytes too early");
  malformed (test_bytes (HEAD "SIQ", HEAD_OF (0, 1), "a", STRING, G_MAXUINT64), "claims to have");
  malformed (test_bytes (HEAD "SIQ", HEAD_OF (0, 1), "a", STRING, Q (1) << 63), "claims to have");
  malformed (test_bytes (HEAD "SII", HEAD_OF (0, 1), "general.architecture", UINT32, 1),
             "architecture is not a text");
  malformed (test_bytes (HEAD "SIS", HEAD_OF (0, 1), "general.name", STRING, long_name),
             "name has 65536 bytes");
  malformed (test_bytes (HEAD "SIQ", HEAD_OF (0, 1), "general.name", STRING, G_MAXUINT64),
             "18446744073709551615 bytes");

  /* Of another type, or out of range, a figure is not known. */
  other_figures = test_inspect (
      test_bytes (HEAD "SIS SIS SII SIQ", HEAD_OF (0, 4), "general.architecture", STRING, "a\xff",
                  "a.context_length", STRING, "many", "a\xef\xbf\xbd.block_count", INT32, -1,
                  "a\xef\xbf\xbd.embedding_length", UINT64, G_MAXUINT64),
      "a");
  g_assert_cmpstr (other_figures->architecture, ==, "a\xef\xbf\xbd");
  g_assert_cmpint (other_figures->context_length, ==, -1);
  g_assert_cmpint (other_figures->n_layers, ==, -1);
  g_assert_cmpint (other_figures->embedding_length, ==, -1);
}

static void
test_arrays (void)
{
  g_autoptr (DrayModelFacts) four_deep = NULL;

  malformed (test_bytes (HEAD "SIIQ", HEAD_OF (0, 1), "a", ARRAY, 13, Q (0)), "type 13");
  malformed (test_bytes (HEAD "SIIQ", HEAD_OF (0, 1), "a", ARRAY, UINT8, Q (5)), "5 bytes");
  malformed (test_bytes (HEAD "SIIQ", HEAD_OF (0, 1), "a", ARRAY, UINT64, Q (1) << 61),
             "claims to have");
  malformed (test_bytes (HEAD "SIIQ", HEAD_OF (0, 1), "a", ARRAY, UINT64, G_MAXUINT64),
             "claims to have");
  malformed (test_bytes (HEAD "SIIQ", HEAD_OF (0, 1), "a", ARRAY, STRING, G_MAXUINT64),
             "8 bytes too early");
  malformed (
      test_bytes (HEAD "SIIQIQ", HEAD_OF (0, 1), "a", ARRAY, ARRAY, G_MAXUINT64, UINT8, Q (0)),
      "4 bytes too early");
  malformed (test_bytes (HEAD "SIIQIQIQIQIQ", HEAD_OF (0, 1), "a", ARRAY, ARRAY, Q (1), ARRAY,
                         Q (1), ARRAY, Q (1), ARRAY, Q (1), UINT8, Q (0)),
             "more than 4 deep");

  four_deep = test_inspect (test_bytes (HEAD "SIIQIQIQIQ", HEAD_OF (0, 1), "a", ARRAY, ARRAY, Q (1),
                                        ARRAY, Q (1), ARRAY, Q (1), UINT8, Q (0)),
                            "a");
  g_assert_nonnull (four_deep);
}

static void
test_alignment (void)
{
  g_autoptr (DrayModelFacts) facts =
      test_inspect (test_bytes (HEAD "SII" TENSOR "AZ", HEAD_OF (1, 1), "general.alignment", UINT32,
                                1024, TENSOR_OF ("a", 1, 1, 0, 1024), Q (1024), Q (1028)),
                    "a");

  g_assert_cmpint (facts->n_tensors, ==, 1);
  malformed (test_bytes (HEAD "SII", HEAD_OF (0, 1), "general.alignment", UINT32, 0),
             "power of two");
  malformed (test_bytes (HEAD "SII", HEAD_OF (0, 1), "general.alignment", UINT32, 33),
             "power of two");
  malformed (test_bytes (HEAD "SIQ", HEAD_OF (0, 1), "general.alignment", UINT64, Q (32)),
             "power of two");
  malformed (test_bytes (HEAD "SIS", HEAD_OF (0, 1), "general.alignment", STRING, "32"),
             "power of two");
  malformed (test_bytes (HEAD "SII" TENSOR "AZ", HEAD_OF (1, 1), "general.alignment", UINT32,
                         1U << 31, TENSOR_OF ("a", 1, 1, 0, 0), Q (32), Q (64)),
             "cut short");
}

static void
test_tensors (void)
{
  malformed (test_bytes (HEAD "SIQQQQQIQ", HEAD_OF (1, 0), "a", 5, Q (1), Q (1), Q (1), Q (1),
                         Q (1), 0, Q (0)),
             "has 5 dimensions");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("", 1, 1, 0, 0)),
             "name of a tensor has 0 bytes");
  malformed (test_bytes (HEAD TENSOR TENSOR "AZ", HEAD_OF (2, 0), TENSOR_OF ("a", 1, 1, 0, 0),
                         TENSOR_OF ("a", 1, 1, 0, 32), Q (32), Q (64)),
             "tensor name “a”");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", Q (1) << 63, 1, 0, 0)),
             "larger than can be counted");
  malformed (
      test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", Q (1) << 32, Q (1) << 32, 0, 0)),
      "larger than can be counted");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", Q (1) << 62, 1, 0, 0)),
             "larger than can be counted");
  malformed (test_bytes (HEAD TENSOR TENSOR, HEAD_OF (2, 0),
                         TENSOR_OF ("a", Q (1) << 62, 1, 500, 0),
                         TENSOR_OF ("b", Q (1) << 62, 1, 500, 32)),
             "larger than can be counted");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", 1, 1, 1024, 0)), "type 1024");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", 33, 32, 2, 0)),
             "blocks of 32");
  malformed (test_bytes (HEAD "SIIQ", HEAD_OF (1, 0), "a", 0, 2, Q (0)), "blocks of 32");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", 1, 1, 0, 4)), "multiple");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", 1, 1, 0, G_MAXUINT64 - 31)),
             "no file reaches");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", 16, 1, 0, G_MAXUINT64 - 31)),
             "no file reaches");
}

static void
test_bounds (void)
{
  /* The header has 24 + 41 bytes, so the data begin at 96. */
  malformed (
      test_bytes (HEAD TENSOR "AZ", HEAD_OF (1, 0), TENSOR_OF ("a", 8, 2, 0, 0), Q (32), Q (63)),
      "need 1 bytes more than the 159 ");
  malformed (test_bytes (HEAD TENSOR, HEAD_OF (1, 0), TENSOR_OF ("a", 8, 2, 0, 0)),
             "need 95 bytes");
  malformed (test_bytes (HEAD TENSOR "AZ", HEAD_OF (1, 0), TENSOR_OF ("a", 8, 2, 0, 1 << 20),
                         Q (32), Q (64)),
             "need 1048576 bytes");
  malformed (
      test_bytes (HEAD TENSOR "AZ", HEAD_OF (1, 0), TENSOR_OF ("a", 8, 2, 500, 64), Q (32), Q (64)),
      "need 1 bytes");
  malformed (test_bytes (HEAD TENSOR TENSOR "AZ", HEAD_OF (2, 0), TENSOR_OF ("a", 9, 1, 0, 0),
                         TENSOR_OF ("b", 1, 1, 0, 32), Q (32), Q (64)),
             "share the byte at 32");
  malformed (test_bytes (HEAD TENSOR TENSOR "AZ", HEAD_OF (2, 0), TENSOR_OF ("b", 1, 1, 0, 32),
                         TENSOR_OF ("a", 9, 1, 0, 0), Q (32), Q (64)),
             "share the byte at 32");
}

/* The first bytes of a model that the test server makes. */
static GByteArray *
served_bytes (DrayTestContent *content, gint64 n_bytes)
{
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_set_size (bytes, (guint) n_bytes);
  dray_test_content_read (content, 0, bytes->data, (gsize) n_bytes);

  return bytes;
}

static void
test_served (void)
{
  for (guint i = 0; i < 20; i++)
    {
      gint64 size = DRAY_TEST_GGUF_MIN_SIZE + g_test_rand_int_range (0, 4 << 20);
      g_autoptr (DrayTestContent) content = dray_test_content_new_gguf (i, size, "A model");
      g_autoptr (DrayModelFacts) facts = test_inspect (served_bytes (content, size), "model.gguf");

      g_assert_cmpstr (facts->architecture, ==, "llama");
      g_assert_cmpstr (facts->name, ==, "A model");
      g_assert_cmpstr (facts->quantisation, ==, "Q4_0");
      g_assert_cmpint (facts->context_length, ==, 4096);
      malformed (served_bytes (content, size - 4), "cut short");
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/inspect-gguf/facts", test_facts);
  g_test_add_func ("/inspect-gguf/quantisation", test_quantisation);
  g_test_add_func ("/inspect-gguf/version", test_version);
  g_test_add_func ("/inspect-gguf/keys", test_keys);
  g_test_add_func ("/inspect-gguf/values", test_values);
  g_test_add_func ("/inspect-gguf/arrays", test_arrays);
  g_test_add_func ("/inspect-gguf/alignment", test_alignment);
  g_test_add_func ("/inspect-gguf/tensors", test_tensors);
  g_test_add_func ("/inspect-gguf/bounds", test_bounds);
  g_test_add_func ("/inspect-gguf/served", test_served);

  return g_test_run ();
}
