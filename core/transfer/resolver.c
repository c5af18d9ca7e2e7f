/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/resolver.h"

G_DEFINE_INTERFACE (DrayResolver, dray_resolver, G_TYPE_OBJECT)

static void
dray_resolver_default_init (G_GNUC_UNUSED DrayResolverInterface *iface)
{
}

DrayLocation *
dray_location_new (const char *url, const char *token)
{
  DrayLocation *location = g_new0 (DrayLocation, 1);

  location->url = g_strdup (url);
  location->token = g_strdup (token);
  return location;
}

void
dray_location_free (DrayLocation *location)
{
  g_free (location->url);
  g_free (location->token);
  g_free (location);
}

/**
 * dray_resolver_resolve_async:
 * @self: a resolver
 * @cancellable: (nullable): ends it early
 * @callback: called in the main thread
 * @user_data: for @callback
 */
void
dray_resolver_resolve_async (DrayResolver *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_assert (DRAY_IS_RESOLVER (self));

  DRAY_RESOLVER_GET_IFACE (self)->resolve_async (self, cancellable, callback, user_data);
}

/**
 * dray_resolver_resolve_finish:
 * @self: a resolver
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the address
 */
DrayLocation *
dray_resolver_resolve_finish (DrayResolver *self, GAsyncResult *result, GError **error)
{
  g_assert (DRAY_IS_RESOLVER (self));

  return DRAY_RESOLVER_GET_IFACE (self)->resolve_finish (self, result, error);
}

/**
 * dray_resolver_answered:
 * @self: a resolver
 * @facts: what a server's answer says of the file
 *
 * Tells it before a byte of the body is read. It may cancel the transfer.
 */
void
dray_resolver_answered (DrayResolver *self, const DrayServerFacts *facts)
{
  g_assert (DRAY_IS_RESOLVER (self));

  DRAY_RESOLVER_GET_IFACE (self)->answered (self, facts);
}

/**
 * dray_resolver_accepts:
 * @self: a resolver
 * @sha256: the digest of all bytes, in hexadecimal
 *
 * Returns: whether that is the file that is wanted
 */
gboolean
dray_resolver_accepts (DrayResolver *self, const char *sha256)
{
  g_assert (DRAY_IS_RESOLVER (self));

  return DRAY_RESOLVER_GET_IFACE (self)->accepts (self, sha256);
}

/**
 * dray_resolver_list_needs:
 * @self: a resolver
 *
 * To be called before the drive is asked whether it has room for the file.
 *
 * Returns: (transfer full) (nullable) (element-type DraySpaceNeed): what others need who come
 *   first, wherever their files are
 */
GPtrArray *
dray_resolver_list_needs (DrayResolver *self)
{
  DrayResolverInterface *iface;

  g_assert (DRAY_IS_RESOLVER (self));

  iface = DRAY_RESOLVER_GET_IFACE (self);
  return iface->list_needs != NULL ? iface->list_needs (self) : NULL;
}
