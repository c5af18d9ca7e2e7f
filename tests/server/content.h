/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a served file holds: bytes of any size that are computed when they are asked for.
 *
 * A content is immutable and reference counted, so any thread may read it at any offset. Two
 * contents made from the same figures are the same bytes on every machine.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DrayTestContent DrayTestContent;

DrayTestContent *dray_test_content_new (guint64 seed, gint64 size);
DrayTestContent *dray_test_content_new_gguf (guint64 seed, gint64 size, const char *name);
DrayTestContent *dray_test_content_new_bytes (GBytes *bytes);
DrayTestContent *dray_test_content_new_text (const char *text);
DrayTestContent *dray_test_content_new_file (const char *filename, GError **error);
DrayTestContent *dray_test_content_ref (DrayTestContent *content);
void dray_test_content_unref (DrayTestContent *content);

gint64 dray_test_content_get_size (const DrayTestContent *content);
void dray_test_content_read (const DrayTestContent *content,
                             gint64 offset,
                             gpointer buffer,
                             gsize n_bytes);
char *dray_test_content_dup_sha256 (const DrayTestContent *content);
char *dray_test_content_dup_etag (const DrayTestContent *content);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayTestContent, dray_test_content_unref)

G_END_DECLS
