/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From what a server or a link calls a file to a name that is safe and readable on this disk.
 *
 * Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The longest name in bytes, which leaves room for ".part" and a number under the 255 of NAME_MAX. */
#define DRAY_FILE_NAME_MAX 200

char *dray_file_name_clean (const char *name);
char *dray_file_name_from_url (const char *url);
char *dray_file_name_from_disposition (const char *header);
void dray_file_name_strip_shard (char *stem);
char *dray_file_name_numbered (const char *name, guint number);

G_END_DECLS
