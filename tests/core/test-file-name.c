/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/library/file-name.h"

#include <string.h>

static void
test_clean (void)
{
  static const struct
  {
    const char *name;
    const char *expected;
  } cases[] = {
    { "model.gguf", "model.gguf" },
    { "Modèle 7B (q4).gguf", "Modèle 7B (q4).gguf" },
    { "../../etc/passwd", "passwd" },
    { "/etc/passwd", "passwd" },
    { "C:\\Windows\\system32\\evil.dll", "evil.dll" },
    { "a/b\\c.gguf", "c.gguf" },
    { "folder/", "folder" },
    { "C:evil", "C_evil" },
    { "a<b>c:d\"e|f?g*h", "a_b_c_d_e_f_g_h" },
    { "a\001b\tc\nd\177e\302\205f", "abcdef" },
    { "evil\342\200\256fugg.exe", "evilfugg.exe" },
    { "\342\200\216a\342\200\217b\330\234c\342\200\252d\342\201\246e\342\201\251f", "abcdef" },
    { "\357\273\277model\342\200\250.gguf", "model.gguf" },
    { ".hidden", "hidden" },
    { "...a", "a" },
    { ". .a", "a" },
    { "a. . .", "a" },
    { "  a  ", "a" },
    { "", "download" },
    { ".", "download" },
    { "..", "download" },
    { "/", "download" },
    { "\\\\", "download" },
    { "../..", "download" },
    { "\342\200\256", "download" },
    { "CON", "_CON" },
    { "con.gguf", "_con.gguf" },
    { "nul .tar.gz", "_nul .tar.gz" },
    { "Com1", "_Com1" },
    { "lpt\302\271.txt", "_lpt\302\271.txt" },
    { "CONOUT$", "_CONOUT$" },
    { "console.gguf", "console.gguf" },
    { "com10", "com10" },
    { "com", "com" },
    { "aux/", "_aux" },
    { "a\377b.gguf", "a\357\277\275b.gguf" },
    { "\303", "\357\277\275" },
    { "model.gguf.part", "model.gguf.part_" },
    { "model.PART", "model.PART_" },
    { "model.part ", "model.part_" },
    { ".part", "part" },
    { "%2e%2e%2fa", "%2e%2e%2fa" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = dray_file_name_clean (cases[i].name);

      g_assert_cmpstr (name, ==, cases[i].expected);
    }
}

static char *
long_name (const char *unit, guint n, const char *end)
{
  GString *name = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append (name, unit);
  g_string_append (name, end);

  return g_string_free (name, FALSE);
}

static void
test_long (void)
{
  static const struct
  {
    const char *unit;
    guint n;
    const char *end;
    const char *kept;
    gsize length;
  } cases[] = {
    { "a", 195, ".gguf", ".gguf", 200 },
    { "a", 196, ".gguf", ".gguf", 200 },
    { "a", 5000, ".gguf", ".gguf", 200 },
    { "é", 5000, ".gguf", "é.gguf", 199 },
    { "é", 5000, "x.gguf", "é.gguf", 199 },
    { "𝄞", 5000, "", "𝄞", 200 },
    { "a", 5000, ".safetensors", "a.safetensors", 200 },
    { "a", 5000, ".fifteen-letters", "a.fifteen-letters", 200 },
    { "a", 5000, ".sixteen--letters", "aaaa", 200 },
    { "a", 5000, "-00002-of-00003.gguf", "a-00002-of-00003.gguf", 200 },
    { "a", 195, ".part.longer-than-extensions", "a.par_", 200 },
    { "a .", 5000, ".longer-than-an-extension-is", "a", 199 },
    { "a", 5000, ".part", "a.par_", 200 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *given = long_name (cases[i].unit, cases[i].n, cases[i].end);
      g_autofree char *name = dray_file_name_clean (given);

      g_test_message ("long name %u", i);
      g_assert_cmpuint (strlen (name), <=, DRAY_FILE_NAME_MAX);
      g_assert_true (g_utf8_validate (name, -1, NULL));
      if (cases[i].length > 0)
        {
          g_assert_cmpuint (strlen (name), ==, cases[i].length);
          g_assert_true (g_str_has_suffix (name, cases[i].kept));
        }
    }
}

static void
assert_safe (const char *name)
{
  g_autofree char *again = dray_file_name_clean (name);

  g_assert_cmpstr (again, ==, name);
  g_assert_cmpuint (strlen (name), >, 0);
  g_assert_cmpuint (strlen (name), <=, DRAY_FILE_NAME_MAX);
  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_null (strpbrk (name, "/\\<>:\"|?*\n\r\t\177"));
  g_assert_true (name[0] != '.' && name[0] != ' ');
  g_assert_null (strchr (". ", name[strlen (name) - 1]));
  g_assert_false (g_str_has_suffix (name, ".part"));
}

static void
test_random (void)
{
  static const char *const bits[] = { "a",     "con",   ".",
                                      "..",    "/",     "\\",
                                      " ",     ".part", "\342\200\256",
                                      "\377",  "é",     "𝄞",
                                      "\303",  "*",     "-00001-of-00002",
                                      ".gguf", "nul",   "long-part-of-a-name" };

  for (guint i = 0; i < 20000; i++)
    {
      GString *given = g_string_new (NULL);
      gint32 n_bits = g_test_rand_int_range (0, g_test_rand_bit () ? 6 : 100);
      g_autofree char *name = NULL;

      for (gint32 j = 0; j < n_bits; j++)
        g_string_append (given, bits[g_test_rand_int_range (0, G_N_ELEMENTS (bits))]);
      name = dray_file_name_clean (given->str);
      assert_safe (name);
      g_string_free (given, TRUE);
    }
}

static void
test_from_url (void)
{
  static const struct
  {
    const char *url;
    const char *expected;
  } cases[] = {
    { "https://example.org/a/model.gguf", "model.gguf" },
    { "https://example.org/a/model.gguf?download=true#x", "model.gguf" },
    { "https://example.org/a/my%20model.gguf", "my model.gguf" },
    { "https://example.org/a%2F..%2Fmodel.gguf", "model.gguf" },
    { "https://example.org/%2e%2e", "download" },
    { "https://example.org/a%00b", "a%00b" },
    { "https://example.org/a%zzb", "a%zzb" },
    { "https://example.org/a%ffb", "a\357\277\275b" },
    { "https://example.org/dir/", "dir" },
    { "https://example.org/", "download" },
    { "https://example.org", "download" },
    { "not a url", "download" },
    { "", "download" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = dray_file_name_from_url (cases[i].url);

      g_assert_cmpstr (name, ==, cases[i].expected);
    }
}

static void
test_from_disposition (void)
{
  static const struct
  {
    const char *header;
    const char *expected;
  } cases[] = {
    { "attachment; filename=model.gguf", "model.gguf" },
    { "attachment; filename=\"my model.gguf\"", "my model.gguf" },
    { "inline; filename=\"a.gguf\"", "a.gguf" },
    { "attachment; filename=\"../../evil\"", "evil" },
    { "attachment; filename=\"..\\\\..\\\\evil\"", "evil" },
    { "attachment; filename=\"/etc/passwd\"", "passwd" },
    { "attachment; filename=\"quo\\\"te.gguf\"", "quo_te.gguf" },
    { "attachment; filename=\"old.gguf\"; filename*=UTF-8''n%C3%A9w.gguf", "néw.gguf" },
    { "attachment; filename*=UTF-8''%2e%2e%2fevil", "evil" },
    { "attachment; filename*=UTF-8''a%E2%80%AEb", "ab" },
    { "attachment; filename=\"..\"", NULL },
    { "attachment; filename=\"\"", NULL },
    { "attachment", NULL },
    { "", NULL },
    { "attachment; name=a", NULL },
    { "attachment; filename=\"nul\"", "_nul" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = dray_file_name_from_disposition (cases[i].header);

      g_test_message ("header: %s", cases[i].header);
      g_assert_cmpstr (name, ==, cases[i].expected);
    }
}

static void
test_numbered (void)
{
  static const struct
  {
    const char *name;
    const char *expected;
  } cases[] = {
    { "model.gguf", "model (2).gguf" },
    { "model", "model (2)" },
    { "x-00001-of-00003.gguf", "x (2)-00001-of-00003.gguf" },
    { "x-00001-of-0003.gguf", "x-00001-of-0003 (2).gguf" },
    { "v1.5 of a model with dots", "v1.5 of a model with dots (2)" },
    { "a.b.safetensors", "a.b (2).safetensors" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = dray_file_name_numbered (cases[i].name, 2);

      g_assert_cmpstr (name, ==, cases[i].expected);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/file-name/clean", test_clean);
  g_test_add_func ("/file-name/long", test_long);
  g_test_add_func ("/file-name/random", test_random);
  g_test_add_func ("/file-name/from-url", test_from_url);
  g_test_add_func ("/file-name/from-disposition", test_from_disposition);
  g_test_add_func ("/file-name/numbered", test_numbered);

  return g_test_run ();
}
