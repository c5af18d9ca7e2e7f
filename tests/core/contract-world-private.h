/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What contract-world.c (the calls) and contract-compare.c (what is seen of them) share. */

#pragma once

#include "tests/core/contract-world.h"

G_BEGIN_DECLS

/* How one run of a request was reported to whoever awaited it. */
typedef struct
{
  guint ref_count;
  gboolean told;
  GError *error;
} WorldTold;

typedef struct
{
  char *id;
  WorldTold *told;  /* of the latest run */
  gboolean checked; /* its finished file */
} WorldRequest;

/* A call that reports later. */
typedef struct
{
  World *world;
  gboolean reported;
  OracleCount allowed; /* of a cancel */
  guint n_cancelled;
  guint removal; /* what a removal may report; 0 for a cancel */
  GError *error;
} WorldReport;

typedef struct
{
  char *target;
  gint64 first;
} WorldAsked;

WorldRequest *world_find (World *world, const OracleRequest *request);
void world_await (World *world, const OracleRequest *request);
void world_told_unref (WorldTold *told);

G_END_DECLS
