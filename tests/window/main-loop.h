/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The main loop for a while, for tests that look at the window from inside. The main thread's.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void main_loop_run_for (guint milliseconds);

G_END_DECLS
