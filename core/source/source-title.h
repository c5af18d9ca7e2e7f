/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a person calls the model that a source names. Pure; any thread.
 */

#pragma once

#include "core/source/reference.h"

G_BEGIN_DECLS

char *dray_source_title_new (const DrayReference *reference);

G_END_DECLS
