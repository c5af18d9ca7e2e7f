/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The real thing beside the oracle: a manager, the model server, and what has been seen of both.
 *
 * Each call is made of the manager and of the oracle alike. world_compare() then runs the main loop
 * until what can be seen is what the oracle allows, and says what is wrong where it does not come
 * to that. The main thread's; the server's log is taken from its own threads, under a lock.
 */

#pragma once

#include "core/base/lock.h"
#include "tests/core/contract-oracle.h"
#include "tests/core/manager-steps.h"

G_BEGIN_DECLS

typedef struct
{
  ManagerFixture fixture;
  Oracle *oracle;
  GHashTable *seen;   /* number of a request to WorldRequest */
  GPtrArray *reports; /* of WorldReport, of calls that this burst made */
  guint n_pending;    /* of those, the ones that have not reported */
  GString *problem;
  DrayTestContent *displaced; /* what a link has while another leads there to its own bytes */

  DrayLock lock;
  GArray *asked; /* of WorldAsked, under the lock: what the server was asked for since */
} World;

#define WORLD_SIZE ((gint64) 120000)
#define WORLD_CALLERS 3
#define WORLD_FOLDERS 2

World *world_new (guint max_transfers, gboolean resumes);
void world_free (World *world);

OracleLink *world_add_link (World *world, const char *path, const char *model, gint64 gate);
void world_remove_link (World *world, OracleLink *link);
void world_raise_gate (World *world, OracleLink *link, gint64 gate);
void world_refuse (World *world, OracleLink *link, gboolean refuses);
void world_cut (World *world, OracleLink *link);
void world_promise (World *world, OracleLink *link);
void world_pair (World *world, OracleLink *link, OracleLink *twin, gboolean differs);
void world_lead (World *world, OracleLink *link);
void world_merge (World *world, OracleLink *link);
void world_join (World *world, OracleLink *link);

void world_begin (World *world);
OracleRequest *world_download (World *world, OracleLink *link, const OracleWish *wish);
OracleRequest *world_download_set (World *world, GPtrArray *links, const OracleWish *wish);
void world_resume (World *world, OracleRequest *request);
void world_cancel (World *world, OracleRequest *request, gboolean clear_cache);
void world_cancel_unknown (World *world, const char *id);
void world_sweep (World *world, OracleLink *link, gboolean by_source);
void world_leave (World *world, guint caller);
void world_remove (World *world, OracleRequest *request);
void world_hold (World *world);
void world_release (World *world);
void world_move (World *world, OracleRequest *request, guint place);
void world_start_now (World *world, OracleRequest *request);
void world_restart (World *world);
void world_kill (World *world);
const char *world_compare (World *world);

G_END_DECLS
