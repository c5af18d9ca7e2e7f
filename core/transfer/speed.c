/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/speed.h"

/* Long enough to be steady, short enough to show a stall while it is news. */
#define WINDOW ((gint64)4 * G_USEC_PER_SEC)

/* Samples that come faster than this replace the newest, so that the ring always spans WINDOW. */
#define MIN_GAP ((gint64)70 * 1000)

/* The first bytes come from buffers; a shorter time than this would exaggerate them. */
#define MIN_ELAPSED ((gint64)250 * 1000)

G_STATIC_ASSERT ((DRAY_SPEED_SAMPLES - 2) * MIN_GAP >= WINDOW);

static guint
place_of (const DraySpeed *speed, guint nth)
{
  return (speed->first + nth) % DRAY_SPEED_SAMPLES;
}

/**
 * dray_speed_reset:
 * @speed: an estimator
 *
 * Forgets all samples, for a transfer that starts or goes on after a pause.
 */
void
dray_speed_reset (DraySpeed *speed)
{
  speed->first = 0;
  speed->n_samples = 0;
}

/**
 * dray_speed_add:
 * @speed: an estimator
 * @now: the time in microseconds of the monotonic clock
 * @total_bytes: how many bytes have come in all
 *
 * Takes a sample. A total below the last one means that the transfer started over: earlier samples
 * are forgotten. A sample that is not later than the last one replaces its total.
 */
void
dray_speed_add (DraySpeed *speed, gint64 now, gint64 total_bytes)
{
  guint newest;

  if (speed->n_samples > 0 && total_bytes < speed->bytes[place_of (speed, speed->n_samples - 1)])
    dray_speed_reset (speed);

  if (speed->n_samples > 0)
    {
      newest = place_of (speed, speed->n_samples - 1);
      now = MAX (now, speed->time[newest]);
      if (now == speed->time[newest]
          || (speed->n_samples > 1
              && speed->time[newest] - speed->time[place_of (speed, speed->n_samples - 2)]
                     < MIN_GAP))
        {
          speed->time[newest] = now;
          speed->bytes[newest] = total_bytes;
          return;
        }
    }

  if (speed->n_samples == DRAY_SPEED_SAMPLES)
    speed->first = place_of (speed, 1);
  else
    speed->n_samples++;

  newest = place_of (speed, speed->n_samples - 1);
  speed->time[newest] = now;
  speed->bytes[newest] = total_bytes;
}

/* The total at @time, between two samples on the line that joins them. */
static double
bytes_at (const DraySpeed *speed, gint64 time)
{
  guint after = 0;
  guint a, b;

  while (after < speed->n_samples && speed->time[place_of (speed, after)] <= time)
    after++;

  if (after == 0)
    return speed->bytes[speed->first];

  a = place_of (speed, after - 1);
  if (after == speed->n_samples)
    return speed->bytes[a];

  b = place_of (speed, after);
  return speed->bytes[a]
         + (double)(speed->bytes[b] - speed->bytes[a])
               * ((double)(time - speed->time[a]) / (double)(speed->time[b] - speed->time[a]));
}

/**
 * dray_speed_get:
 * @speed: an estimator
 * @now: the time in microseconds of the monotonic clock
 *
 * Returns: the speed over the last four seconds, in bytes per second, 0 where there is none.
 *   It falls while no sample comes.
 */
gint64
dray_speed_get (const DraySpeed *speed, gint64 now)
{
  gint64 from;
  double bytes;

  if (speed->n_samples < 2)
    return 0;

  from = MAX (now - WINDOW, speed->time[speed->first]);
  if (now <= from)
    return 0;

  bytes = speed->bytes[place_of (speed, speed->n_samples - 1)] - bytes_at (speed, from);
  bytes = bytes * G_USEC_PER_SEC / MAX (now - from, MIN_ELAPSED);

  return bytes >= (double)G_MAXINT64 ? G_MAXINT64 : (gint64)(bytes + 0.5);
}

/**
 * dray_speed_get_eta:
 * @speed: an estimator
 * @now: the time in microseconds of the monotonic clock
 * @bytes_left: how many bytes are still to come; negative where that is not known
 *
 * Returns: the seconds that are left at the present speed, rounded up; 0 if nothing is left, -1 if
 *   that cannot be told
 */
gint64
dray_speed_get_eta (const DraySpeed *speed, gint64 now, gint64 bytes_left)
{
  gint64 per_second;

  if (bytes_left == 0)
    return 0;

  per_second = dray_speed_get (speed, now);
  if (bytes_left < 0 || per_second == 0)
    return -1;

  return bytes_left / per_second + (bytes_left % per_second != 0);
}
