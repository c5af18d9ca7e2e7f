/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Reads JSON (RFC 8259) piece by piece, for headers that may have been made to do harm.
 *
 * A tree of a header of 100 MB would take gigabytes and could not be left in the middle; this keeps
 * nothing but what its caller asks for, and hears of a cancel through the reader. It takes nothing
 * that the RFC does not, so it sees the same as other strict parsers do. In the reader's thread.
 *
 * Every function that returns a gboolean sets an error as those of the reader do.
 */

#pragma once

#include "core/inspect/reader.h"

G_BEGIN_DECLS

/**
 * DrayJson:
 * @reader: the reader; its limit is the text's end
 * @next: the next character, if it has been looked at
 *
 * Where in a text its reader is.
 */
typedef struct
{
  DrayReader *reader;
  gboolean has_next;
  guint8 next;
} DrayJson;

gboolean dray_json_expect (DrayJson *json, char character, GError **error);
gboolean dray_json_is_next (DrayJson *json, char character, gboolean *is_next, GError **error);
gboolean
dray_json_next_item (DrayJson *json, char closing, guint64 n, gboolean *more, GError **error);
gboolean dray_json_expect_end (DrayJson *json, GError **error);
gboolean dray_json_read_text (DrayJson *json, GString *text, gsize max, GError **error);
gboolean dray_json_read_natural (DrayJson *json, guint64 *number, GError **error);
gboolean dray_json_skip_value (DrayJson *json, GError **error);

G_END_DECLS
