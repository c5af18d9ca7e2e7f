/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/download-key.h"

static void
test_normalise (void)
{
  static const struct
  {
    const char *url;
    const char *normalised;
  } cases[] = {
    { "https://example.com/a.gguf", "https://example.com/a.gguf" },
    { "HTTPS://Example.COM/A.gguf", "https://example.com/A.gguf" },
    { "https://example.com:443/a", "https://example.com/a" },
    { "http://example.com:80/a", "http://example.com/a" },
    { "http://example.com:443/a", "http://example.com:443/a" },
    { "https://example.com", "https://example.com/" },
    { "https://example.com/a#part", "https://example.com/a" },
    { "https://example.com/a?b=1&c=2", "https://example.com/a?b=1&c=2" },
    { "https://example.com/a?X-Amz-Signature=1&X-Amz-Date=2", "https://example.com/a" },
    { "https://example.com/a?v=3&x-goog-signature=1", "https://example.com/a?v=3" },
    { "https://example.com/a?Expires=1&Signature=2&Key-Pair-Id=3", "https://example.com/a" },
    { "https://example.com/a?sig=1&se=2&sv=3&name=x", "https://example.com/a?name=x" },
    { "https://example.com/a?se=2&sv=3", "https://example.com/a?se=2&sv=3" },
    { "https://[::1]:8080/a", "https://[::1]:8080/a" },
    { "not a url", NULL },
    { "file:///a", NULL },
    { "https:///a", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *normalised = dray_url_normalise (cases[i].url);
      g_autofree char *again = normalised != NULL ? dray_url_normalise (normalised) : NULL;

      g_test_message ("%s", cases[i].url);
      g_assert_cmpstr (normalised, ==, cases[i].normalised);
      g_assert_cmpstr (again, ==, normalised);
    }
}

static void
test_same_origin (void)
{
  static const struct
  {
    const char *a;
    const char *b;
    gboolean same;
  } cases[] = {
    { "https://example.com/a", "https://example.com/b", TRUE },
    { "https://example.com/a", "https://EXAMPLE.com:443/b", TRUE },
    { "https://example.com/a", "http://example.com/a", FALSE },
    { "https://example.com/a", "https://example.com:8443/a", FALSE },
    { "https://example.com/a", "https://www.example.com/a", FALSE },
    { "https://example.com/a", "https://example.com.evil.org/a", FALSE },
    { "https://example.com/a", "https://example.com@evil.org/a", FALSE },
    { "https://example.com/a", "nonsense", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s, %s", cases[i].a, cases[i].b);
      g_assert_cmpint (dray_url_same_origin (cases[i].a, cases[i].b), ==, cases[i].same);
      g_assert_cmpint (dray_url_same_origin (cases[i].b, cases[i].a), ==, cases[i].same);
    }
}

static void
test_redact (void)
{
  g_autofree char *shown = dray_url_redact ("https://me:secret@example.com/a?token=secret#secret");

  g_assert_cmpstr (shown, ==, "https://example.com/a");
}

static void
test_key (void)
{
  g_autofree char *by_digest = dray_download_key_new ("https://example.com/a", "abcd");
  g_autofree char *by_url = dray_download_key_new ("https://EXAMPLE.com/a#b", NULL);

  g_assert_cmpstr (by_digest, ==, "sha256:abcd");
  g_assert_cmpstr (by_url, ==, "url:https://example.com/a");
  g_assert_null (dray_download_key_new ("nonsense", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/download-key/normalise", test_normalise);
  g_test_add_func ("/download-key/same-origin", test_same_origin);
  g_test_add_func ("/download-key/redact", test_redact);
  g_test_add_func ("/download-key/key", test_key);

  return g_test_run ();
}
