/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The network that comes back, and the machine that wakes: nobody waits any longer than that. */

#include "core/request/manager-private.h"

/* The network is back. */
void
dray_manager_try_now (gpointer user_data)
{
  DrayManager *self = DRAY_MANAGER (user_data);
  g_autoptr (GPtrArray) jobs = dray_engine_snapshot (self->jobs);

  for (guint i = 0; i < jobs->len; i++)
    dray_download_job_try_now (g_ptr_array_index (jobs, i));
  dray_manager_try_plans_now (self);
}

/* To be called now and then while jobs run. What a connection was asked before the machine slept,
 * it will hardly answer, and its silence would be noticed much later. */
void
dray_manager_look_for_sleep (DrayManager *self)
{
  g_autoptr (GPtrArray) jobs = NULL;

  if (!dray_sleep_watch_look (&self->sleep_watch))
    return;

  jobs = dray_engine_snapshot (self->jobs);
  for (guint i = 0; i < jobs->len; i++)
    dray_download_job_reconnect (g_ptr_array_index (jobs, i));
}
