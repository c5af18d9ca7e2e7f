/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A folder, a catalog and a server for files of known versions, and the question after a power cut:
 * is there a wrong byte under a final name, now or when every download has come to its end?
 *
 * The functions run the main loop until what they wait for has come. The main thread's.
 */

#pragma once

#include "core/request/manager.h"
#include "tests/core/power-state.h"
#include "tests/server/model-server.h"

G_BEGIN_DECLS

/* How many contents there are, no two of which have many bytes in common. */
#define POWER_N_VERSIONS 4

/* The kernel's ids of the boot that is recorded and of the one after it. */
#define POWER_BOOT "11111111-1111-4111-8111-111111111111"
#define POWER_NEXT_BOOT "22222222-2222-4222-8222-222222222222"

typedef struct
{
  char *root; /* the folder to throw away */
  char *catalog_path;
  char *folder; /* where the files go */
  gint64 size;  /* of all versions */
  guint connections; /* of each download; 0 is as many as pay */
  DrayTestServer *server;
  DrayTestContent *contents[POWER_N_VERSIONS];
  GBytes *versions[POWER_N_VERSIONS];
  char *digests[POWER_N_VERSIONS];
  const char *last_path; /* what was asked for last while recording, and the version there */
  guint last_version;
  char *situation; /* for the message of a failed test */
} PowerRig;

void power_rig_init (PowerRig *rig, gint64 size);
void power_rig_clear (PowerRig *rig);
void power_rig_serve (PowerRig *rig, const char *path, guint version);

DrayManager *power_rig_open (PowerRig *rig, const char *boot_id, guint interval);
void power_rig_close (PowerRig *rig, DrayManager *manager);
DrayRequest *power_rig_get (PowerRig *rig, DrayManager *manager, const char *path);
gboolean power_rig_await (DrayRequest *request, GError **error);
void power_rig_cancel (DrayManager *manager, const char *id, gboolean discard);
void power_rig_wait_for_bytes (gint64 n_bytes);

void power_rig_recover (PowerRig *rig, const PowerState *state);
void power_rig_check_synced (PowerRig *rig, const PowerTimeline *timeline);

G_END_DECLS
