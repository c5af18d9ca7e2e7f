/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/planning.h"

#include "core/base/worker.h"

/* What the thread is given, and gives back. */
typedef struct
{
  GTask *task;
  DrayWorker *worker;
  DraySessionPool *sessions;
  SoupSession *session; /* lent by the pool */
  DrayReference *reference;
  char *token;
  const DrayCredentials *credentials;
  DrayPlan *plan;
  gint64 *wait; /* the task's */
  GError *error;
} Planning;

static void
planning_free (Planning *planning)
{
  dray_worker_free (planning->worker);
  dray_session_pool_give_back (planning->sessions, planning->session);
  dray_session_pool_unref (planning->sessions);
  dray_reference_free (planning->reference);
  g_free (planning->token);
  g_object_unref (planning->task);
  g_free (planning);
}

static void
plan_in_thread (gpointer data)
{
  Planning *planning = data;
  const DrayPlanContext context = {
    .session = planning->session,
    .token = planning->token,
    .credentials = planning->credentials,
    .wait = planning->wait,
  };

  planning->plan = dray_planner_plan (planning->reference, &context,
                                      g_task_get_cancellable (planning->task), &planning->error);
}

static void
planned_cb (gpointer data)
{
  Planning *planning = data;

  if (planning->plan != NULL)
    g_task_return_pointer (planning->task, planning->plan, (GDestroyNotify) dray_plan_free);
  else
    g_task_return_error (planning->task, planning->error);
  planning_free (planning);
}

/**
 * dray_planning_run_async:
 * @sessions: the manager's sessions
 * @credentials: what is sent to the hub; must live until it has called back
 * @source: what a person typed or dropped
 * @token: (nullable): a bearer token for the server that @source names
 * @cancellable: (nullable): ends it within milliseconds
 * @callback: called in the main thread when there is a plan, and nothing is under way any more
 * @user_data: for @callback
 *
 * Finds the files that a source stands for.
 */
void
dray_planning_run_async (DraySessionPool *sessions,
                         const DrayCredentials *credentials,
                         const char *source,
                         const char *token,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  GError *error = NULL;
  DrayReference *reference = dray_reference_parse (source, &error);
  Planning *planning;

  g_task_set_source_tag (task, dray_planning_run_async);
  g_task_set_check_cancellable (task, FALSE);
  if (reference == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  planning = g_new0 (Planning, 1);
  planning->task = g_steal_pointer (&task);
  planning->worker = dray_worker_new ("planner");
  planning->sessions = dray_session_pool_ref (sessions);
  planning->session = dray_session_pool_take (sessions);
  planning->reference = reference;
  planning->token = g_strdup (token);
  planning->credentials = credentials;
  planning->wait = g_new (gint64, 1);
  *planning->wait = -1;
  g_task_set_task_data (planning->task, planning->wait, g_free);
  dray_worker_push (planning->worker, plan_in_thread, planned_cb, planning);
}

/**
 * dray_planning_run_finish:
 * @result: as given to the callback
 * @wait: (out): the seconds that a server asks to wait before it is asked again; -1 if none does
 * @error: return location for a #GError
 *
 * Errors: as dray_planner_plan().
 *
 * Returns: (transfer full) (nullable): the plan
 */
DrayPlan *
dray_planning_run_finish (GAsyncResult *result, gint64 *wait, GError **error)
{
  const gint64 *asked = g_task_get_task_data (G_TASK (result));

  *wait = asked != NULL ? *asked : -1;
  return g_task_propagate_pointer (G_TASK (result), error);
}
