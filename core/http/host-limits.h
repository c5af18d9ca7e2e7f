/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a host's refusals have taught: how many connections it takes at once, and until when it wants
 * to be asked for nothing more.
 *
 * A host is a scheme, a name and a port. All transfers that use it share what it takes: each has a
 * share, which is its part of the limit and counts its connections. A limit is forgotten slowly, one
 * connection at a time. Pure: the caller brings the monotonic time in microseconds, and never an
 * earlier one than before. The main thread's.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* More connections than are ever opened: the limit of a host that has refused none. */
#define DRAY_HOST_UNLIMITED G_MAXUINT

typedef struct _DrayHostLimits DrayHostLimits;
typedef struct _DrayHostShare DrayHostShare;

DrayHostLimits *dray_host_limits_new (void);
void dray_host_limits_free (DrayHostLimits *limits);

DrayHostShare *dray_host_share_new (DrayHostLimits *limits, const char *url);
void dray_host_share_free (DrayHostShare *share);
void dray_host_share_move (DrayHostShare *share, const char *url);
void dray_host_share_set_wanted (DrayHostShare *share, guint n_wanted);
guint dray_host_share_get_limit (DrayHostShare *share, gint64 now);
gint64 dray_host_share_get_wait (DrayHostShare *share, gint64 now);
gboolean dray_host_share_may_open (DrayHostShare *share, gint64 now);
void dray_host_share_open (DrayHostShare *share);
void dray_host_share_close (DrayHostShare *share);
void dray_host_share_refuse (DrayHostShare *share, gint64 now, gint64 server_wait);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayHostLimits, dray_host_limits_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayHostShare, dray_host_share_free)

G_END_DECLS
