/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Whom a transfer asks about its bytes, and whom it tells what a server says of them.
 *
 * Links expire: a transfer asks for the address once when it starts, keeps what redirects lead to,
 * and asks again when the server refuses that. The transfer calls it in the main thread.
 */

#pragma once

#include "core/http/validator.h"

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

/**
 * DrayServerFacts:
 * @url: where the answer came from, after redirects
 * @total: size in bytes, or %DRAY_SIZE_UNKNOWN
 * @validator: the version of the file
 * @sha256: (nullable): its digest as the server gives it, in hexadecimal
 *
 * What a server's answer says of the file.
 */
typedef struct
{
  const char *url;
  gint64 total;
  const DrayValidator *validator;
  const char *sha256;
} DrayServerFacts;

DrayLocation *dray_location_new (const char *url, const char *token);
void dray_location_free (DrayLocation *location);

#define DRAY_TYPE_RESOLVER (dray_resolver_get_type ())
G_DECLARE_INTERFACE (DrayResolver, dray_resolver, DRAY, RESOLVER, GObject)

/**
 * DrayResolverInterface:
 * @resolve_async: finds the present address of the asset
 * @resolve_finish: (transfer full): the address, or %NULL with an error of %DRAY_ERROR
 * @answered: a server has answered, and none of the body is read yet; may cancel the transfer
 * @accepts: whether the file is what is wanted if its digest is @sha256
 * @list_needs: (nullable) (transfer full) (element-type DraySpaceNeed): the room that goes to others
 *   first; that of this file is asked for from now on
 */
struct _DrayResolverInterface
{
  GTypeInterface parent_iface;

  void (*resolve_async) (DrayResolver *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
  DrayLocation *(*resolve_finish) (DrayResolver *self, GAsyncResult *result, GError **error);
  void (*answered) (DrayResolver *self, const DrayServerFacts *facts);
  gboolean (*accepts) (DrayResolver *self, const char *sha256);
  GPtrArray *(*list_needs) (DrayResolver *self);
};

void dray_resolver_resolve_async (DrayResolver *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
DrayLocation *dray_resolver_resolve_finish (DrayResolver *self,
                                            GAsyncResult *result,
                                            GError **error);
void dray_resolver_answered (DrayResolver *self, const DrayServerFacts *facts);
gboolean dray_resolver_accepts (DrayResolver *self, const char *sha256);
GPtrArray *dray_resolver_list_needs (DrayResolver *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayLocation, dray_location_free)

G_END_DECLS
