/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Who may vouch for a server's certificate, for all connections together.
 *
 * glib-networking gives every connection its own copy of the certificates of GIO's default
 * database, 4 MB each. A database that only asks that one is not copied; sharing puts it in its
 * place. Any thread may call these functions.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DRAY_TYPE_AUTHORITIES (dray_authorities_get_type ())
G_DECLARE_FINAL_TYPE (DrayAuthorities, dray_authorities, DRAY, AUTHORITIES, GTlsDatabase)

GTlsDatabase *dray_authorities_new (GTlsDatabase *database);
void dray_authorities_share (void);

G_END_DECLS
