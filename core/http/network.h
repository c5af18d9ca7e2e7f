/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Whether this computer has a network at all.
 *
 * Only somebody whose connection has failed asks; what the system says of the network keeps nobody
 * from trying. The system is asked from the first such question on. The main thread's.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DrayNetwork DrayNetwork;
typedef void (*DrayNetworkFunc) (gpointer user_data);

DrayNetwork *dray_network_new (DrayNetworkFunc back, gpointer user_data);
void dray_network_free (DrayNetwork *network);
void dray_network_set_monitor (DrayNetwork *network, GNetworkMonitor *monitor);
gboolean dray_network_is_gone (DrayNetwork *network, const char *url);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayNetwork, dray_network_free)

G_END_DECLS
