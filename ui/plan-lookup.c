/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/plan-lookup.h"

#include "core/request/planning.h"
#include "core/source/source-list.h"

/* How long nobody must have typed before a server is asked, in milliseconds. */
#define PAUSE 300

struct _DrayPlanLookup
{
  GObject parent_instance;

  DraySessionPool *sessions;
  DrayCredentials *credentials;
  GStrv sources;
  DrayReference *reference; /* of the only source; NULL if there are several, or none */
  DrayPlan *plan;
  GError *error;
  GCancellable *cancellable; /* of what is being asked; NULL for nothing */
  guint pause_source;
};

G_DEFINE_FINAL_TYPE (DrayPlanLookup, dray_plan_lookup, G_TYPE_OBJECT)

static guint changed_signal;

static void
forget (DrayPlanLookup *self)
{
  g_clear_handle_id (&self->pause_source, g_source_remove);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->reference, dray_reference_free);
  g_clear_pointer (&self->plan, dray_plan_free);
  g_clear_error (&self->error);
}

static void
dray_plan_lookup_dispose (GObject *object)
{
  DrayPlanLookup *self = DRAY_PLAN_LOOKUP (object);

  forget (self);
  g_clear_pointer (&self->sources, g_strfreev);
  g_clear_pointer (&self->sessions, dray_session_pool_unref);
  g_clear_pointer (&self->credentials, dray_credentials_free);

  G_OBJECT_CLASS (dray_plan_lookup_parent_class)->dispose (object);
}

static void
dray_plan_lookup_class_init (DrayPlanLookupClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dray_plan_lookup_dispose;

  changed_signal = g_signal_new ("changed", DRAY_TYPE_PLAN_LOOKUP, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
}

static void
dray_plan_lookup_init (DrayPlanLookup *self)
{
  self->sessions = dray_session_pool_new ();
  self->credentials = dray_credentials_new_from_environment ();
  self->sources = g_new0 (char *, 1);
}

DrayPlanLookup *
dray_plan_lookup_new (void)
{
  return g_object_new (DRAY_TYPE_PLAN_LOOKUP, NULL);
}

static void
planned_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayPlanLookup) self = DRAY_PLAN_LOOKUP (user_data);
  g_autoptr (GError) error = NULL;
  gint64 wait;
  g_autoptr (DrayPlan) plan = dray_planning_run_finish (result, &wait, &error);

  if (g_task_get_cancellable (G_TASK (result)) != self->cancellable)
    return;

  g_clear_object (&self->cancellable);
  self->plan = g_steal_pointer (&plan);
  self->error = g_steal_pointer (&error);
  g_signal_emit (self, changed_signal, 0);
}

static gboolean
pause_cb (gpointer user_data)
{
  DrayPlanLookup *self = DRAY_PLAN_LOOKUP (user_data);

  self->pause_source = 0;
  self->cancellable = g_cancellable_new ();
  dray_planning_run_async (self->sessions, self->credentials, self->sources[0], NULL,
                           self->cancellable, planned_cb, g_object_ref (self));
  return G_SOURCE_REMOVE;
}

/* All of several sources must be understood; what stands behind them is seen when they are added. */
static void
check_all (DrayPlanLookup *self)
{
  for (guint i = 0; self->sources[i] != NULL && self->error == NULL; i++)
    {
      g_autoptr (DrayReference) reference = dray_reference_parse (self->sources[i], &self->error);
    }
}

/* What stands in a file of sources is seen when they are added. */
static void
look_up (DrayPlanLookup *self)
{
  if (dray_source_list_is_file (self->sources[0]))
    return;

  self->reference = dray_reference_parse (self->sources[0], &self->error);
  if (self->reference == NULL)
    return;

  if (dray_planner_needs_network (self->reference))
    self->pause_source = g_timeout_add (PAUSE, pause_cb, self);
  else
    self->plan = dray_planner_plan (self->reference, NULL, NULL, &self->error);
}

/**
 * dray_plan_lookup_set_sources:
 * @self: a lookup
 * @sources: (array zero-terminated=1): what a person has typed so far
 */
void
dray_plan_lookup_set_sources (DrayPlanLookup *self, const char *const *sources)
{
  g_return_if_fail (DRAY_IS_PLAN_LOOKUP (self));

  if (g_strv_equal ((const char *const *) self->sources, sources))
    return;

  forget (self);
  g_strfreev (self->sources);
  self->sources = g_strdupv ((char **) sources);
  if (self->sources[0] != NULL && self->sources[1] == NULL)
    look_up (self);
  else
    check_all (self);
  g_signal_emit (self, changed_signal, 0);
}

/**
 * dray_plan_lookup_stop:
 * @self: a lookup
 *
 * Forgets what was looked up, and asks no server any more.
 */
void
dray_plan_lookup_stop (DrayPlanLookup *self)
{
  g_return_if_fail (DRAY_IS_PLAN_LOOKUP (self));

  forget (self);
}

/**
 * dray_plan_lookup_get_sources:
 * @self: a lookup
 *
 * Returns: (transfer none) (array zero-terminated=1): what was looked up last
 */
const char *const *
dray_plan_lookup_get_sources (DrayPlanLookup *self)
{
  return (const char *const *) self->sources;
}

/**
 * dray_plan_lookup_is_busy:
 * @self: a lookup
 *
 * Returns: whether a server is being asked, or will be
 */
gboolean
dray_plan_lookup_is_busy (DrayPlanLookup *self)
{
  return self->pause_source != 0 || self->cancellable != NULL;
}

/**
 * dray_plan_lookup_get_reference:
 * @self: a lookup
 *
 * Returns: (transfer none) (nullable): what the only source says; %NULL if there is not one alone
 *   that is understood
 */
const DrayReference *
dray_plan_lookup_get_reference (DrayPlanLookup *self)
{
  return self->reference;
}

/**
 * dray_plan_lookup_get_plan:
 * @self: a lookup
 *
 * Returns: (transfer none) (nullable): what the only source stands for, as far as it is known
 */
const DrayPlan *
dray_plan_lookup_get_plan (DrayPlanLookup *self)
{
  return self->plan;
}

/**
 * dray_plan_lookup_get_error:
 * @self: a lookup
 *
 * Returns: (transfer none) (nullable): why there is no plan
 */
const GError *
dray_plan_lookup_get_error (DrayPlanLookup *self)
{
  return self->error;
}
