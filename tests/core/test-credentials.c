/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/credentials.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

static void
test_cover (void)
{
  static const struct
  {
    const char *endpoint;
    const char *url;
    gboolean covered;
  } cases[] = {
    { NULL, "https://huggingface.co/a/b/resolve/main/c", TRUE },
    { NULL, "https://huggingface.co", TRUE },
    { NULL, "https://HuggingFace.co/a", TRUE },
    { NULL, "https://huggingface.co:443/a", TRUE },
    { NULL, "https://huggingface.co:8443/a", FALSE },
    { NULL, "http://huggingface.co/a", FALSE },
    { NULL, "https://hf.co/a", FALSE },
    { NULL, "https://cdn-lfs.huggingface.co/a", FALSE },
    { NULL, "https://huggingface.co.example/a", FALSE },
    { NULL, "https://huggingface.co@example.com/a", FALSE },
    { NULL, "https://example.com/https://huggingface.co", FALSE },
    { NULL, "//huggingface.co/a", FALSE },
    { NULL, "", FALSE },
    { "", "https://huggingface.co/a", TRUE },
    { "https://mirror.example/hub/", "https://mirror.example/hub/a", TRUE },
    { "https://mirror.example/hub/", "https://huggingface.co/a", FALSE },
    { "http://mirror.example", "http://mirror.example/a", FALSE },
    { "http://127.0.0.1:8000", "http://127.0.0.1:8000/a", TRUE },
    { "http://127.0.0.1:8000", "http://127.0.0.1:8001/a", FALSE },
    { "http://127.0.0.1:8000", "http://localhost:8000/a", FALSE },
    { "http://127.0.0.1:8000", "https://127.0.0.1:8000/a", FALSE },
    { "http://localhost:8000", "http://localhost:8000/a", TRUE },
    { "http://[::1]:8000", "http://[::1]:8000/a", TRUE },
    { "http://127.0.0.1.example:8000", "http://127.0.0.1.example:8000/a", FALSE },
    { "http://localhost.example", "http://localhost.example/a", FALSE },
    { "http://10.0.0.1", "http://10.0.0.1/a", FALSE },
    { "no address", "no address", FALSE },
    { "file:///etc", "file:///etc/passwd", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DrayCredentials) credentials
          = dray_credentials_new (cases[i].endpoint, "secret", NULL);
      g_autofree char *token = dray_credentials_dup_token (credentials, cases[i].url);

      g_test_message ("%s: %s", cases[i].endpoint, cases[i].url);
      g_assert_cmpint (dray_credentials_cover (credentials, cases[i].url), ==, cases[i].covered);
      g_assert_cmpstr (token, ==, cases[i].covered ? "secret" : NULL);
    }
}

static void
test_endpoint (void)
{
  static const struct
  {
    const char *given;
    const char *endpoint;
  } cases[] = {
    { NULL, "https://huggingface.co" },
    { "", "https://huggingface.co" },
    { "https://mirror.example", "https://mirror.example" },
    { "https://mirror.example/", "https://mirror.example" },
    { "https://mirror.example/hub//", "https://mirror.example/hub" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DrayCredentials) credentials = dray_credentials_new (cases[i].given, NULL, NULL);

      g_assert_cmpstr (dray_credentials_get_endpoint (credentials), ==, cases[i].endpoint);
    }
}

static char *
look_up (const char *token, const char *token_path)
{
  g_autoptr (DrayCredentials) credentials = dray_credentials_new (NULL, token, token_path);

  return dray_credentials_dup_token (credentials, DRAY_HUB_ENDPOINT "/a/b");
}

