/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One file of a model that has several: a piece of the model's card.
 */

#pragma once

#include "ui/row-buttons.h"

G_BEGIN_DECLS

#define DRAY_TYPE_REQUEST_ROW (dray_request_row_get_type ())
G_DECLARE_FINAL_TYPE (DrayRequestRow, dray_request_row, DRAY, REQUEST_ROW, GtkBox)

DrayRowButtons *dray_request_row_get_buttons (DrayRequestRow *self);

G_END_DECLS
