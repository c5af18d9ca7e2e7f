/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Which token goes to which server.
 *
 * The account of a model hub has a token, which the environment holds or the hub's own program has
 * left in a file. It is for the origin of the hub's address and for no other, and it never goes over
 * a connection that others can read. Who follows redirects asks for each address anew or sends
 * nothing (session.h).
 *
 * Does not change once it is made, so any thread may use it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where the hub is if HF_ENDPOINT does not say otherwise. */
#define DRAY_HUB_ENDPOINT "https://huggingface.co"

typedef struct _DrayCredentials DrayCredentials;

DrayCredentials *dray_credentials_new (const char *endpoint,
                                       const char *token,
                                       const char *token_path);
DrayCredentials *dray_credentials_new_from_environment (void);
void dray_credentials_free (DrayCredentials *credentials);
const char *dray_credentials_get_endpoint (const DrayCredentials *credentials);
gboolean dray_credentials_cover (const DrayCredentials *credentials, const char *url);
char *dray_credentials_dup_token (const DrayCredentials *credentials, const char *url);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayCredentials, dray_credentials_free)

G_END_DECLS
