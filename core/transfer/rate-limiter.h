/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * When the next bytes of a limited transfer may be read.
 *
 * Limiters form a tree: one for everything, below it one for each transfer, below that one for each
 * connection, which reads and has no limit of its own. What is booked at one counts for all above
 * it. Bytes are booked on an absolute schedule, so that what one wait oversleeps the next makes
 * good. Pure: the caller brings the monotonic time, and waits. A lock of its own is all that each
 * shares; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* No limit. */
#define DRAY_RATE_UNLIMITED 0

typedef struct _DrayRateLimiter DrayRateLimiter;

DrayRateLimiter *dray_rate_limiter_new (gint64 rate, DrayRateLimiter *parent);
DrayRateLimiter *dray_rate_limiter_ref (DrayRateLimiter *limiter);
void dray_rate_limiter_unref (DrayRateLimiter *limiter);
void dray_rate_limiter_set_rate (DrayRateLimiter *limiter, gint64 now, gint64 rate);
gsize dray_rate_limiter_get_portion (DrayRateLimiter *limiter, gsize most);
gint64 dray_rate_limiter_book (DrayRateLimiter *limiter, gint64 now, gsize n_bytes);
gint64 dray_rate_limiter_get_wait (DrayRateLimiter *limiter, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayRateLimiter, dray_rate_limiter_unref)

G_END_DECLS
