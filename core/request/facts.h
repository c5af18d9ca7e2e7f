/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Between what a header says of a model and the row that keeps it. Plain values; any thread. */

#pragma once

#include "core/catalog/records.h"
#include "core/inspect/facts.h"

G_BEGIN_DECLS

DrayFactsRecord *dray_facts_to_record (const DrayModelFacts *facts, const char *model_id);
DrayModelFacts *dray_facts_from_record (const DrayFactsRecord *record);

G_END_DECLS
