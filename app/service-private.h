/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a service, shared by service.c (what is on the bus) and service-calls.c (what is
 * asked of it).
 */

#pragma once

#include "app/service-callers.h"
#include "app/service.h"
#include "data/dray-bus.h"

G_BEGIN_DECLS

struct _DrayService
{
  GObject parent_instance;

  GDBusConnection *connection;
  char *path;
  DrayBusManager1 *skeleton;
  GDBusObjectManagerServer *objects;
  DrayManager *manager; /* NULL unless one is open */
  GPtrArray *requests;  /* of DrayServiceRequest, as the manager's list has them */
  DrayServiceCallers *callers;
  GPtrArray *waiting;  /* of GDBusMethodInvocation, until there is a manager */
  GPtrArray *closings; /* of GDBusMethodInvocation, until the manager is closed */
  gboolean closing;
  gboolean is_held_asked; /* Held was set before there was a manager */
  gboolean is_rate_asked; /* so was RateLimit */
  gint64 last_use; /* when the last call came, on the monotonic clock */
  guint n_flushed; /* how many requests moved at the last flush */
  guint flush_source;
};

/* service-calls.c */
void dray_service_connect_calls (DrayService *self);
void dray_service_apply_held (DrayService *self);
void dray_service_apply_rate_limit (DrayService *self);
void dray_service_answer (DrayService *self, GDBusMethodInvocation *invocation);

G_END_DECLS
