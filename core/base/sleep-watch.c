/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/sleep-watch.h"

#include <time.h>

/* What a sleep lasts at least, in microseconds: the two clocks are not read at the same instant. */
#define SLEEP_MIN ((gint64) 2 * G_USEC_PER_SEC)

static gint64
read_clock (clockid_t clock)
{
  struct timespec time;

  if (clock_gettime (clock, &time) != 0)
    return 0;

  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/**
 * dray_sleep_watch_look:
 * @watch: a watch
 *
 * To be called now and then; the first call begins.
 *
 * Returns: whether the machine has slept since the last call
 */
gboolean
dray_sleep_watch_look (DraySleepWatch *watch)
{
  gint64 ahead = read_clock (CLOCK_BOOTTIME) - read_clock (CLOCK_MONOTONIC);
  gboolean slept = watch->begun && ahead - watch->ahead >= SLEEP_MIN;

  watch->ahead = ahead;
  watch->begun = TRUE;
  return slept;
}
