/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Making a plan without waiting for it: a thread of its own asks the servers.
 *
 * Called in the main thread, and calls back there.
 */

#pragma once

#include "core/http/session-pool.h"
#include "core/source/planner.h"

G_BEGIN_DECLS

void dray_planning_run_async (DraySessionPool *sessions,
                              const DrayCredentials *credentials,
                              const char *source,
                              const char *token,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
DrayPlan *dray_planning_run_finish (GAsyncResult *result, gint64 *wait, GError **error);

G_END_DECLS
