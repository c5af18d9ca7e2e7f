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
  gint64 rate;   /* bytes per second; DRAY_RATE_UNLIMITED */
  DrayLock lock; /* guards what follows */
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
 * dray_rate_limiter_get_portion:
 * @limiter: a limiter
 * @most: how many bytes the caller could read
 *
 * Returns: how many it should read at once, so that a slow limit still flows evenly
 */
gsize
dray_rate_limiter_get_portion (DrayRateLimiter *limiter, gsize most)
{
  if (limiter->rate == DRAY_RATE_UNLIMITED)
    return most;

  return (gsize) CLAMP (limiter->rate / PORTIONS, MIN (PORTION_MIN, (gint64) most), (gint64) most);
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
  double wait;

  if (limiter->rate == DRAY_RATE_UNLIMITED)
    return 0;

  dray_lock_acquire (&limiter->lock);
  if (limiter->due == 0)
    limiter->due = (double) now;
  limiter->due = MAX (limiter->due, (double) (now - CATCH_UP))
                 + (double) n_bytes * G_USEC_PER_SEC / (double) limiter->rate;
  wait = limiter->due - (double) now;
  dray_lock_release (&limiter->lock);

  return MAX (0, (gint64) wait);
}
