/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The requests of a list, grouped by their models: a #GListModel of #DrayModel.
 *
 * A request that others name as their parent has no row of its own. The order is that in which the
 * models were first seen, and stays so: neither a change of state nor a request that goes and comes
 * back moves a model. The main thread's.
 */

#pragma once

#include "core/request/model.h"

G_BEGIN_DECLS

#define DRAY_TYPE_MODEL_LIST (dray_model_list_get_type ())
G_DECLARE_FINAL_TYPE (DrayModelList, dray_model_list, DRAY, MODEL_LIST, GObject)

DrayModelList *dray_model_list_new (GListModel *requests);

G_END_DECLS
