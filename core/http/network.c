/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/network.h"

struct _DrayNetwork
{
  GNetworkMonitor *monitor; /* NULL until the first question */
  gulong changed_id;
  gboolean available;
  DrayNetworkFunc back;
  gpointer user_data;
};

static void
changed_cb (DrayNetwork *self, gboolean available)
{
  gboolean back = available && !self->available;

  self->available = available;
  if (back)
    self->back (self->user_data);
}

/**
 * dray_network_new:
 * @back: called when the network is back
 * @user_data: for @back
 *
 * Returns: (transfer full): what is known of the network
 */
DrayNetwork *
dray_network_new (DrayNetworkFunc back, gpointer user_data)
{
  DrayNetwork *self = g_new0 (DrayNetwork, 1);

  self->back = back;
  self->user_data = user_data;
  return self;
}

static void
drop_monitor (DrayNetwork *self)
{
  if (self->monitor != NULL)
    g_clear_signal_handler (&self->changed_id, self->monitor);
  g_clear_object (&self->monitor);
}

void
dray_network_free (DrayNetwork *network)
{
  drop_monitor (network);
  g_free (network);
}

/**
 * dray_network_set_monitor:
 * @network: what is known of the network
 * @monitor: whom to ask
 *
 * For tests; else it is the system's.
 */
void
dray_network_set_monitor (DrayNetwork *network, GNetworkMonitor *monitor)
{
  drop_monitor (network);
  network->monitor = g_object_ref (monitor);
  network->available = g_network_monitor_get_network_available (monitor);
  network->changed_id = g_signal_connect_swapped (monitor, "network-changed",
                                                  G_CALLBACK (changed_cb), network);
}

/* The address that stands in @host; NULL if that is a name. */
static GInetAddress *
find_address (const char *host)
{
  if (g_ascii_strcasecmp (host, "localhost") == 0)
    return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);

  return g_inet_address_new_from_string (host);
}

/* Whether a network that leads nowhere else leads to an address. */
static gboolean
can_reach (GNetworkMonitor *monitor, GInetAddress *address)
{
  g_autoptr (GSocketAddress) target = NULL;

  if (g_inet_address_get_is_loopback (address))
    return TRUE;

  target = g_inet_socket_address_new (address, 0);
  return g_network_monitor_can_reach (monitor, G_SOCKET_CONNECTABLE (target), NULL, NULL);
}

/**
 * dray_network_is_gone:
 * @network: what is known of the network
 * @url: (nullable): where a connection has just failed
 *
 * The computer itself is always there, and so is a neighbour whom a network without a way out
 * reaches: that a connection to one of those fails has another cause.
 *
 * Returns: whether there is no network that leads to @url
 */
gboolean
dray_network_is_gone (DrayNetwork *network, const char *url)
{
  g_autoptr (GUri) uri = url != NULL ? g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL) : NULL;
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  g_autoptr (GInetAddress) address = host != NULL ? find_address (host) : NULL;

  if (network->monitor == NULL)
    dray_network_set_monitor (network, g_network_monitor_get_default ());
  if (network->available)
    return FALSE;

  return address == NULL || !can_reach (network->monitor, address);
}
