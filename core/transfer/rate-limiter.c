/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/rate-limiter.h"

#include "core/base/lock.h"

/* How far behind its schedule a limiter may be and still catch up, in microseconds. What a stall
 * costs beyond that is lost, or the bytes after it would come in one burst. */
#define CATCH_UP (G_USEC_PER_SEC / 5)

/* How many reads a second those below a limiter are cut into at least, all together: so much less
 * than a second's bytes is ahead of the schedule. */
#define PORTIONS 20

#define PORTION_MIN 256

struct _DrayRateLimiter
{
  gint ref_count;          /* atomic */
  DrayRateLimiter *parent; /* NULL for the uppermost */

  DrayLock lock; /* guards what follows */
  gint64 rate;   /* bytes per second; DRAY_RATE_UNLIMITED */
  double due;    /* the monotonic time at which all booked bytes are paid for, in microseconds;
                  0 before the first */
  guint n_below; /* limiters below, at any depth: those who may read at the same time */
};

/* Tells a limiter and all above it that there are @n more below. */
static void
count (DrayRateLimiter *limiter, gint n)
{
  for (; limiter != NULL; limiter = limiter->parent)
    {
      dray_lock_acquire (&limiter->lock);
      limiter->n_below = (guint) ((gint) limiter->n_below + n);
      dray_lock_release (&limiter->lock);
    }
}

/* How many bytes are read at once under a limit; the caller holds the lock. */
static gsize
get_portion (const DrayRateLimiter *limiter, gsize most)
{
  gint64 readers = MAX (1, limiter->n_below);

  if (limiter->rate == DRAY_RATE_UNLIMITED)
    return most;

  return (gsize) CLAMP (limiter->rate / PORTIONS / readers, MIN (PORTION_MIN, (gint64) most),
                        (gint64) most);
}

/**
 * dray_rate_limiter_new:
 * @rate: bytes per second, or %DRAY_RATE_UNLIMITED
 * @parent: (nullable): a limiter that holds for this one, too
 *
 * Each of those who read at the same time needs one of its own: the more there are, the less each
 * reads at once.
 *
 * Returns: (transfer full): a limiter
 */
DrayRateLimiter *
dray_rate_limiter_new (gint64 rate, DrayRateLimiter *parent)
{
  DrayRateLimiter *limiter = g_new0 (DrayRateLimiter, 1);

  limiter->ref_count = 1;
  limiter->parent = parent != NULL ? dray_rate_limiter_ref (parent) : NULL;
  limiter->rate = rate;
  dray_lock_init (&limiter->lock);
  count (parent, 1);
  return limiter;
}

DrayRateLimiter *
dray_rate_limiter_ref (DrayRateLimiter *limiter)
{
  g_atomic_int_inc (&limiter->ref_count);
  return limiter;
}

void
dray_rate_limiter_unref (DrayRateLimiter *limiter)
{
  if (!g_atomic_int_dec_and_test (&limiter->ref_count))
    return;

  count (limiter->parent, -1);
  g_clear_pointer (&limiter->parent, dray_rate_limiter_unref);
  dray_lock_clear (&limiter->lock);
  g_free (limiter);
}

/**
 * dray_rate_limiter_set_rate:
 * @limiter: a limiter
 * @now: the monotonic time in microseconds
 * @rate: bytes per second, or %DRAY_RATE_UNLIMITED
 *
 * Changes the rate. What has been read and is not yet paid for is paid for at the better of the two
 * rates; those who wait must ask anew how long (dray_rate_limiter_get_wait()).
 */
void
dray_rate_limiter_set_rate (DrayRateLimiter *limiter, gint64 now, gint64 rate)
{
  dray_lock_acquire (&limiter->lock);
  if (rate == DRAY_RATE_UNLIMITED || limiter->due < (double) now)
    limiter->due = (double) now;
  else if (rate > limiter->rate)
    limiter->due = (double) now
                   + (limiter->due - (double) now) * (double) limiter->rate / (double) rate;
  limiter->rate = rate;
  dray_lock_release (&limiter->lock);
}

/**
 * dray_rate_limiter_get_portion:
 * @limiter: a limiter
 * @most: how many bytes the caller could read
 *
 * Returns: how many it should read at once, so that a slow limit still flows evenly
 */
gsize
dray_rate_limiter_get_portion (DrayRateLimiter *limiter, gsize most)
{
  for (; limiter != NULL; limiter = limiter->parent)
    {
      dray_lock_acquire (&limiter->lock);
      most = get_portion (limiter, most);
      dray_lock_release (&limiter->lock);
    }

  return most;
}

/* Books at one limiter; returns how long to wait. Of a read that began before the limit was lowered
 * no more counts than a read may take now: those bytes were on their way. */
static gint64
book (DrayRateLimiter *limiter, gint64 now, gsize n_bytes)
{
  double wait = 0;

  dray_lock_acquire (&limiter->lock);
  if (limiter->rate != DRAY_RATE_UNLIMITED)
    {
      n_bytes = get_portion (limiter, n_bytes);
      if (limiter->due == 0)
        limiter->due = (double) now;
      limiter->due = MAX (limiter->due, (double) (now - CATCH_UP))
                     + (double) n_bytes * G_USEC_PER_SEC / (double) limiter->rate;
      wait = limiter->due - (double) now;
    }
  dray_lock_release (&limiter->lock);

  return MAX (0, (gint64) wait);
}

/**
 * dray_rate_limiter_book:
 * @limiter: a limiter
 * @now: the monotonic time in microseconds
 * @n_bytes: how many bytes were read
 *
 * Returns: how long to wait before the next read, in microseconds; 0 for not at all
 */
gint64
dray_rate_limiter_book (DrayRateLimiter *limiter, gint64 now, gsize n_bytes)
{
  gint64 longest = 0;

  for (; limiter != NULL; limiter = limiter->parent)
    {
      gint64 wait = book (limiter, now, n_bytes);

      longest = MAX (longest, wait);
    }

  return longest;
}

/**
 * dray_rate_limiter_get_wait:
 * @limiter: a limiter
 * @now: the monotonic time in microseconds
 *
 * Returns: how long it takes until all that is booked is paid for, in microseconds
 */
gint64
dray_rate_limiter_get_wait (DrayRateLimiter *limiter, gint64 now)
{
  double due = 0;

  for (; limiter != NULL; limiter = limiter->parent)
    {
      dray_lock_acquire (&limiter->lock);
      due = MAX (due, limiter->due);
      dray_lock_release (&limiter->lock);
    }

  return MAX (0, (gint64) (due - (double) now));
}
