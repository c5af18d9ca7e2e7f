/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Which of the recorded bytes may be believed to be on the disk.
 *
 * The one place where a crash, a power cut, an unplugged drive and a meddled file are told apart.
 * Pure; any thread.
 */

#pragma once

#include "core/base/file-identity.h"
#include "core/base/piece.h"

G_BEGIN_DECLS

/**
 * DrayTrustFacts:
 * @recorded: the identity that the catalog holds
 * @found: the identity of the file as it is now
 * @fixed_drive: whether the file is on a local drive that does not come off
 * @sync_failed: whether an fdatasync of the file failed
 * @size: its size in bytes
 * @n_blocks: how many blocks, from the first on, have a saved state that will be compared
 */
typedef struct
{
  const DrayFileIdentity *recorded;
  const DrayFileIdentity *found;
  gboolean fixed_drive;
  gboolean sync_failed;
  gint64 size;
  guint n_blocks;
} DrayTrustFacts;

gboolean dray_trust_apply (const DrayTrustFacts *facts, GArray *pieces);

G_END_DECLS
