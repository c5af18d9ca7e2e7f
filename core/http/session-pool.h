/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The sessions of a manager: one for each connection that is at work, and the idle ones, which keep
 * their sockets for the next.
 *
 * A session is lent to one thread at a time. libsoup would let several send over one, but then they
 * share a GNetworkAddress for each host, and GLib (2.74 to 2.84 at least) fills and drops its cache
 * of addresses without a lock: two connections that start at once end in a failed assertion of
 * g_network_address_parse_sockaddr().
 *
 * Reference-counted; the main thread's.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _DraySessionPool DraySessionPool;

DraySessionPool *dray_session_pool_new (void);
DraySessionPool *dray_session_pool_ref (DraySessionPool *pool);
void dray_session_pool_unref (DraySessionPool *pool);
void dray_session_pool_set_silence (DraySessionPool *pool, guint seconds);
SoupSession *dray_session_pool_take (DraySessionPool *pool);
void dray_session_pool_give_back (DraySessionPool *pool, SoupSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DraySessionPool, dray_session_pool_unref)

G_END_DECLS
