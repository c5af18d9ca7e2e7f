/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the files of the world share: contract-world.c and contract-kill.c (the calls),
 * contract-server.c (what the server is told), contract-compare.c and contract-files.c (what is seen
 * of both), contract-describe.c. */

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
  guint removal;  /* what a removal may report; 0 for a cancel */
  gboolean waits; /* reports nothing but that it is done */
  GError *error;
} WorldReport;

typedef struct
{
  char *target;
  gint64 first;
} WorldAsked;

WorldRequest *world_find (World *world, const OracleRequest *request);
void world_open (World *world);
void world_await (World *world, const OracleRequest *request);
void world_tell_again (World *world);
char *world_dup_folder (World *world, guint folder);
void world_told_unref (WorldTold *told);

const char *world_name_state (guint state);
char *world_dup_state_names (guint states);
void world_describe (World *world);

gboolean world_has_file (World *world, const OracleLink *link, guint folder);
void world_compare_files (World *world, GString *problem);
void world_compare_asked (World *world, const OracleLink *link, GString *problem);

G_END_DECLS
