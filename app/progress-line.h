/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A live line per file on a terminal: name, bar, bytes, speed, time left. The main thread's.
 */

#pragma once

#include "core/request/request.h"

G_BEGIN_DECLS

typedef struct _DrayProgressLines DrayProgressLines;

DrayProgressLines *dray_progress_lines_new (void);
void dray_progress_lines_free (DrayProgressLines *lines);
void dray_progress_lines_add (DrayProgressLines *lines, DrayRequest *request);
void dray_progress_lines_draw (DrayProgressLines *lines);

char *dray_progress_line_format (DrayRequest *request, guint width);
char *dray_request_dup_title (DrayRequest *request);

G_END_DECLS
