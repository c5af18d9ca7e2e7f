/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * SHA-256 whose state can be kept and taken up again.
 *
 * At each boundary of DRAY_BLOCK_SIZE bytes the 32-byte chaining state (FIPS 180-4, section 6.2.2,
 * the H of the last block) is all that the bytes before it leave behind. Saving it lets a
 * later run prove one block alone: from the state before it to the state after it.
 * A plain value; one thread uses a digest at a time.
 */

#pragma once

#include <glib.h>
#include <nettle/sha2.h>

G_BEGIN_DECLS

/* The unit of the saved states and of repair, in bytes. */
#define DRAY_BLOCK_SIZE ((gint64) 16 * 1024 * 1024)

#define DRAY_DIGEST_HEX_LENGTH (2 * SHA256_DIGEST_SIZE)

typedef struct
{
  guint8 bytes[SHA256_DIGEST_SIZE];
} DrayDigestState;

typedef struct
{
  struct sha256_ctx context;
} DrayDigest;

void dray_digest_init (DrayDigest *digest);
void dray_digest_init_from_state (DrayDigest *digest, const DrayDigestState *state, gint64 length);
void dray_digest_update (DrayDigest *digest, gconstpointer bytes, gsize n_bytes);
void dray_digest_save_state (const DrayDigest *digest, DrayDigestState *state);
char *dray_digest_finish (DrayDigest *digest);

gboolean dray_digest_state_equal (const DrayDigestState *a, const DrayDigestState *b);
char *dray_digest_to_hex (const guint8 *bytes);
char *dray_digest_normalise_hex (const char *text);

G_END_DECLS
