/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Requests for what only a server can list: from `resolving` to the files that it stands for. */

#include "core/request/manager-private.h"

#include "core/base/error.h"
#include "core/request/planning.h"

/* How many servers are asked for plans at once; what waits for its turn is resolving, too. */
#define PLANS_MAX 4

/* One request whose plan is being made. */
typedef struct
{
  DrayManager *manager;
  DrayRequest *request;
  GCancellable *cancellable;
} Plan;

static void
plan_free (Plan *plan)
{
  g_object_unref (plan->manager);
  g_object_unref (plan->request);
  g_object_unref (plan->cancellable);
  g_free (plan);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Plan, plan_free)

static Plan *
find_plan (DrayManager *self, DrayRequest *request)
{
  for (guint i = 0; i < self->plans->len; i++)
    {
      Plan *plan = g_ptr_array_index (self->plans, i);

      if (plan->request == request)
        return plan;
    }

  return NULL;
}

static void
planned_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Plan) job = user_data;
  DrayManager *self = job->manager;
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayPlan) plan = dray_planning_run_finish (result, &error);

  dray_manager_begin_operation (self);
  g_ptr_array_remove (self->plans, job);
  if (plan != NULL && !self->held && job->request->fate == DRAY_FATE_RUN)
    {
      dray_manager_adopt_plan (self, job->request, plan);
    }
  else
    {
      if (plan != NULL)
        g_set_error_literal (&error, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled");
      dray_manager_end_run (self, job->request, error);
    }

  dray_manager_go_on (self);
  dray_manager_end_operation (self);
}

/**
 * dray_manager_may_plan:
 * @self: a manager
 *
 * Returns: whether one more plan may be made now
 */
gboolean
dray_manager_may_plan (DrayManager *self)
{
  return self->plans->len < PLANS_MAX;
}

/**
 * dray_manager_plan:
 * @self: a manager that may plan
 * @request: a running request without files, which is in no other place
 *
 * Has the plan of a request made; the request is then what its plan says.
 */
void
dray_manager_plan (DrayManager *self, DrayRequest *request)
{
  Plan *plan = g_new0 (Plan, 1);

  plan->manager = g_object_ref (self);
  plan->request = g_object_ref (request);
  plan->cancellable = g_cancellable_new ();
  g_ptr_array_add (self->plans, plan);
  if (dray_request_set_state (request, DRAY_REQUEST_RESOLVING))
    dray_engine_put_request (&self->engine, request);
  dray_planning_run_async (self->engine.sessions, request->record->source, request->wishes.token,
                           plan->cancellable, planned_cb, plan);
}

/* Ends the planning of a request within milliseconds. Returns whether there was one. */
gboolean
dray_manager_stop_plan (DrayManager *self, DrayRequest *request)
{
  Plan *plan = find_plan (self, request);

  if (plan != NULL)
    g_cancellable_cancel (plan->cancellable);
  return plan != NULL;
}

void
dray_manager_stop_plans (DrayManager *self)
{
  g_autoptr (GPtrArray) plans = g_ptr_array_copy (self->plans, NULL, NULL);

  for (guint i = 0; i < plans->len; i++)
    g_cancellable_cancel (((Plan *) g_ptr_array_index (plans, i))->cancellable);
}
