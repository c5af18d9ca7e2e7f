/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From a reference to a plan.
 *
 * What the text of a source says is planned at once. What only a server knows, such as the files of
 * a repository, is asked for in a thread that may wait.
 */

#pragma once

#include "core/base/plan.h"
#include "core/http/credentials.h"
#include "core/source/reference.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * DrayPlanContext:
 * @session: a session that is lent to this thread
 * @token: (nullable): the caller's bearer token for the server that the reference names
 * @credentials: the hub's address, and the token for it where the caller has given none
 * @wait: (nullable): where the seconds go that a server which cannot answer now asks to wait, if it
 *   does
 *
 * What a plan may use that is not in its reference.
 */
typedef struct
{
  SoupSession *session;
  const char *token;
  const DrayCredentials *credentials;
  gint64 *wait;
} DrayPlanContext;

gboolean dray_planner_needs_network (const DrayReference *reference);
DrayPlan *dray_planner_plan (const DrayReference *reference,
                             const DrayPlanContext *context,
                             GCancellable *cancellable,
                             GError **error);

G_END_DECLS
