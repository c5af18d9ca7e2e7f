/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What there is to choose in a plan: one of the variants, and which companions come along. Says
 * `changed` when the person has chosen.
 */

#pragma once

#include "core/base/plan.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define DRAY_TYPE_PLAN_VIEW (dray_plan_view_get_type ())
G_DECLARE_FINAL_TYPE (DrayPlanView, dray_plan_view, DRAY, PLAN_VIEW, GtkWidget)

void dray_plan_view_set_plan (DrayPlanView *self, const DrayPlan *plan);
const char *dray_plan_view_get_variant (DrayPlanView *self);
GStrv dray_plan_view_get_without (DrayPlanView *self);
guint dray_plan_view_get_n_files (DrayPlanView *self);
gint64 dray_plan_view_get_size (DrayPlanView *self);

G_END_DECLS
