/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the files of an episode share: contract-episode.c (what can be done), contract-merge.c (the same
 * with links that lead to one file), contract-links.c (which links there are). */

#pragma once

#include "tests/core/contract-episode.h"

G_BEGIN_DECLS

#define GATE_STEP 20000

void episode_note (Episode *episode, const char *format, ...) G_GNUC_PRINTF (2, 3);
OracleWish episode_draw_wish (Episode *episode);

void episode_renew (Episode *episode, guint slot);

gboolean episode_wants (const Episode *episode, const OracleLink *link);
gboolean episode_has_lost (const Episode *episode, const OracleLink *link);
gboolean episode_may_tell (const OracleLink *link);
gint64 episode_get_last_gate (const OracleLink *link);
void episode_merge (Episode *episode);
void episode_mislead (Episode *episode);
void episode_join (Episode *episode);

G_END_DECLS
