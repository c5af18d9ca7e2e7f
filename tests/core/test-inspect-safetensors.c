/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/inspect-fixture.h"

#include <string.h>

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

static void
malformed (GByteArray *bytes, const char *says)
{
  test_refused (bytes, "model.safetensors", DRAY_ERROR_MALFORMED_MODEL, says);
}

static void
test_good (void)
{
  static const struct
  {
    const char *json;
    gsize data_size;
    gint64 n_tensors;
    gint64 n_parameters;
    const char *quantisation;
  } cases[] = {
    { "{}", 0, 0, 0, NULL },
    { "{" A "}", 8, 1, 2, "F32" },
    { " \t\r\n{ " A " } \n  ", 8, 1, 2, "F32" },
    { "{\"__metadata__\":{}," A "}", 8, 1, 2, "F32" },
    { "{\"__metadata__\":{\"format\":\"pt\"}," A "}", 8, 1, 2, "F32" },
    { "{\"b\":{\"data_offsets\":[8,10],\"shape\":[1],\"dtype\":\"BF16\"}," A "}", 10, 2, 3, "F32" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1, 1, "F32" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9],\"data_offsets\":[0,0]}}", 0, 1, 0, NULL },
    { "{\"z\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]}," A "}", 8, 2, 2, "F32" },
    { "{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}", 2, 1, 4, "F4" },
    { "{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,3]}}", 3, 1, 4, "F6_E2M3" },
    { "{\"a\":{\"dtype\":\"X9\",\"shape\":[4],\"data_offsets\":[0,3]}}", 3, 1, 4, NULL },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":[{\"x\":[-1.5e+3,"
      "true,"
      "false,null,\"\\u00e9\\ud83d\\ude00\\n\"]},{},[]]}}",
      1, 1, 1, "U8" },
    { "{\"\\u0061\":{\"\\u0064type\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 1, 1,
      "U8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DrayModelFacts) facts = NULL;

      g_test_message ("%s", cases[i].json);
      facts = test_inspect (test_safetensors (cases[i].json, cases[i].data_size), "a.safetensors");
      g_assert_cmpint (facts->format, ==, DRAY_MODEL_FORMAT_SAFETENSORS);
      g_assert_cmpint (facts->version, ==, -1);
      g_assert_cmpint (facts->n_tensors, ==, cases[i].n_tensors);
      g_assert_cmpint (facts->n_parameters, ==, cases[i].n_parameters);
      g_assert_cmpstr (facts->quantisation, ==, cases[i].quantisation);
    }
}

static void
test_metadata (void)
{
  g_autoptr (DrayModelFacts) facts =
      test_inspect (test_safetensors ("{\"__metadata__\":{\"modelspec.title\":\"A \\\"model\\\"\","
                                      "\"modelspec.architecture\":\"flux-1-dev\",\"x\":\"y\"}}",
                                      0),
                    "a.safetensors");

  g_assert_cmpstr (facts->name, ==, "A \"model\"");
  g_assert_cmpstr (facts->architecture, ==, "flux-1-dev");
}

static void
test_length (void)
{
  malformed (test_bytes ("R", "1234567"), "at least 1 bytes too early");
  malformed (test_bytes ("Q", Q (0)), "no “{”");
  malformed (test_bytes ("QR", Q (3), "{}"), "at least 1 bytes too early");
  malformed (test_bytes ("QR", Q (100000000), "{}"), "at least 99999998 bytes too early");
  malformed (test_bytes ("QR", Q (100000001), "{}"), "claims to have 100000001");
  malformed (test_bytes ("QR", G_MAXUINT64, "{}"), "claims to have 18446744073709551615");
  malformed (test_bytes ("QR", Q (1), "{}"), "no “\"”");
}

