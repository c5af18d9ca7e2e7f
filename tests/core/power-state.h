/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a tape may leave on the drive when the power goes.
 *
 * A cut falls after any number of calls. What was synced by then is there; of what was not, each
 * write, each change of the folder's names in their order, and each commit of the catalog in theirs
 * may be there or not, one independently of the others. The main thread's.
 */

#pragma once

#include "tests/core/power-disk.h"

G_BEGIN_DECLS

typedef enum
{
  POWER_CUT,  /* the machine stopped */
  POWER_KILL, /* only the process did: everything is there, and the same kernel */
  POWER_PULL, /* the drive went and came back: the kernel and the catalog lost nothing */
} PowerEvent;

/* Which unsynced writes of a file are there. */
typedef enum
{
  POWER_LOST_ALL,
  POWER_LOST_NONE,
  POWER_LOST_SOME,
  POWER_LOST_ONE,
  POWER_LOST_FIRST,
  POWER_LOST_LAST,
  POWER_LOST_PARTS, /* pages of a write */
  POWER_N_LOSSES,
} PowerLoss;

typedef struct
{
  PowerEvent event;
  guint cut;       /* so many calls had returned */
  guint commit;    /* the last commit that is there, counted from 0, which the tape began with */
  gint64 log_size; /* with some bytes of the next one */
  guint n_names;   /* so many changes of the folder's names are there */
  PowerLoss loss;
  gboolean other_inode; /* the files have other inodes than before */
  guint32 seed;
} PowerState;

/* When a commit was written, and when it became safe. */
typedef struct
{
  guint written; /* after so many calls */
  guint safe;    /* so too; G_MAXUINT for never */
  gint64 end;    /* of the log, in bytes */
} PowerCommit;

typedef struct
{
  const PowerTape *tape;
  GArray *safe;    /* of guint: for each call, after how many calls it is safe, or G_MAXUINT */
  GArray *commits; /* of PowerCommit; number 0 is what the tape began with */
  GArray *cuts;    /* of guint: where a cut leaves something else than the cut before */
} PowerTimeline;

PowerTimeline *power_timeline_new (const PowerTape *tape);
void power_timeline_free (PowerTimeline *timeline);
void power_timeline_shuffle (PowerTimeline *timeline, GRand *random);
const PowerOp *power_timeline_get_op (const PowerTimeline *timeline, guint i);
gboolean power_op_is_of_name (const PowerOp *op);

void
power_timeline_choose (const PowerTimeline *timeline, guint cut, GRand *random, PowerState *state);
void power_timeline_restore_catalog (const PowerTimeline *timeline,
                                     guint cut,
                                     gint64 log_size,
                                     const char *catalog_path);
void power_timeline_restore (const PowerTimeline *timeline,
                             const PowerState *state,
                             const char *catalog_path,
                             const char *folder);
char *power_state_describe (const PowerState *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PowerTimeline, power_timeline_free)

G_END_DECLS
