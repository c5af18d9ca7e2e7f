/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/window/main-loop.h"

static gboolean
over_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;

  return G_SOURCE_REMOVE;
}

void
main_loop_run_for (guint milliseconds)
{
  gboolean over = FALSE;

  g_timeout_add (milliseconds, over_cb, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}
