/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/digest.h"

#include <string.h>

/* The examples of FIPS 180-2, appendix B, and the empty text. */
static void
test_vectors (void)
{
  static const struct
  {
    const char *text;
    guint times;
    const char *sha256;
  } cases[] = {
    { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *sha256 = NULL;
      DrayDigest digest;

      dray_digest_init (&digest);
      for (guint j = 0; j < cases[i].times; j++)
        dray_digest_update (&digest, cases[i].text, strlen (cases[i].text));
      sha256 = dray_digest_finish (&digest);
      g_assert_cmpstr (sha256, ==, cases[i].sha256);
    }
}

/* Kept and taken up again at any multiple of 64 bytes, it is as if it had never stopped. */
static void
test_saved_states (void)
{
  guint8 bytes[4096];

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_test_rand_int ();

  for (gsize cut = 0; cut <= sizeof bytes; cut += 64)
    {
      gsize size = (gsize) g_test_rand_int_range ((gint32) cut, sizeof bytes + 1);
      g_autofree char *expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes, size);
      g_autofree char *sha256 = NULL;
      DrayDigest first, second;
      DrayDigestState state, again;

      dray_digest_init (&first);
      dray_digest_update (&first, bytes, cut);
      dray_digest_save_state (&first, &state);
      dray_digest_init_from_state (&second, &state, (gint64) cut);
      dray_digest_save_state (&second, &again);
      g_assert_true (dray_digest_state_equal (&state, &again));
      dray_digest_update (&second, bytes + cut, size - cut);
      sha256 = dray_digest_finish (&second);
      g_assert_cmpstr (sha256, ==, expected);

      if (cut > 0)
        {
          bytes[cut - 1] ^= 1;
          dray_digest_init (&first);
          dray_digest_update (&first, bytes, cut);
          dray_digest_save_state (&first, &again);
          g_assert_false (dray_digest_state_equal (&state, &again));
          bytes[cut - 1] ^= 1;
        }
    }
}

/* What is kept is the chaining state in the order of the standard, so that it means the same on
 * every machine: after no bytes it is the initial value (FIPS 180-4, section 5.3.3). */
static void
test_byte_order (void)
{
  static const guint8 initial[] = { 0x6a, 0x09, 0xe6, 0x67, 0xbb, 0x67, 0xae, 0x85 };
  DrayDigest digest;
  DrayDigestState state;

  dray_digest_init (&digest);
  dray_digest_save_state (&digest, &state);
  g_assert_cmpmem (state.bytes, sizeof initial, initial, sizeof initial);
}

static void
test_normalise (void)
{
  g_autofree char *lower = g_strnfill (64, 'a');
  g_autofree char *upper = g_strnfill (64, 'A');
  g_autofree char *bad = g_strnfill (64, 'g');
  g_autofree char *shorter = g_strnfill (63, 'a');
  g_autofree char *longer = g_strnfill (65, 'a');
  g_autofree char *same = dray_digest_normalise_hex (lower);
  g_autofree char *lowered = dray_digest_normalise_hex (upper);

  g_assert_cmpstr (same, ==, lower);
  g_assert_cmpstr (lowered, ==, lower);
  g_assert_null (dray_digest_normalise_hex (bad));
  g_assert_null (dray_digest_normalise_hex (shorter));
  g_assert_null (dray_digest_normalise_hex (longer));
  g_assert_null (dray_digest_normalise_hex (""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/digest/vectors", test_vectors);
  g_test_add_func ("/digest/saved-states", test_saved_states);
  g_test_add_func ("/digest/byte-order", test_byte_order);
  g_test_add_func ("/digest/normalise", test_normalise);

  return g_test_run ();
}
