/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From numbers and states to the words of the window. No widget; the main thread's.
 */

#pragma once

#include "ui/progress.h"

G_BEGIN_DECLS

char *dray_format_size (gint64 bytes);
char *dray_format_room (gint64 bytes);
char *dray_format_speed (gint64 bytes_per_second);
char *dray_format_time_left (gint64 seconds);
char *dray_format_status (const DrayProgress *progress);
char *dray_format_callers (const char *callers);
char *dray_format_problem (const DrayProgress *progress);
char *dray_format_subtitle (DrayModel *model);
char *dray_format_file_name (DrayRequest *request);
char *dray_format_file_title (const char *file_name);
char *dray_format_folder (const char *path);

G_END_DECLS
