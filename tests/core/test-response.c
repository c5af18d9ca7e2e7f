/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/response.h"

static void
test_content_range (void)
{
  static const struct
  {
    const char *value;
    gint64 start, end, total;
  } good[] = {
    { "bytes 0-0/1", 0, 1, 1 },
    { "bytes 5-9/10", 5, 10, 10 },
    { "BYTES 5-9/*", 5, 10, -1 },
    { "bytes */10", -1, -1, 10 },
    { "bytes */0", -1, -1, 0 },
    { "bytes 0007-9/0010", 7, 10, 10 },
    { "bytes 0-1152921504606846975/1152921504606846976", 0, DRAY_LENGTH_MAX, DRAY_LENGTH_MAX },
  };
  static const char *const bad[] = {
    "",
    "bytes",
    "bytes ",
    "bytes=0-9/10",
    "bytes 0-9",
    "bytes 0-9/",
    "bytes -9/10",
    "bytes 0-/10",
    "bytes 9-5/10",
    "bytes 0-10/10",
    "bytes 0-9/5",
    "bytes */*",
    "bytes */",
    "bytes 0-9/10 ",
    "bytes 0-9/10,",
    " bytes 0-9/10",
    "bytes  0-9/10",
    "bytes 0 - 9/10",
    "bytes +0-9/10",
    "bytes 0x0-9/10",
    "items 0-9/10",
    "bytes 0-9/-1",
    "bytes -1-9/10",
    "0-9/10",
    "bytes 0-9/10x",
    "bytes */10-20",
    "bytes 0-9223372036854775807/*",
    "bytes 0-9/9223372036854775808",
    "bytes 0-9/1152921504606846977",
    "bytes 0-18446744073709551625/*",
    "bytes 0-99999999999999999999999999/*",
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_auto (DrayResponse) response;

      dray_response_init (&response);
      g_test_message ("%s", good[i].value);
      g_assert_true (dray_response_parse_content_range (&response, good[i].value));
      g_assert_true (response.has_content_range);
      g_assert_false (response.bad_content_range);
      g_assert_cmpint (response.range_start, ==, good[i].start);
      g_assert_cmpint (response.range_end, ==, good[i].end);
      g_assert_cmpint (response.range_total, ==, good[i].total);
    }

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_auto (DrayResponse) response;

      dray_response_init (&response);
      g_test_message ("%s", bad[i]);
      g_assert_false (dray_response_parse_content_range (&response, bad[i]));
      g_assert_false (response.has_content_range);
      g_assert_true (response.bad_content_range);
      g_assert_cmpint (response.range_start, ==, -1);
      g_assert_cmpint (response.range_end, ==, -1);
      g_assert_cmpint (response.range_total, ==, DRAY_SIZE_UNKNOWN);
    }
}

static void
test_rate_limit (void)
{
  static const struct
  {
    const char *value;
    gint64 expected;
  } cases[] = {
    { "\"resolvers\";r=0;t=87", 87 },
    { "\"resolvers\"; r=0; t=87", 87 },
    { "\"resolvers\";t=87;r=0", 87 },
    { "\"resolvers\";t=87", 87 },
    { "\"resolvers\";r=5;t=87", -1 },
    { "\"api\";r=9;t=10, \"resolvers\";r=0;t=87", 87 },
    { "\"api\";r=0;t=100,\"resolvers\";r=0;t=87", 100 },
    { "\"api\";r=0;t=10, \"resolvers\";r=3;t=87", 10 },
    { "\"a;t=5,b\";r=0;t=7", 7 },
    { "\"a\\\";t=5\";r=0", -1 },
    { "\"resolvers\";r=0;t=-5", -1 },
    { "\"resolvers\";r=0;t=", -1 },
    { "\"resolvers\";r=0;t=99999999999999999999", -1 },
    { "\"resolvers\";r=0", -1 },
    { "\"unfinished;t=5", -1 },
    { "\"unfinished\\", -1 },
    { ";", -1 },
    { "", -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].value);
      g_assert_cmpint (dray_response_parse_rate_limit (cases[i].value), ==, cases[i].expected);
    }
}

/* The digest of no bytes at all. */
#define EMPTY_64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
test_repr_digest (void)
{
  static const char *const good[] = {
    "sha-256=:" EMPTY_64 ":",
    "SHA-256=:" EMPTY_64 ":",
    "  sha-256=:" EMPTY_64 ":  ",
    "sha-512=:AAAA:, sha-256=:" EMPTY_64 ":",
    "sha-256=:" EMPTY_64 ":,sha-512=:AAAA:",
    "unixsum=30637, sha-256=:" EMPTY_64 ":",
  };
  static const char *const bad[] = {
    "",
    ",",
    ",,,",
    ":",
    "sha-256",
    "sha-256=",
    "sha-256=:",
    "sha-256=::",
    "sha-256=:::",
    "sha-256=" EMPTY_64,
    "sha-256=:" EMPTY_64,
    "sha-256=" EMPTY_64 ":",
    "sha-256=\"" EMPTY "\"",
    "sha-256=:" EMPTY ":",
    "sha-256 =:" EMPTY_64 ":",
    "sha-256=:AAAA:",
    "sha-256=:AA" EMPTY_64 ":",
    "sha-256=:" EMPTY_64 "AAAA:",
    "sha-256=:%%%%:",
    "sha-256=:\xff\xfe\xff:",
    "sha-512=:" EMPTY_64 ":",
    "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:",
    "xsha-256=:" EMPTY_64 ":",
  };
  g_autofree char *many = g_strnfill (100000, ',');

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *sha256 = dray_response_parse_repr_digest (good[i]);

      g_test_message ("%s", good[i]);
      g_assert_cmpstr (sha256, ==, EMPTY);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *escaped = g_strescape (bad[i], NULL);

      g_test_message ("%s", escaped);
      g_assert_null (dray_response_parse_repr_digest (bad[i]));
    }
  g_assert_null (dray_response_parse_repr_digest (many));
}

static void
test_linked_etag (void)
{
  static const char *const bad[] = {
    "",
    "\"",
    "\"\"",
    "\"\"\"",
    EMPTY,
    "W/\"" EMPTY "\"",
    "\"" EMPTY,
    EMPTY "\"",
    " \"" EMPTY "\"",
    "\"" EMPTY "\" ",
    "\"" EMPTY "0\"",
    "\"\"" EMPTY "\"\"",
    "\"sha256:" EMPTY "\"",
    "\"g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
    "\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"",
    "\"\xff\xfe\"",
  };
  g_autofree char *lower = dray_response_parse_linked_etag ("\"" EMPTY "\"");
  g_autofree char *upper = dray_response_parse_linked_etag (
      "\"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\"");

  g_assert_cmpstr (lower, ==, EMPTY);
  g_assert_cmpstr (upper, ==, EMPTY);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *escaped = g_strescape (bad[i], NULL);

      g_test_message ("%s", escaped);
      g_assert_null (dray_response_parse_linked_etag (bad[i]));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/response/content-range", test_content_range);
  g_test_add_func ("/response/rate-limit", test_rate_limit);
  g_test_add_func ("/response/repr-digest", test_repr_digest);
  g_test_add_func ("/response/linked-etag", test_linked_etag);

  return g_test_run ();
}
