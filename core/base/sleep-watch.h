/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Notices that the machine has slept: one clock of the kernel goes on meanwhile, the other stands
 * still.
 *
 * A plain value; one thread uses it at a time.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DraySleepWatch:
 * @ahead: how far the clock that goes on is ahead of the other, in microseconds
 * @begun: whether that is known
 *
 * All zero is a watch that has not begun.
 */
typedef struct
{
  gint64 ahead;
  gboolean begun;
} DraySleepWatch;

gboolean dray_sleep_watch_look (DraySleepWatch *watch);

G_END_DECLS
