/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The states of a request, and which may follow which. Plain values; any thread.
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef enum
{
  DRAY_REQUEST_RESOLVING,
  DRAY_REQUEST_QUEUED,
  DRAY_REQUEST_CONNECTING,
  DRAY_REQUEST_DOWNLOADING,
  DRAY_REQUEST_VERIFYING,
  DRAY_REQUEST_LOADING,
  DRAY_REQUEST_WAITING,
  DRAY_REQUEST_COMPLETED,
  DRAY_REQUEST_PAUSED,
  DRAY_REQUEST_FAILED,
  DRAY_REQUEST_DISCARDED,
} DrayRequestState;

#define DRAY_TYPE_REQUEST_STATE (dray_request_state_get_type ())
GType dray_request_state_get_type (void);
const char *dray_request_state_get_name (DrayRequestState state);
gboolean dray_request_state_from_name (const char *name, DrayRequestState *state);
gboolean dray_request_state_is_running (DrayRequestState state);
gboolean dray_request_state_may_follow (DrayRequestState from, DrayRequestState to);

G_END_DECLS
