/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a command tells the person or the program that called it: JSON lines, a live line per file
 * on a terminal, or plain lines. Errors go to standard error too, one line each. The main thread's.
 */

#pragma once

#include "app/row.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  DRAY_OUTPUT_PLAIN,
  DRAY_OUTPUT_JSON,
  DRAY_OUTPUT_QUIET,
} DrayOutputMode;

typedef struct _DrayOutput DrayOutput;

DrayOutput *dray_output_new (DrayOutputMode mode);
void dray_output_free (DrayOutput *output);

void dray_output_add (DrayOutput *output, DrayRow *row);
void dray_output_show_progress (DrayOutput *output);
void dray_output_show_end (DrayOutput *output, DrayRow *row);
void dray_output_show_failure (DrayOutput *output, DrayRow *row, const GError *error);

char *dray_make_harmless (const char *text);
int dray_widen_column (int width, const char *text);
void dray_print_padded (const char *text, int width);
void dray_print_error (const GError *error);
void dray_print_json (JsonBuilder *builder);
void dray_json_add_string (JsonBuilder *builder, const char *name, const char *value);
void dray_json_add_size (JsonBuilder *builder, const char *name, gint64 value);
void dray_json_add_percentage (JsonBuilder *builder, DrayRow *row);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayOutput, dray_output_free)

G_END_DECLS
