/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * When the next bytes of a limited transfer may be read.
 *
 * Bytes are booked on one absolute schedule, so that what one wait oversleeps the next makes good.
 * Pure: the caller brings the monotonic time. Its own lock is all that it shares; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* No limit. */
#define DRAY_RATE_UNLIMITED 0

typedef struct _DrayRateLimiter DrayRateLimiter;

DrayRateLimiter *dray_rate_limiter_new (gint64 rate);
void dray_rate_limiter_free (DrayRateLimiter *limiter);
void dray_rate_limiter_set_rate (DrayRateLimiter *limiter, gint64 now, gint64 rate);
gsize dray_rate_limiter_get_portion (DrayRateLimiter *limiter, gsize most);
gint64 dray_rate_limiter_book (DrayRateLimiter *limiter, gint64 now, gsize n_bytes);
gint64 dray_rate_limiter_get_wait (DrayRateLimiter *limiter, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayRateLimiter, dray_rate_limiter_free)

G_END_DECLS
