/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/redirect.h"

static void
test_follow (void)
{
  static const struct
  {
    const char *from;
    const char *location;
    guint hops;
    const char *to;
    DrayError error;
  } cases[] = {
    { "https://a.example/x/y", "z", 0, "https://a.example/x/z", 0 },
    { "https://a.example/x/y", "/z?q=1", 0, "https://a.example/z?q=1", 0 },
    { "https://a.example/x", "//b.example/z", 0, "https://b.example/z", 0 },
    { "https://a.example/x", "https://b.example/z", 0, "https://b.example/z", 0 },
    { "http://a.example/x", "https://a.example/x", 0, "https://a.example/x", 0 },
    { "http://a.example/x", "http://b.example/x", 0, "http://b.example/x", 0 },
    { "https://a.example/x", "http://a.example/x", 0, NULL, DRAY_ERROR_TLS },
    { "https://a.example/x", "HTTP://a.example/x", 0, NULL, DRAY_ERROR_TLS },
    { "https://a.example/x", NULL, 0, NULL, DRAY_ERROR_NOT_FOUND },
    { "https://a.example/x", "ftp://a.example/x", 0, NULL, DRAY_ERROR_NOT_FOUND },
    { "https://a.example/x", "file:///etc/passwd", 0, NULL, DRAY_ERROR_NOT_FOUND },
    { "https://a.example/x", "data:text/plain,x", 0, NULL, DRAY_ERROR_NOT_FOUND },
    { "https://a.example/x", "https://", 0, NULL, DRAY_ERROR_NOT_FOUND },
    { "https://a.example/x", "https://b.example;/y", 0, NULL, DRAY_ERROR_NOT_FOUND },
    { "https://a.example/x", "y", DRAY_REDIRECTS_MAX - 1, "https://a.example/y", 0 },
    { "https://a.example/x", "y", DRAY_REDIRECTS_MAX, NULL, DRAY_ERROR_NOT_FOUND },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *to
          = dray_redirect_follow (cases[i].from, cases[i].location, cases[i].hops, &error);

      g_test_message ("%s → %s", cases[i].from, cases[i].location);
      g_assert_cmpstr (to, ==, cases[i].to);
      if (cases[i].to == NULL)
        g_assert_error (error, DRAY_ERROR, (gint) cases[i].error);
      else
        g_assert_no_error (error);
    }
}

static void
test_status (void)
{
  for (guint status = 100; status < 600; status++)
    g_assert_cmpint (dray_redirect_is_status (status), ==,
                     status == 301 || status == 302 || status == 303 || status == 307
                         || status == 308);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/redirect/follow", test_follow);
  g_test_add_func ("/redirect/status", test_status);

  return g_test_run ();
}
