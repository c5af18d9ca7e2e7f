/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/retry.h"

/* How many failures in a row end a transfer: a server that never gave a byte is given up sooner. */
#define BUDGET_AT_FIRST 6
#define BUDGET_AFTER_PROGRESS 12

#define FIRST_DELAY ((gint64)500 * 1000)
#define LONGEST_DELAY ((gint64)60 * G_USEC_PER_SEC)
#define RECONNECT_DELAY ((gint64)250 * 1000)
#define LONGEST_SERVER_WAIT ((gint64)60 * 60)

/**
 * dray_retry_init:
 * @retry: a retry policy
 *
 * Starts the policy of one transfer.
 */
void
dray_retry_init (DrayRetry *retry)
{
  retry->attempts = 0;
  retry->has_progress = FALSE;
}

/**
 * dray_retry_note_progress:
 * @retry: a retry policy
 *
 * Notes that a byte came that was new: the budget is whole again.
 */
void
dray_retry_note_progress (DrayRetry *retry)
{
  retry->attempts = 0;
  retry->has_progress = TRUE;
}

/**
 * dray_retry_renew:
 * @retry: a retry policy
 *
 * Notes that what broke the attempts so far is over: the budget is whole again.
 */
void
dray_retry_renew (DrayRetry *retry)
{
  retry->attempts = 0;
}

static gboolean
is_retried (DrayError code)
{
  switch (code)
    {
    case DRAY_ERROR_NETWORK:
    case DRAY_ERROR_STALLED:
    case DRAY_ERROR_SERVER_ERROR:
    case DRAY_ERROR_RATE_LIMITED:
    case DRAY_ERROR_TOO_SHORT:
      return TRUE;

    default:
      return FALSE;
    }
}

/* The usual cause of a connection that ends while bytes came is that connection itself; a server
 * that refuses is not asked again at once. */
static gboolean
is_broken_connection (DrayError code)
{
  return code != DRAY_ERROR_SERVER_ERROR && code != DRAY_ERROR_RATE_LIMITED;
}

static gint64
longest_backoff (const DrayRetry *retry, DrayError code)
{
  if (retry->has_progress && retry->attempts == 1 && is_broken_connection (code))
    return RECONNECT_DELAY;

  return MIN (LONGEST_DELAY, FIRST_DELAY << (retry->attempts - 1));
}

/**
 * dray_retry_next:
 * @retry: a retry policy
 * @code: why the attempt failed
 * @server_wait: seconds that the server asks to wait; -1 where it does not say
 * @jitter: a random number, at least 0 and less than 1
 * @delay: (out): where the time to wait goes, in microseconds
 *
 * Counts a failure and decides what follows. A wait of 0 is no wish: the backoff applies.
 *
 * Returns: whether to try again after @delay; if not, the failure is final and @delay is 0
 */
gboolean
dray_retry_next (DrayRetry *retry, DrayError code, gint64 server_wait, double jitter, gint64 *delay)
{
  guint budget = retry->has_progress ? BUDGET_AFTER_PROGRESS : BUDGET_AT_FIRST;

  *delay = 0;
  if (!is_retried (code))
    return FALSE;

  retry->attempts++;
  if (retry->attempts >= budget)
    return FALSE;

  if (server_wait > 0)
    {
      *delay = MIN (server_wait, LONGEST_SERVER_WAIT) * G_USEC_PER_SEC;
      *delay += (gint64)(*delay * 0.1 * jitter);
    }
  else
    *delay = (gint64)(longest_backoff (retry, code) * jitter);

  return TRUE;
}
