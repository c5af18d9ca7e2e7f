/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The identity of an asset's bytes: `sha256:<hex>` when the digest is known, else
 * `url:<normalised URL>`. Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean dray_uri_has_host (GUri *uri);
char *dray_url_normalise (const char *url);
gboolean dray_url_same_origin (const char *a, const char *b);
char *dray_url_redact (const char *url);
char *dray_download_key_new (const char *url, const char *sha256);

G_END_DECLS
