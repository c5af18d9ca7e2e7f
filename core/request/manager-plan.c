/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Requests for what only a server can list: from `resolving` to the files that it stands for. */

#include "core/request/manager-private.h"

#include "core/base/error.h"
#include "core/http/retry.h"
#include "core/request/planning.h"

/* How many servers are asked for plans at once; what waits for its turn is resolving, too. */
#define PLANS_MAX 4

/* How soon one without a network tries all the same, in microseconds. */
#define OFFLINE_WAIT ((gint64) 5 * 60 * G_USEC_PER_SEC)

/* One request whose plan is being made. */
typedef struct
{
  DrayManager *manager;
  DrayRequest *request;
  GCancellable *cancellable;
  DrayRetry retry;
  guint timer;      /* until the next attempt; 0 while there is one */
  DrayError reason; /* why it waits */
} Plan;

static void
plan_free (Plan *plan)
{
  g_clear_handle_id (&plan->timer, g_source_remove);
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

/* The one way out: the request becomes what it stands for, or its run ends. */
static void
end_plan (Plan *plan, const DrayPlan *result, const GError *error)
{
  G_GNUC_UNUSED g_autoptr (Plan) owned = plan;
  DrayManager *self = plan->manager;

  dray_manager_begin_operation (self);
  g_ptr_array_remove (self->plans, plan);
  if (result != NULL)
    dray_manager_adopt_plan (self, plan->request, result);
  else
    dray_manager_end_run (self, plan->request, error);

  dray_manager_go_on (self);
  dray_manager_end_operation (self);
}

static void
end_cancelled (Plan *plan)
{
  g_autoptr (GError) error = g_error_new_literal (DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled");

  end_plan (plan, NULL, error);
}

static void try_now (Plan *plan);

static gboolean
timer_cb (gpointer user_data)
{
  Plan *plan = user_data;

  plan->timer = 0;
  try_now (plan);
  return G_SOURCE_REMOVE;
}

/* Waits for what passes by itself. Returns whether it does. */
static gboolean
wait (Plan *plan, gint64 server_wait, const GError *error)
{
  g_autoptr (DrayRequest) request = g_object_ref (plan->request);
  DrayManager *self = plan->manager;
  DrayError reason = (DrayError) error->code;
  gint64 delay = OFFLINE_WAIT;

  if ((reason == DRAY_ERROR_NETWORK || reason == DRAY_ERROR_STALLED)
      && dray_network_is_gone (self->engine.network, NULL))
    reason = DRAY_ERROR_NO_NETWORK;
  else if (!dray_retry_next (&plan->retry, reason, server_wait, g_random_double (), &delay))
    return FALSE;

  plan->timer = g_timeout_add ((guint) (delay / G_TIME_SPAN_MILLISECOND), timer_cb, plan);
  plan->reason = reason;
  /* Whoever hears of it may end the plan. */
  g_object_freeze_notify (G_OBJECT (request));
  if (dray_request_set_waiting (request, reason))
    dray_engine_put_request (&self->engine, request);
  g_object_thaw_notify (G_OBJECT (request));
  return TRUE;
}

/* @names are on a line each; NULL for none. */
static void
leave_out (DrayPlan *found, const char *names)
{
  g_auto (GStrv) split = names != NULL ? g_strsplit (names, "\n", -1) : NULL;

  dray_plan_leave_out (found, (const char *const *) split);
}

static void
planned_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  Plan *plan = user_data;
  DrayManager *self = plan->manager;
  g_autoptr (GError) error = NULL;
  gint64 server_wait;
  g_autoptr (DrayPlan) found = dray_planning_run_finish (result, &server_wait, &error);

  if (self->held || plan->request->fate != DRAY_FATE_RUN)
    {
      end_cancelled (plan);
      return;
    }
  if (found == NULL && wait (plan, server_wait, error))
    return;

  if (found != NULL)
    leave_out (found, plan->request->record->left_out);
  end_plan (plan, found, error);
}

static void
try_now (Plan *plan)
{
  DrayManager *self = plan->manager;

  if (dray_request_set_state (plan->request, DRAY_REQUEST_RESOLVING))
    dray_engine_put_request (&self->engine, plan->request);
  dray_planning_run_async (self->engine.sessions, self->engine.credentials,
                           plan->request->record->source, plan->request->wishes.token,
                           plan->cancellable, planned_cb, plan);
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
  guint n_asking = 0;

  for (guint i = 0; i < self->plans->len; i++)
    n_asking += ((Plan *) g_ptr_array_index (self->plans, i))->timer == 0;

  return n_asking < PLANS_MAX;
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
  dray_retry_init (&plan->retry);
  g_ptr_array_add (self->plans, plan);
  try_now (plan);
}

static void
stop (Plan *plan)
{
  if (plan->timer != 0)
    end_cancelled (plan);
  else
    g_cancellable_cancel (plan->cancellable);
}

/* Ends the planning of a request, at once or within milliseconds. Returns whether there was one. */
gboolean
dray_manager_stop_plan (DrayManager *self, DrayRequest *request)
{
  Plan *plan = find_plan (self, request);

  if (plan == NULL)
    return FALSE;

  stop (plan);
  return TRUE;
}

/* Those who listen may end some of them meanwhile. */
static void
for_each (DrayManager *self, void (*func) (Plan *plan))
{
  g_autoptr (GPtrArray) plans = g_ptr_array_copy (self->plans, NULL, NULL);

  for (guint i = 0; i < plans->len; i++)
    if (g_ptr_array_find (self->plans, g_ptr_array_index (plans, i), NULL))
      func (g_ptr_array_index (plans, i));
}

void
dray_manager_stop_plans (DrayManager *self)
{
  for_each (self, stop);
}

static void
wait_no_longer (Plan *plan)
{
  if (plan->timer == 0 || plan->reason == DRAY_ERROR_RATE_LIMITED)
    return;

  g_clear_handle_id (&plan->timer, g_source_remove);
  try_now (plan);
}

/* The network is back. */
void
dray_manager_try_plans_now (DrayManager *self)
{
  for_each (self, wait_no_longer);
}
