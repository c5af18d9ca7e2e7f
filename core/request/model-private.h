/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How a #DrayModelList fills its models and keeps them up to date.
 *
 * A model whose requests have changed says so once; its sums are made anew when the list says.
 */

#pragma once

#include "core/request/model.h"

G_BEGIN_DECLS

typedef void (*DrayModelStaleFunc) (DrayModel *model, gpointer user_data);

DrayModel *dray_model_new (const char *id, DrayModelStaleFunc stale_func, gpointer user_data);
void dray_model_insert (DrayModel *self, guint position, DrayRequest *request);
void dray_model_remove (DrayModel *self, DrayRequest *request);
void dray_model_update (DrayModel *self);
void dray_model_disown (DrayModel *self);
GPtrArray *dray_model_get_members (DrayModel *self);

G_END_DECLS
