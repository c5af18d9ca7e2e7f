/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Where a transfer learns the address of its bytes.
 *
 * Links expire: a transfer asks once when it starts, keeps what redirects lead to, and asks again
 * when the server refuses that. The transfer calls it in the main thread.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * DrayLocation:
 * @url: where to send a GET
 * @token: (nullable): a bearer token for the origin of @url
 */
typedef struct
{
  char *url;
  char *token;
} DrayLocation;

DrayLocation *dray_location_new (const char *url, const char *token);
void dray_location_free (DrayLocation *location);

#define DRAY_TYPE_RESOLVER (dray_resolver_get_type ())
G_DECLARE_INTERFACE (DrayResolver, dray_resolver, DRAY, RESOLVER, GObject)

/**
 * DrayResolverInterface:
 * @resolve_async: finds the present address of the asset
 * @resolve_finish: (transfer full): the address, or %NULL with an error of %DRAY_ERROR
 */
struct _DrayResolverInterface
{
  GTypeInterface parent_iface;

  void (*resolve_async) (DrayResolver *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
  DrayLocation *(*resolve_finish) (DrayResolver *self, GAsyncResult *result, GError **error);
};

void dray_resolver_resolve_async (DrayResolver *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
DrayLocation *dray_resolver_resolve_finish (DrayResolver *self,
                                            GAsyncResult *result,
                                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayLocation, dray_location_free)

G_END_DECLS
