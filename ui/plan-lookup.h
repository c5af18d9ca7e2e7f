/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What stands behind the text of the Add dialog: looked up while a person types, off the main
 * thread. Says `changed` whenever there is something else to show. The main thread's.
 */

#pragma once

#include "core/base/plan.h"
#include "core/source/reference.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DRAY_TYPE_PLAN_LOOKUP (dray_plan_lookup_get_type ())
G_DECLARE_FINAL_TYPE (DrayPlanLookup, dray_plan_lookup, DRAY, PLAN_LOOKUP, GObject)

DrayPlanLookup *dray_plan_lookup_new (void);
void dray_plan_lookup_set_sources (DrayPlanLookup *self, const char *const *sources);
const char *const *dray_plan_lookup_get_sources (DrayPlanLookup *self);
void dray_plan_lookup_stop (DrayPlanLookup *self);
gboolean dray_plan_lookup_is_busy (DrayPlanLookup *self);
const DrayReference *dray_plan_lookup_get_reference (DrayPlanLookup *self);
const DrayPlan *dray_plan_lookup_get_plan (DrayPlanLookup *self);
const GError *dray_plan_lookup_get_error (DrayPlanLookup *self);

G_END_DECLS
