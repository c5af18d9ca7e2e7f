/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the files of an episode share: contract-episode.c (what can be done) and contract-links.c (which
 * links there are). */

#pragma once

#include "tests/core/contract-episode.h"

G_BEGIN_DECLS

#define GATE_STEP 20000

G_END_DECLS
