/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Where a redirect may lead. Pure; any thread.
 *
 * The policy is ours because the secrets are: a token goes to the origin it was meant for and to no
 * other, and a secure link never becomes an insecure one.
 */

#pragma once

#include "core/base/error.h"

G_BEGIN_DECLS

#define DRAY_REDIRECTS_MAX 20

gboolean dray_redirect_is_status (guint status);
char *dray_redirect_follow (const char *from, const char *location, guint hops, GError **error);

G_END_DECLS
