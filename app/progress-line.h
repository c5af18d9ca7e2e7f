/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A live line per file on a terminal: name, bar, bytes, speed, time left; below the files of a set
 * one with their sum. The main thread's.
 */

#pragma once

#include "app/row.h"

G_BEGIN_DECLS

typedef struct _DrayProgressLines DrayProgressLines;

DrayProgressLines *dray_progress_lines_new (void);
void dray_progress_lines_free (DrayProgressLines *lines);
void dray_progress_lines_add (DrayProgressLines *lines, DrayRow *row);
void dray_progress_lines_draw (DrayProgressLines *lines);

char *dray_progress_line_format (DrayRow *row, guint width);
char *dray_row_dup_title (DrayRow *row);

G_END_DECLS
