/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/digest.h"

#include <string.h>

/**
 * dray_digest_init:
 * @digest: a digest
 *
 * Starts the digest of a file at its first byte.
 */
void
dray_digest_init (DrayDigest *digest)
{
  sha256_init (&digest->context);
}

/**
 * dray_digest_init_from_state:
 * @digest: a digest
 * @state: the state after the first @length bytes
 * @length: how many bytes lie behind, a multiple of 64
 *
 * Takes a digest up where dray_digest_save_state() left it.
 */
void
dray_digest_init_from_state (DrayDigest *digest, const DrayDigestState *state, gint64 length)
{
  g_assert (length >= 0 && length % SHA256_BLOCK_SIZE == 0);

  sha256_init (&digest->context);
  for (guint i = 0; i < G_N_ELEMENTS (digest->context.state); i++)
    {
      guint32 word;

      memcpy (&word, state->bytes + 4 * i, sizeof word);
      digest->context.state[i] = GUINT32_FROM_BE (word);
    }
  digest->context.count = length / SHA256_BLOCK_SIZE;
}

/**
 * dray_digest_update:
 * @digest: a digest
 * @bytes: the next bytes of the file
 * @n_bytes: how many
 */
void
dray_digest_update (DrayDigest *digest, gconstpointer bytes, gsize n_bytes)
{
  sha256_update (&digest->context, n_bytes, bytes);
}

/**
 * dray_digest_save_state:
 * @digest: a digest that has taken a multiple of 64 bytes
 * @state: (out caller-allocates): where the state goes
 */
void
dray_digest_save_state (const DrayDigest *digest, DrayDigestState *state)
{
  g_assert (digest->context.index == 0);

  for (guint i = 0; i < G_N_ELEMENTS (digest->context.state); i++)
    {
      guint32 word = GUINT32_TO_BE (digest->context.state[i]);

      memcpy (state->bytes + 4 * i, &word, sizeof word);
    }
}

/**
 * dray_digest_to_hex:
 * @bytes: the 32 bytes of a SHA-256
 *
 * Returns: (transfer full): 64 lower-case hexadecimal digits
 */
char *
dray_digest_to_hex (const guint8 *bytes)
{
  GString *hex = g_string_sized_new (DRAY_DIGEST_HEX_LENGTH);

  for (guint i = 0; i < SHA256_DIGEST_SIZE; i++)
    g_string_append_printf (hex, "%02x", bytes[i]);

  return g_string_free (hex, FALSE);
}

/**
 * dray_digest_finish:
 * @digest: a digest
 *
 * Returns: (transfer full): the digest in 64 lower-case hexadecimal digits. @digest begins anew.
 */
char *
dray_digest_finish (DrayDigest *digest)
{
  guint8 bytes[SHA256_DIGEST_SIZE];

  sha256_digest (&digest->context, sizeof bytes, bytes);
  return dray_digest_to_hex (bytes);
}

gboolean
dray_digest_state_equal (const DrayDigestState *a, const DrayDigestState *b)
{
  return memcmp (a, b, sizeof *a) == 0;
}

/**
 * dray_digest_normalise_hex:
 * @text: what a person or a server gave as a SHA-256
 *
 * Returns: (transfer full) (nullable): @text in lower case, or %NULL if it is not 64 hexadecimal
 *   digits
 */
char *
dray_digest_normalise_hex (const char *text)
{
  if (strlen (text) != DRAY_DIGEST_HEX_LENGTH)
    return NULL;

  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isxdigit (*p))
      return NULL;

  return g_ascii_strdown (text, -1);
}
