/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * When a failed attempt is tried again, and after how long.
 *
 * Exponential backoff with full jitter, the server's own wish where it gave one, and a budget that
 * progress renews. Pure: no clock, no random numbers of its own. One thread uses it at a time.
 */

#pragma once

#include "core/base/error.h"

G_BEGIN_DECLS

typedef struct
{
  guint attempts;        /* failures since the last byte that was new */
  gboolean has_progress; /* whether any byte ever came */
} DrayRetry;

void dray_retry_init (DrayRetry *retry);
void dray_retry_note_progress (DrayRetry *retry);
void dray_retry_renew (DrayRetry *retry);
gboolean dray_retry_next (DrayRetry *retry,
                          DrayError code,
                          gint64 server_wait,
                          double jitter,
                          gint64 *delay);

G_END_DECLS