static void
test_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("dray-test.XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "token", NULL);
  g_autofree char *huge = g_strnfill (5000, 'x');
  const struct
  {
    const char *token;
    const char *contents;
    const char *expected;
  } cases[] = {
    { NULL, NULL, NULL },
    { NULL, "hf_abc", "hf_abc" },
    { NULL, "  hf_abc\r\n", "hf_abc" },
    { NULL, "", NULL },
    { NULL, "\n", NULL },
    { NULL, "hf_abc\nX-Evil: 1", NULL },
    { NULL, "hf abc", NULL },
    { NULL, "hf_\303\244", NULL },
    { NULL, huge, NULL },
    { "hf_own", "hf_abc", "hf_own" },
    { "hf_own\n", NULL, "hf_own" },
    { "", "hf_abc", "hf_abc" },
    { "hf_own\r\nX-Evil: 1", NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *token = NULL;

      g_test_message ("%u", i);
      g_unlink (path);
      if (cases[i].contents != NULL)
        g_assert_true (g_file_set_contents (path, cases[i].contents, -1, NULL));
      token = look_up (cases[i].token, path);
      g_assert_cmpstr (token, ==, cases[i].expected);
    }

  /* A pipe that nobody writes to, and a folder. */
  g_unlink (path);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  g_assert_null (look_up (NULL, path));
  g_assert_null (look_up (NULL, folder));
  g_unlink (path);
  g_rmdir (folder);
}

/* A person who signs in meanwhile is known from then on. */
static void
test_sign_in (void)
{
  g_autofree char *folder = g_dir_make_tmp ("dray-test.XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "token", NULL);
  g_autoptr (DrayCredentials) credentials = dray_credentials_new (NULL, NULL, path);
  g_autofree char *token = NULL;

  g_assert_null (dray_credentials_dup_token (credentials, DRAY_HUB_ENDPOINT));
  g_assert_true (g_file_set_contents (path, "hf_new\n", -1, NULL));
  token = dray_credentials_dup_token (credentials, DRAY_HUB_ENDPOINT);
  g_assert_cmpstr (token, ==, "hf_new");
  g_unlink (path);
  g_rmdir (folder);
}

/* Writes a token to a file and expects it to be found, with one more variable set. */
static void
check_environment (const char *variable, const char *value, const char *file, const char *written)
{
  g_autoptr (DrayCredentials) credentials = NULL;
  g_autofree char *token = NULL;
  g_autofree char *parent = g_path_get_dirname (file);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, written, -1, NULL));
  if (variable != NULL)
    g_assert_true (g_setenv (variable, value, TRUE));
  credentials = dray_credentials_new_from_environment ();
  token = dray_credentials_dup_token (credentials, DRAY_HUB_ENDPOINT);
  g_assert_cmpstr (token, ==, written);
  g_unlink (file);
  g_rmdir (parent);
}

/* Each variable goes before those that were set earlier. */
static void
test_environment (void)
{
  static const char *const variables[] = { "HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "HF_ENDPOINT" };
  const char *cache = g_get_user_cache_dir ();
  g_autofree char *cached = g_build_filename (cache, "huggingface", "token", NULL);
  g_autofree char *home = g_build_filename (cache, "home", NULL);
  g_autofree char *in_home = g_build_filename (home, "token", NULL);
  g_autofree char *own = g_build_filename (cache, "own", "file", NULL);
  g_autoptr (DrayCredentials) credentials = NULL;
  g_autofree char *token = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);

  check_environment (NULL, NULL, cached, "of-the-cache");
  check_environment ("HF_HOME", home, in_home, "of-the-home");
  check_environment ("HF_TOKEN_PATH", own, own, "of-the-path");

  g_setenv ("HF_TOKEN", "first", TRUE);
  g_setenv ("HF_ENDPOINT", "https://mirror.example/", TRUE);
  credentials = dray_credentials_new_from_environment ();
  g_assert_cmpstr (dray_credentials_get_endpoint (credentials), ==, "https://mirror.example");
  g_assert_null (dray_credentials_dup_token (credentials, DRAY_HUB_ENDPOINT));
  token = dray_credentials_dup_token (credentials, "https://mirror.example/a");
  g_assert_cmpstr (token, ==, "first");
  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_dir_make_tmp ("dray-test.XXXXXX", NULL);
  int status;

  /* GLib looks at it once. */
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/credentials/cover", test_cover);
  g_test_add_func ("/credentials/endpoint", test_endpoint);
  g_test_add_func ("/credentials/file", test_file);
  g_test_add_func ("/credentials/sign-in", test_sign_in);
  g_test_add_func ("/credentials/environment", test_environment);

  status = g_test_run ();
  g_rmdir (folder);
  return status;
}
