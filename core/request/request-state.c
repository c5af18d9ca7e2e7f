/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/request-state.h"

static const GEnumValue state_values[] = {
  { DRAY_REQUEST_RESOLVING, "DRAY_REQUEST_RESOLVING", "resolving" },
  { DRAY_REQUEST_QUEUED, "DRAY_REQUEST_QUEUED", "queued" },
  { DRAY_REQUEST_CONNECTING, "DRAY_REQUEST_CONNECTING", "connecting" },
  { DRAY_REQUEST_DOWNLOADING, "DRAY_REQUEST_DOWNLOADING", "downloading" },
  { DRAY_REQUEST_VERIFYING, "DRAY_REQUEST_VERIFYING", "verifying" },
  { DRAY_REQUEST_LOADING, "DRAY_REQUEST_LOADING", "loading" },
  { DRAY_REQUEST_WAITING, "DRAY_REQUEST_WAITING", "waiting" },
  { DRAY_REQUEST_COMPLETED, "DRAY_REQUEST_COMPLETED", "completed" },
  { DRAY_REQUEST_PAUSED, "DRAY_REQUEST_PAUSED", "paused" },
  { DRAY_REQUEST_FAILED, "DRAY_REQUEST_FAILED", "failed" },
  { DRAY_REQUEST_DISCARDED, "DRAY_REQUEST_DISCARDED", "discarded" },
  { 0, NULL, NULL },
};

GType
dray_request_state_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("DrayRequestState", state_values));

  return type;
}

/**
 * dray_request_state_get_name:
 * @state: a state
 *
 * Returns: (transfer none): its name, as in JSON and in the catalog
 */
const char *
dray_request_state_get_name (DrayRequestState state)
{
  g_return_val_if_fail (state <= DRAY_REQUEST_DISCARDED, NULL);

  return state_values[state].value_nick;
}

/**
 * dray_request_state_from_name:
 * @name: a name, perhaps one of dray_request_state_get_name()
 * @state: (out): where the state goes
 *
 * Returns: whether @name is the name of a state
 */
gboolean
dray_request_state_from_name (const char *name, DrayRequestState *state)
{
  for (guint i = 0; state_values[i].value_nick != NULL; i++)
    {
      if (g_str_equal (state_values[i].value_nick, name))
        {
          *state = i;
          return TRUE;
        }
    }

  return FALSE;
}

/**
 * dray_request_state_is_running:
 * @state: a state
 *
 * Returns: whether a request in @state has not settled
 */
gboolean
dray_request_state_is_running (DrayRequestState state)
{
  return state <= DRAY_REQUEST_WAITING;
}

/**
 * dray_request_state_may_follow:
 * @from: a state
 * @to: another
 *
 * A request that runs may go anywhere but to where it is; a paused or failed one may only run again
 * or be discarded; a completed or discarded one goes nowhere.
 *
 * Returns: whether a request may go from one to the other
 */
gboolean
dray_request_state_may_follow (DrayRequestState from, DrayRequestState to)
{
  if (dray_request_state_is_running (from))
    return from != to;
  if (from == DRAY_REQUEST_PAUSED || from == DRAY_REQUEST_FAILED)
    return dray_request_state_is_running (to) || to == DRAY_REQUEST_DISCARDED;

  return FALSE;
}
