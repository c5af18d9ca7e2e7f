/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The card of a model; of one with several files the head, which unfolds into request rows.
 */

#pragma once

#include "ui/row-buttons.h"

G_BEGIN_DECLS

#define DRAY_TYPE_MODEL_ROW (dray_model_row_get_type ())
G_DECLARE_FINAL_TYPE (DrayModelRow, dray_model_row, DRAY, MODEL_ROW, GtkBox)

DrayRowButtons *dray_model_row_get_buttons (DrayModelRow *self);

G_END_DECLS
