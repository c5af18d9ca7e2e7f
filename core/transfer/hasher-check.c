/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The check of the blocks that an earlier run has hashed: each alone, from the state before it to
 * the state after it, in no order that matters. Its threads give way to whatever else wants the
 * processor, so that the bytes that come in are not the slower for it.
 */

#include "core/transfer/hasher-private.h"

#include "core/base/error.h"

#include <sys/resource.h>

#define CHECKERS_MAX 4

/* How much less than others a checker counts for the scheduler (nice(2)). */
#define CHECKER_NICENESS 10

typedef struct
{
  DrayHasher *hasher;
  DrayWorker *worker;
} Checker;

static DrayBlockCheck *
check_at (DrayHasher *self, guint block) DRAY_REQUIRES (self->lock)
{
  return &g_array_index (self->checks, DrayBlockCheck, block);
}

static gboolean
is_on_disk (DrayHasher *self, guint block) DRAY_REQUIRES (self->lock)
{
  gint64 start = block * DRAY_BLOCK_SIZE;

  return dray_piece_map_get_run_end (self->map, start) >= start + DRAY_BLOCK_SIZE;
}

static gboolean
find_block (DrayHasher *self, guint *block) DRAY_REQUIRES (self->lock)
{
  for (guint i = self->first_unproven; i < self->checks->len; i++)
    {
      if (check_at (self, i)->status != DRAY_BLOCK_UNPROVEN || !is_on_disk (self, i))
        continue;
      *block = i;
      return TRUE;
    }

  return FALSE;
}

/* Waits for a block that is on the disk; %FALSE if there is none left to check, or the hasher is to
 * stop. */
static gboolean
take_block (DrayHasher *self, guint *block)
{
  gboolean found = FALSE;

  dray_lock_acquire (&self->lock);
  while (!self->stopping && self->n_proven < self->checks->len
         && !(found = find_block (self, block)))
    dray_condition_wait (&self->wake_check, &self->lock);
  found = found && !self->stopping;
  if (found)
    check_at (self, *block)->status = DRAY_BLOCK_IN_CHECK;
  dray_lock_release (&self->lock);

  return found;
}

static gboolean
is_stopping (DrayHasher *self)
{
  gboolean stopping;

  dray_lock_acquire (&self->lock);
  stopping = self->stopping;
  dray_lock_release (&self->lock);

  return stopping;
}

/* Hashes one block; %FALSE with an error, or without one if the hasher is to stop. */
static gboolean
hash_block (DrayHasher *self, guint block, guint8 *buffer, DrayDigestState *state, GError **error)
{
  gint64 start = block * DRAY_BLOCK_SIZE;
  DrayDigest digest;

  dray_lock_acquire (&self->lock);
  dray_hasher_begin_at (self, &digest, block);
  dray_lock_release (&self->lock);

  for (gint64 done = 0; done < DRAY_BLOCK_SIZE; done += (gint64) DRAY_HASHER_BUFFER_SIZE)
    {
      if (is_stopping (self)
          || !dray_hasher_read (self, &digest, buffer, start + done, DRAY_HASHER_BUFFER_SIZE,
                                error))
        return FALSE;
    }

  dray_digest_save_state (&digest, state);
  return TRUE;
}

static void
prove (DrayHasher *self, guint block) DRAY_REQUIRES (self->lock)
{
  check_at (self, block)->status = DRAY_BLOCK_PROVEN;
  self->n_proven++;
  while (self->first_unproven < self->checks->len
         && check_at (self, self->first_unproven)->status == DRAY_BLOCK_PROVEN)
    self->first_unproven++;

  if (self->n_proven == self->checks->len)
    {
      self->wakes++;
      dray_condition_broadcast (&self->wake);
      dray_condition_broadcast (&self->wake_check);
    }
}

/* A block that disagrees again after it was fetched anew is one of which the server now sends other
 * bytes than those around it. */
static gboolean
judge_block (Checker *checker, guint block, const DrayDigestState *state)
{
  DrayHasher *self = checker->hasher;
  gboolean agrees, repaired;

  dray_lock_acquire (&self->lock);
  agrees = dray_digest_state_equal (state, &g_array_index (self->states, DrayDigestState, block));
  repaired = check_at (self, block)->repaired;
  if (agrees)
    prove (self, block);
  else
    *check_at (self, block) = (DrayBlockCheck){ DRAY_BLOCK_DAMAGED, TRUE };
  dray_lock_release (&self->lock);

  if (agrees)
    return TRUE;
  if (!repaired)
    {
      dray_hasher_report_damage (self, checker->worker, block);
      return TRUE;
    }

  dray_hasher_report_failure (self, checker->worker,
                              g_error_new_literal (DRAY_ERROR, DRAY_ERROR_CHANGED,
                                                   "The server now sends other bytes than before"));
  return FALSE;
}

static void
check_blocks (gpointer data)
{
  Checker *checker = data;
  DrayHasher *self = checker->hasher;
  g_autofree guint8 *buffer = g_malloc (DRAY_HASHER_BUFFER_SIZE);
  guint block;

  /* On Linux this is of the calling thread alone. */
  setpriority (PRIO_PROCESS, 0, CHECKER_NICENESS);

  while (take_block (self, &block))
    {
      DrayDigestState state;
      GError *error = NULL;

      if (!hash_block (self, block, buffer, &state, &error))
        {
          if (error != NULL)
            dray_hasher_report_failure (self, checker->worker, error);
          return;
        }
      if (!judge_block (checker, block, &state))
        return;
    }
}

/* Starts the threads that check what an earlier run has hashed, if it has hashed anything. */
void
dray_hasher_start_checks (DrayHasher *self)
{
  guint n_checkers = MIN (MIN (g_get_num_processors (), CHECKERS_MAX), self->checks->len);

  for (guint i = 0; i < n_checkers; i++)
    {
      Checker *checker = g_new0 (Checker, 1);

      checker->hasher = self;
      checker->worker = dray_worker_new ("checker");
      g_ptr_array_add (self->checkers, checker->worker);
      dray_worker_push (checker->worker, check_blocks, g_free, checker);
    }
}
