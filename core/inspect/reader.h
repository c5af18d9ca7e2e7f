/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Reads the header of a file that may have been made to do harm.
 *
 * Everything is read through one buffer of 64 KiB, whatever lengths the file claims; nothing is
 * mapped. A read or a skip past the end, or past the reader's limit, is refused before anything
 * moves. Each filling of the buffer looks whether the work was cancelled, so that a cancel takes
 * effect within the time that 64 KiB take. Whoever inspects a file owns the reader, in one thread,
 * which it may block.
 *
 * Every function that returns a gboolean sets an error of %DRAY_ERROR before it returns FALSE:
 * %DRAY_ERROR_MALFORMED_MODEL, %DRAY_ERROR_CANCELLED, or what reading the file failed with.
 */

#pragma once

#include "core/base/error.h"

G_BEGIN_DECLS

typedef struct _DrayReader DrayReader;

DrayReader *dray_reader_new_for_path (const char *path, GCancellable *cancellable, GError **error);
DrayReader *dray_reader_new_for_bytes (GBytes *bytes, GCancellable *cancellable);
void dray_reader_free (DrayReader *reader);

guint64 dray_reader_get_size (const DrayReader *reader);
guint64 dray_reader_get_position (const DrayReader *reader);
guint64 dray_reader_get_left (const DrayReader *reader);
void dray_reader_set_limit (DrayReader *reader, guint64 limit);
void dray_reader_set_big_endian (DrayReader *reader);
gboolean dray_reader_check_cancelled (DrayReader *reader, GError **error);

gboolean dray_reader_peek (
    DrayReader *reader, gpointer bytes, gsize n_wanted, gsize *n_bytes, GError **error);
gboolean dray_reader_read (DrayReader *reader, gpointer bytes, gsize n_bytes, GError **error);
gboolean
dray_reader_read_number (DrayReader *reader, gsize n_bytes, guint64 *value, GError **error);
gboolean dray_reader_read_uint32 (DrayReader *reader, guint32 *value, GError **error);
gboolean dray_reader_read_uint64 (DrayReader *reader, guint64 *value, GError **error);
gboolean dray_reader_skip (DrayReader *reader, guint64 n_bytes, GError **error);

gboolean dray_malformed (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
char *dray_dup_shown (const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayReader, dray_reader_free)

G_END_DECLS
