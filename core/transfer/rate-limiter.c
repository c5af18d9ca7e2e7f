/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/rate-limiter.h"

#include "core/base/lock.h"

/* How far behind its schedule a transfer may be and still catch up, in microseconds. What a stall
 * costs beyond that is lost, or the bytes after it would come in one burst. */
#define CATCH_UP (G_USEC_PER_SEC / 4)

/* How many reads a second a limited transfer is cut into at least. */
#define PORTIONS 20

#define PORTION_MIN 1024

struct _DrayRateLimiter
{
  DrayLock lock; /* guards what follows */
  gint64 rate;   /* bytes per second; DRAY_RATE_UNLIMITED */
  double due;    /* the monotonic time at which all booked bytes are paid for, in microseconds;
                  0 before the first */
};

/**
 * dray_rate_limiter_new:
 * @rate: bytes per second, or %DRAY_RATE_UNLIMITED
 *
 * Returns: (transfer full): a limiter
 */
DrayRateLimiter *
dray_rate_limiter_new (gint64 rate)
{
  DrayRateLimiter *limiter = g_new0 (DrayRateLimiter, 1);

  limiter->rate = rate;
  dray_lock_init (&limiter->lock);
  return limiter;
}

void
dray_rate_limiter_free (DrayRateLimiter *limiter)
{
  dray_lock_clear (&limiter->lock);
  g_free (limiter);
}

/**
 * dray_rate_limiter_set_rate:
 * @limiter: a limiter
 * @now: the monotonic time in microseconds
 * @rate: bytes per second, or %DRAY_RATE_UNLIMITED
 *
 * Changes the rate. What has been read and is not yet paid for is paid for at the new one, so those
 * who wait must ask anew how long (dray_rate_limiter_get_wait()).
 */
void
dray_rate_limiter_set_rate (DrayRateLimiter *limiter, gint64 now, gint64 rate)
{
  dray_lock_acquire (&limiter->lock);
  if (rate == DRAY_RATE_UNLIMITED)
    limiter->due = 0;
  else if (limiter->due > (double) now)
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
  gint64 rate;

  dray_lock_acquire (&limiter->lock);
  rate = limiter->rate;
  dray_lock_release (&limiter->lock);

  if (rate == DRAY_RATE_UNLIMITED)
    return most;

  return (gsize) CLAMP (rate / PORTIONS, MIN (PORTION_MIN, (gint64) most), (gint64) most);
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
  double wait = 0;

  dray_lock_acquire (&limiter->lock);
  if (limiter->rate != DRAY_RATE_UNLIMITED)
    {
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
 * dray_rate_limiter_get_wait:
 * @limiter: a limiter
 * @now: the monotonic time in microseconds
 *
 * Returns: how long it takes until all that is booked is paid for, in microseconds
 */
gint64
dray_rate_limiter_get_wait (DrayRateLimiter *limiter, gint64 now)
{
  double wait;

  dray_lock_acquire (&limiter->lock);
  wait = limiter->due - (double) now;
  dray_lock_release (&limiter->lock);

  return MAX (0, (gint64) wait);
}
