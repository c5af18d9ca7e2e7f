/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/session-pool.h"

#include "core/http/session.h"

/* As many as one transfer's connections: the next transfer of a set finds all of them open. */
#define IDLE_MAX 16

struct _DraySessionPool
{
  GPtrArray *idle; /* of SoupSession, the one that was used last at the end */
  guint silence;   /* in seconds */
};

static void
clear_pool (gpointer data)
{
  g_ptr_array_unref (((DraySessionPool *) data)->idle);
}

/**
 * dray_session_pool_new:
 *
 * Returns: (transfer full): a pool that has lent nothing yet
 */
DraySessionPool *
dray_session_pool_new (void)
{
  DraySessionPool *self = g_rc_box_new0 (DraySessionPool);

  self->idle = g_ptr_array_new_with_free_func (g_object_unref);
  self->silence = DRAY_HTTP_SILENCE;
  return self;
}

DraySessionPool *
dray_session_pool_ref (DraySessionPool *pool)
{
  return g_rc_box_acquire (pool);
}

void
dray_session_pool_unref (DraySessionPool *pool)
{
  g_rc_box_release_full (pool, clear_pool);
}

/**
 * dray_session_pool_set_silence:
 * @pool: a pool that has lent nothing yet
 * @seconds: how long a socket may be silent, instead of %DRAY_HTTP_SILENCE
 */
void
dray_session_pool_set_silence (DraySessionPool *pool, guint seconds)
{
  pool->silence = seconds;
}

/**
 * dray_session_pool_take:
 * @pool: a pool
 *
 * Returns: (transfer full): a session for one thread, the one that was given back last if any is
 *   idle
 */
SoupSession *
dray_session_pool_take (DraySessionPool *pool)
{
  return pool->idle->len > 0 ? g_ptr_array_steal_index (pool->idle, pool->idle->len - 1)
                             : dray_http_session_new (pool->silence);
}

/**
 * dray_session_pool_give_back:
 * @pool: a pool
 * @session: (transfer full): a session that no thread uses any more
 */
void
dray_session_pool_give_back (DraySessionPool *pool, SoupSession *session)
{
  g_ptr_array_add (pool->idle, session);
  if (pool->idle->len > IDLE_MAX)
    g_ptr_array_remove_index (pool->idle, 0);
}
