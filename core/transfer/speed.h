/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How fast bytes come, as a person wants to read it: steady, yet falling to zero when they stop.
 *
 * Pure: the caller brings the monotonic time. One thread uses an estimator at a time.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DRAY_SPEED_SAMPLES 64

/**
 * DraySpeed:
 * @time: when each sample was taken, in microseconds of the monotonic clock
 * @bytes: the total at that time
 * @first: the oldest sample's place in the ring
 * @n_samples: how many there are
 *
 * A plain value without pointers; all zero is a valid estimator without samples.
 */
typedef struct
{
  gint64 time[DRAY_SPEED_SAMPLES];
  gint64 bytes[DRAY_SPEED_SAMPLES];
  guint first;
  guint n_samples;
} DraySpeed;

void dray_speed_reset (DraySpeed *speed);
void dray_speed_add (DraySpeed *speed, gint64 now, gint64 total_bytes);
gint64 dray_speed_get (const DraySpeed *speed, gint64 now);
gint64 dray_speed_get_eta (const DraySpeed *speed, gint64 now, gint64 bytes_left);

G_END_DECLS
