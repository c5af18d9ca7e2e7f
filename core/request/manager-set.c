/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Parents: requests that stand for several files, each of which is a child. */

#include "core/request/manager-private.h"

/* The busiest child speaks for its parent. */
static DrayRequest *
find_busiest (DrayRequest *parent)
{
  static const DrayRequestState order[]
      = { DRAY_REQUEST_DOWNLOADING, DRAY_REQUEST_VERIFYING, DRAY_REQUEST_LOADING,
          DRAY_REQUEST_CONNECTING,  DRAY_REQUEST_RESOLVING, DRAY_REQUEST_WAITING,
          DRAY_REQUEST_QUEUED };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    for (guint j = 0; j < parent->children->len; j++)
      if (((DrayRequest *) g_ptr_array_index (parent->children, j))->state == order[i])
        return g_ptr_array_index (parent->children, j);

  return NULL;
}

static DrayRequest *
find_child_in (DrayRequest *parent, DrayRequestState state)
{
  for (guint i = 0; i < parent->children->len; i++)
    if (((DrayRequest *) g_ptr_array_index (parent->children, i))->state == state)
      return g_ptr_array_index (parent->children, i);

  return NULL;
}

/* All children have settled. A child that fails or is paused keeps the parent from completing; one
 * that was discarded does not count. */
static void
settle_parent (DrayManager *self, DrayRequest *parent)
{
  DrayRequest *failed = find_child_in (parent, DRAY_REQUEST_FAILED);

  if (failed != NULL)
    dray_manager_settle (self, parent, DRAY_REQUEST_FAILED, failed->error);
  else if (find_child_in (parent, DRAY_REQUEST_PAUSED) != NULL || parent->fate != DRAY_FATE_RUN)
    dray_manager_settle (self, parent, DRAY_REQUEST_PAUSED, NULL);
  else if (self->held)
    dray_manager_enqueue (self, parent);
  else
    dray_manager_deliver (self, parent);
}

/* A parent that waited for a child which is no longer wanted has all it needs. One that is to be
 * loaded, or cancelled, waits for its caller. */
void
dray_manager_complete_parent (DrayManager *self, DrayRequest *parent)
{
  if (dray_request_is_running (parent) || parent->state == DRAY_REQUEST_COMPLETED
      || parent->fate != DRAY_FATE_RUN || g_str_equal (parent->record->kind, "load"))
    return;
  for (guint i = 0; i < parent->children->len; i++)
    if (((DrayRequest *) g_ptr_array_index (parent->children, i))->state
        != DRAY_REQUEST_COMPLETED)
      return;

  dray_manager_run_again (self, parent);
}

/* Makes a parent what its children are. */
void
dray_manager_update_parent (DrayManager *self, DrayRequest *parent)
{
  DrayRequest *busiest = find_busiest (parent);

  dray_request_sum_up (parent);
  if (busiest != NULL)
    {
      if (dray_request_mirror (parent, busiest))
        dray_engine_put_request (&self->engine, parent);
      return;
    }

  /* One that is loaded, or waits for that, is no longer its children's. */
  if (dray_request_is_running (parent) && !parent->in_queue && parent->children->len > 0
      && dray_manager_find_delivery (self, parent) == NULL)
    settle_parent (self, parent);
}

void
dray_manager_sum_up_parents (DrayManager *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->engine.requests)); i++)
    {
      DrayRequest *request = dray_engine_get_request (&self->engine, i);

      if (dray_request_is_parent (request) && find_busiest (request) != NULL)
        {
          dray_request_sum_up (request);
          dray_request_mirror (request, find_busiest (request));
        }
    }
}

static void
child_changed_cb (DrayRequest *child, G_GNUC_UNUSED GParamSpec *pspec, gpointer user_data)
{
  g_autoptr (DrayRequest) parent = child->parent != NULL ? g_object_ref (child->parent) : NULL;

  if (parent != NULL)
    dray_manager_update_parent (DRAY_MANAGER (user_data), parent);
}

/* Lets the parent of a request follow it. */
void
dray_manager_watch_child (DrayManager *self, DrayRequest *child)
{
  g_signal_connect_object (child, "notify::state", G_CALLBACK (child_changed_cb), self, 0);
}