static void
test_json (void)
{
  static const struct
  {
    const char *json;
    const char *says;
  } cases[] = {
    { "[]", "no “{”" },
    { "{} x", "follows its end" },
    { "{}{}", "follows its end" },
    { "{" A, "no “,”" },
    { "{" A ",}", "no “\"”" },
    { "{" A " " A "}", "no “,”" },
    { "{\"a\" 1}", "no “:”" },
    { "{\"a", "ends in the middle" },
    { "{\"a\\", "ends in the middle" },
    { "{'a':1}", "no “\"”" },
    { "{\"a\nb\":1}", "control character" },
    { "{\"\\x\":1}", "backslash" },
    { "{\"\\u12g4\":1}", "four digits" },
    { "{\"\\ud83d\":1}", "half a character" },
    { "{\"\\ud83d\\u0041\":1}", "half a character" },
    { "{\"\\ude00\":1}", "half a character" },
    { "{\"\\u0000\":1}", "has a zero" },
    { "{\"\xff\":1}", "not UTF-8" },
    { "{\"\xc3\":1}", "not UTF-8" },
    { "{\"\xed\xa0\x80\":1}", "not UTF-8" },
    { "{\"\xf4\x90\x80\x80\":1}", "not UTF-8" },
    { "{\"a\":1}", "no “{”" },
    { "{\"a\":{\"x\":}}", "no value" },
    { "{\"a\":{\"x\":01}}", "no value" },
    { "{\"a\":{\"x\":1.}}", "no value" },
    { "{\"a\":{\"x\":1e}}", "no value" },
    { "{\"a\":{\"x\":-}}", "no value" },
    { "{\"a\":{\"x\":NaN}}", "no value" },
    { "{\"a\":{\"x\":True}}", "no value" },
    { "{\"a\":{\"x\":[1,]}}", "no value" },
    { "{\"a\":{\"x\":/**/1}}", "no value" },
    { "{\"a\":{\"x\":\"\xff\"}}", "not UTF-8" },
    { "{\"a\":{\"x\":11111111111111111111111111111111111111111111111111111111111111111}}",
      "too long" },
    { "{\"a\":{\"x\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}}", "too deep" },
  };
  g_autofree char *long_name = g_strnfill (65536, 'x');
  g_autofree char *long_json = g_strdup_printf ("{\"%s\":{}}", long_name);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    malformed (test_safetensors (cases[i].json, 8), cases[i].says);
  malformed (test_safetensors (long_json, 0), "more than 65535 bytes");
}

static void
test_tensors (void)
{
  static const struct
  {
    const char *json;
    gsize data_size;
    const char *says;
  } cases[] = {
    { "{" A "," A "}", 8, "Two tensors have the name “a”" },
    { "{" A ",\"\\u0061\":{}}", 8, "Two tensors have the name “a”" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "Two tensors have the name" },
    { "{\"__metadata__\":null}", 0, "no “{”" },
    { "{\"__metadata__\":{\"a\":1}}", 0, "no “\"”" },
    { "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "same name" },
    { "{\"a\":{}}", 0, "lacks its type" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "lacks its type" },
    { "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
      "twice" },
    { "{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "no “\"”" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "no “[”" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "no whole number" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "no whole number" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[02],\"data_offsets\":[0,8]}}", 8, "no whole number" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,8]}}", 8,
      "no whole number" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775808],\"data_offsets\":[0,8]}}", 8,
      "larger than can be counted" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8,
      "larger than can be counted" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387906],\"data_offsets\":[0,8]}}", 8,
      "is not what" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
      "1,1,"
      "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"
      "\"data_offsets\":[0,4]}}",
      4, "more than 64 dimensions" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "no “,”" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}", 8, "no “]”" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "no file reaches" },
    { "{\"a\":{\"dtype\":\"X\",\"shape\":[2],\"data_offsets\":[0,18446744073709551615]}}", 8,
      "no file reaches" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,7]}}", 7, "is not what" },
    { "{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, "is not what" },
    { "{" A "}", 7, "need 1 bytes more than the 69 " },
    { "{" A "}", 9, "1 bytes after its last tensor" },
    { "{}", 1, "1 bytes after its last tensor" },
    { "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[9,11]}," A "}", 11,
      "from 8 to 9 belong to no tensor" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "from 0 to 1" },
    { "{\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[7,11]}," A "}", 11,
      "share the byte at 7" },
    { "{\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}," A "}", 8,
      "share the byte at 4" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    malformed (test_safetensors (cases[i].json, cases[i].data_size), cases[i].says);
}

/* Ranges in any order, far more than are looked at in one stride. */
static void
test_order (void)
{
  enum
  {
    N = 10000
  };
  guint order[N];

  for (guint i = 0; i < N; i++)
    order[i] = i;
  for (guint i = N - 1; i > 0; i--)
    {
      guint j = (guint) g_test_rand_int_range (0, (gint32) i + 1), kept = order[i];

      order[i] = order[j];
      order[j] = kept;
    }

  for (guint broken = 0; broken < 2; broken++)
    {
      g_autoptr (GString) json = g_string_new ("{");

      for (guint i = 0; i < N; i++)
        {
          guint moved = broken && order[i] == N / 3 ? 1 : 0;

          g_string_append_printf (
              json, "%s\"%u\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[%u,%u]}",
              i == 0 ? "" : ",", i, 2 * order[i] + moved, 2 * order[i] + 2 + moved);
        }
      g_string_append_c (json, '}');
      if (broken)
        malformed (test_safetensors (json->str, 2 * N), "belong to no tensor");
      else
        dray_model_facts_free (test_inspect (test_safetensors (json->str, 2 * N), "a.safetensors"));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/inspect-safetensors/good", test_good);
  g_test_add_func ("/inspect-safetensors/metadata", test_metadata);
  g_test_add_func ("/inspect-safetensors/length", test_length);
  g_test_add_func ("/inspect-safetensors/json", test_json);
  g_test_add_func ("/inspect-safetensors/tensors", test_tensors);
  g_test_add_func ("/inspect-safetensors/order", test_order);

  return g_test_run ();
}
