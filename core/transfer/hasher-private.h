/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a hasher, shared by hasher.c (the running digest and what the main thread asks),
 * hasher-check.c (the blocks that an earlier run has hashed) and hasher-repair.c (the digest of a
 * file that is repaired). The follower is the thread of the running digest, a checker one of those
 * that check blocks.
 */

#pragma once

#include "core/base/lock.h"
#include "core/base/worker.h"
#include "core/transfer/hasher.h"

G_BEGIN_DECLS

/* What one read of the file takes at most, and so how long a thread takes to stop. */
#define DRAY_HASHER_BUFFER_SIZE ((gsize) 256 * 1024)

#define DRAY_NO_REWIND G_MAXUINT

/* How a block stands that an earlier run has hashed. */
typedef enum
{
  DRAY_BLOCK_UNPROVEN,
  DRAY_BLOCK_IN_CHECK,
  DRAY_BLOCK_DAMAGED, /* reported; waits for dray_hasher_continue() */
  DRAY_BLOCK_PROVEN,
} DrayBlockStatus;

typedef struct
{
  guint8 status;   /* a DrayBlockStatus */
  guint8 repaired; /* whether it was reported as damaged before */
} DrayBlockCheck;

struct _DrayHasher
{
  DrayWorker *worker;
  GPtrArray *checkers; /* of DrayWorker */
  DrayPieceMap *map;
  DrayPartialFile *file;
  const DrayHasherEvents *events; /* NULL while the hasher is being freed */
  gpointer user_data;
  guint n_changes_told; /* as n_changes_hashed, but told already; the main thread's */

  DrayLock lock;      /* guards what follows, down to the next blank line; taken before the map's */
  DrayCondition wake; /* for the follower */
  DrayCondition wake_check; /* for the checkers */
  gboolean stopping;        /* or one of them has failed */
  guint64 wakes;            /* counts what may concern the follower */
  gint64 position;          /* where the running digest stands; in a repair, where it will */
  gboolean has_caught_up;   /* it has not been far behind in all of this run */
  GArray *states;           /* of DrayDigestState: after each block before that */
  GArray *checks;           /* of DrayBlockCheck: of the first so many blocks */
  guint first_unproven;     /* all checks before it are proven */
  guint n_proven;
  GArray *differing; /* of guint: the blocks that came differently, in order */
  guint rewind_to;   /* the block where the digest has to begin anew; DRAY_NO_REWIND */
  guint n_rewinds;
  gint64 ahead_from;      /* once so many bytes are compared, those not compared are hashed too */
  guint n_changes;        /* how often something was replaced */
  guint n_changes_hashed; /* so many of them are in the digest that was told last */

  /* The follower alone: */
  DrayDigest digest;
  guint8 *buffer;
};

/* hasher.c */
gboolean dray_hasher_read (DrayHasher *self,
                           DrayDigest *digest,
                           guint8 *buffer,
                           gint64 position,
                           gsize n_bytes,
                           GError **error);
void
dray_hasher_begin_at (DrayHasher *self, DrayDigest *digest, guint block) DRAY_REQUIRES (self->lock);
void dray_hasher_report_digest (DrayHasher *self);
void dray_hasher_report_failure (DrayHasher *self, DrayWorker *worker, GError *error);

/* hasher-check.c */
void dray_hasher_start_checks (DrayHasher *self);
void dray_hasher_report_damage (DrayHasher *self, DrayWorker *worker, guint block);

G_END_DECLS
