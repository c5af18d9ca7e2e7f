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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/response/content-range", test_content_range);
  g_test_add_func ("/response/rate-limit", test_rate_limit);

  return g_test_run ();
}
