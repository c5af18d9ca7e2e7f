/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One row of random calls from a seed: what can be done next, and what was done.
 *
 * The main thread's.
 */

#pragma once

#include "tests/core/contract-world.h"

G_BEGIN_DECLS

#define EPISODE_SLOTS 4
#define EPISODE_SET 2
#define EPISODE_NO_LIMIT 20

typedef struct
{
  World *world;
  GRand *rand;
  OracleLink *slots[EPISODE_SLOTS]; /* the links that calls are made for, */
  OracleLink *set[EPISODE_SET];     /* and those of a set */
  guint n_links;
  gboolean alone;     /* nothing else may be done in this burst */
  GPtrArray *history; /* of texts: the last steps */
  GString *step;
} Episode;

guint episode_draw (Episode *episode, guint n);
void episode_fill (Episode *episode);
void episode_tidy (Episode *episode);
void episode_act (Episode *episode, gboolean first);
void episode_remove_finished (Episode *episode);
void episode_restart (Episode *episode);
void episode_kill (Episode *episode);

G_END_DECLS
