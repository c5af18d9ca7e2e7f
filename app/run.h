/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A run: what "get", "load" and "resume" wait for until all of it has settled.
 *
 * It goes through a door and shows what happens. Where the manager behind the door is handed over
 * to another process, the run follows it; a signal pauses. The main thread's.
 */

#pragma once

#include "app/door.h"
#include "app/output.h"

G_BEGIN_DECLS

int dray_run_get (DrayOutputMode mode, char **sources, gboolean load, DrayDownloadOptions *options);
int dray_run_resume (DrayOutputMode mode, char **ids, gboolean restart_changed);

G_END_DECLS
