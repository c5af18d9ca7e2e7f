/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/validator.h"

#define MAY "Fri, 01 May 2026 10:00:00 GMT"
#define JUNE "Mon, 01 Jun 2026 10:00:00 GMT"

static void
test_if_range (void)
{
  static const struct
  {
    const char *etag;
    const char *last_modified;
    gint64 date_gap;
    const char *expected;
  } cases[] = {
    { "\"abc\"", MAY, 100, "\"abc\"" },
    { "\"\"", NULL, -1, "\"\"" },
    { "W/\"abc\"", NULL, -1, NULL },
    { "W/\"abc\"", MAY, 100, MAY },
    { "W/\"abc\"", MAY, 59, NULL },
    { NULL, MAY, 60, MAY },
    { NULL, MAY, 59, NULL },
    { NULL, MAY, 0, NULL },
    { NULL, MAY, -1, NULL },
    { NULL, NULL, 100, NULL },
    { "abc", NULL, -1, NULL },
    { "\"", NULL, -1, NULL },
    { "", NULL, -1, NULL },
    { "\"abc", NULL, -1, NULL },
    { "\"a\"c\"", NULL, -1, NULL },
    { "\"a c\"", NULL, -1, NULL },
    { "\"a\r\nX: c\"", NULL, -1, NULL },
    { "w/\"abc\"", NULL, -1, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      DrayValidator validator = { (char *)cases[i].etag, (char *)cases[i].last_modified,
                                  cases[i].date_gap };

      g_assert_cmpstr (dray_validator_get_if_range (&validator), ==, cases[i].expected);
    }
}

static void
test_compare (void)
{
  static const struct
  {
    DrayValidator ours;
    DrayValidator theirs;
    DrayValidatorMatch expected;
  } cases[] = {
    { { "\"a\"", NULL, -1 }, { "\"a\"", NULL, -1 }, DRAY_VALIDATORS_EQUAL },
    { { "\"a\"", NULL, -1 }, { "\"b\"", NULL, -1 }, DRAY_VALIDATORS_DIFFER },
    { { "\"a\"", NULL, -1 }, { "\"A\"", NULL, -1 }, DRAY_VALIDATORS_DIFFER },
    { { "\"a\"", MAY, 99 }, { "\"a\"", JUNE, 99 }, DRAY_VALIDATORS_EQUAL },
    { { "\"a\"", MAY, 99 }, { "\"b\"", MAY, 99 }, DRAY_VALIDATORS_DIFFER },
    { { "W/\"a\"", NULL, -1 }, { "W/\"a\"", NULL, -1 }, DRAY_VALIDATORS_UNPROVEN },
    { { "W/\"a\"", NULL, -1 }, { "W/\"b\"", NULL, -1 }, DRAY_VALIDATORS_DIFFER },
    { { "W/\"a\"", NULL, -1 }, { "\"a\"", NULL, -1 }, DRAY_VALIDATORS_UNPROVEN },
    { { "\"a\"", NULL, -1 }, { "W/\"a\"", NULL, -1 }, DRAY_VALIDATORS_UNPROVEN },
    { { "\"a\"", NULL, -1 }, { "W/\"b\"", NULL, -1 }, DRAY_VALIDATORS_DIFFER },
    { { "W/\"a\"", MAY, 99 }, { "W/\"a\"", MAY, 99 }, DRAY_VALIDATORS_EQUAL },
    { { "W/\"a\"", MAY, 99 }, { "W/\"a\"", JUNE, 99 }, DRAY_VALIDATORS_DIFFER },
    { { "abc", NULL, -1 }, { "abc", NULL, -1 }, DRAY_VALIDATORS_UNPROVEN },
    { { "abc", NULL, -1 }, { "abd", NULL, -1 }, DRAY_VALIDATORS_DIFFER },
    { { NULL, MAY, 99 }, { NULL, MAY, 0 }, DRAY_VALIDATORS_EQUAL },
    { { NULL, MAY, 59 }, { NULL, MAY, 99 }, DRAY_VALIDATORS_UNPROVEN },
    { { NULL, MAY, -1 }, { NULL, MAY, 99 }, DRAY_VALIDATORS_UNPROVEN },
    { { NULL, MAY, 99 }, { NULL, JUNE, 99 }, DRAY_VALIDATORS_DIFFER },
    { { NULL, MAY, 0 }, { NULL, JUNE, 0 }, DRAY_VALIDATORS_DIFFER },
    { { "\"a\"", NULL, -1 }, { NULL, MAY, 99 }, DRAY_VALIDATORS_UNPROVEN },
    { { "\"a\"", MAY, 99 }, { NULL, MAY, 99 }, DRAY_VALIDATORS_EQUAL },
    { { NULL, NULL, -1 }, { NULL, NULL, -1 }, DRAY_VALIDATORS_UNPROVEN },
    { { NULL, NULL, -1 }, { "\"a\"", MAY, 99 }, DRAY_VALIDATORS_UNPROVEN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("pair %u", i);
      g_assert_cmpint (dray_validator_compare (&cases[i].ours, &cases[i].theirs), ==,
                       cases[i].expected);
    }
}

static void
test_copy (void)
{
  const DrayValidator from = { (char *)"\"a\"", (char *)MAY, 99 };
  g_auto (DrayValidator) to = { 0 };

  dray_validator_copy (&to, &from);
  g_assert_true (to.etag != from.etag);
  g_assert_cmpstr (to.etag, ==, from.etag);
  g_assert_cmpstr (to.last_modified, ==, MAY);
  g_assert_cmpint (to.date_gap, ==, 99);

  dray_validator_copy (&to, &to);
  g_assert_cmpstr (to.etag, ==, "\"a\"");

  dray_validator_clear (&to);
  g_assert_null (to.etag);
  g_assert_null (to.last_modified);
  g_assert_cmpint (to.date_gap, ==, -1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/validator/if-range", test_if_range);
  g_test_add_func ("/validator/compare", test_compare);
  g_test_add_func ("/validator/copy", test_copy);

  return g_test_run ();
}
