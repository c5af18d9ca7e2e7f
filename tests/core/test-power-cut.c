/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Power cuts: each test records what a download does to the disk, then restores states that a cut
 * at any moment may have left, and sees that no wrong byte ever stands under a final name.
 *
 * The states are a random sample; --seed repeats one, and DRAY_TEST_POWER_CUTS is how many states
 * each test tries.
 */

#include "tests/core/power-recovery.h"

#include <stdlib.h>

#define A "/a/model.gguf"
#define B "/b/model.gguf"

#define SIZE ((gint64) 1200007)
#define LARGE_SIZE ((gint64) 34 * 1024 * 1024 + 12345)

/* Enough for each connection to come to work. */
#define PARALLEL_SIZE ((gint64) 56 * 1024 * 1024 + 12345)

/* Of the server while recording, in bytes a second. */
#define RATE ((gint64) 8 * 1024 * 1024)

/* Of a server whose answers are cut short. */
#define SLOW_RATE (RATE / 4)

/* How often offsets are journaled while recording, in milliseconds. */
#define INTERVAL 4

/* What the test, its server and the libraries may run between two managers: the server has a thread
 * for each connection that it has not seen closed yet. */
#define THREADS_MAX 50

typedef struct
{
  const char *name;
  void (*record) (PowerRig *rig, DrayManager *manager);
  PowerFaults faults;
  gint64 size;
  guint n_states;
  guint connections; /* 0: as many as pay */
} Scenario;

static DrayRequest *
get (PowerRig *rig, DrayManager *manager, const char *path)
{
  rig->last_path = path;

  return power_rig_get (rig, manager, path);
}

static void
must_complete (DrayRequest *request)
{
  g_autoptr (GError) error = NULL;

  power_rig_await (request, &error);
  g_assert_no_error (error);
}

/* Lets so many bytes through, and then ends the download. */
static void
cancel_after (
    PowerRig *rig, DrayManager *manager, DrayRequest *request, gint64 n_bytes, gboolean discard)
{
  power_rig_wait_for_bytes (n_bytes);
  power_rig_cancel (manager, dray_request_get_id (request), discard);
  g_assert_cmpint (dray_request_get_state (request), ==,
                   discard ? DRAY_REQUEST_DISCARDED : DRAY_REQUEST_PAUSED);
  dray_test_server_set_behaviour (rig->server, A, &(DrayTestBehaviour){ 0 });
}

/* The next answer goes no further than this. */
static void
stall_after (PowerRig *rig, gint64 n_bytes)
{
  DrayTestBehaviour stall = {
    .break_times = 1,
    .break_after = n_bytes,
    .break_how = DRAY_TEST_BREAK_STALL,
  };

  dray_test_server_set_behaviour (rig->server, A, &stall);
}

static void
resume (DrayManager *manager, DrayRequest *request)
{
  g_autoptr (GError) error = NULL;

  dray_manager_resume (manager, dray_request_get_id (request), FALSE, &error);
  g_assert_no_error (error);
}

static void
record_download (PowerRig *rig, DrayManager *manager)
{
  must_complete (get (rig, manager, A));
}

static void
record_pauses (PowerRig *rig, DrayManager *manager)
{
  gint64 quarter = rig->size / 4;
  DrayRequest *request;

  stall_after (rig, quarter);
  request = get (rig, manager, A);
  cancel_after (rig, manager, request, quarter, FALSE);
  stall_after (rig, quarter);
  resume (manager, request);
  cancel_after (rig, manager, request, 2 * quarter, FALSE);
  resume (manager, request);
  must_complete (request);
}

static void
record_discard (PowerRig *rig, DrayManager *manager)
{
  gint64 n_bytes = rig->size * 2 / 3;
  g_autoptr (DrayRequest) request = NULL;

  stall_after (rig, n_bytes);
  request = g_object_ref (get (rig, manager, A));
  cancel_after (rig, manager, request, n_bytes, TRUE);
  rig->last_version = 1;
  must_complete (get (rig, manager, B));
}

static void
record_change (PowerRig *rig, DrayManager *manager)
{
  gint64 n_bytes = rig->size * 2 / 3;

  stall_after (rig, n_bytes);
  cancel_after (rig, manager, get (rig, manager, A), n_bytes, FALSE);
  rig->last_version = 2;
  power_rig_serve (rig, A, 2);
  must_complete (get (rig, manager, A));
}

static void
record_failing_sync (PowerRig *rig, DrayManager *manager)
{
  DrayRequest *request = get (rig, manager, A);

  g_assert_false (power_rig_await (request, NULL));
  resume (manager, request);
  must_complete (request);
}

/* Of the several connections none may be held back: another would take over what it has. */
static void
record_parallel_pauses (PowerRig *rig, DrayManager *manager)
{
  gint64 quarter = rig->size / 4;
  DrayRequest *request;

  dray_test_server_set_rate (rig->server, SLOW_RATE);
  request = get (rig, manager, A);
  cancel_after (rig, manager, request, quarter, FALSE);
  resume (manager, request);
  cancel_after (rig, manager, request, 2 * quarter, FALSE);
  dray_test_server_set_rate (rig->server, RATE);
  resume (manager, request);
  must_complete (request);
}

static guint
count_states (const Scenario *scenario)
{
  const char *wanted = g_getenv ("DRAY_TEST_POWER_CUTS");

  return wanted != NULL ? (guint) atoi (wanted) : scenario->n_states;
}

static PowerTape *
record (PowerRig *rig, const Scenario *scenario)
{
  DrayManager *manager;

  power_rig_serve (rig, A, 0);
  power_rig_serve (rig, B, 1);
  dray_test_server_set_rate (rig->server, scenario->size == LARGE_SIZE ? 16 * RATE : RATE);
  manager = power_rig_open (rig, POWER_BOOT, INTERVAL);
  power_disk_begin (rig->catalog_path, &scenario->faults);
  scenario->record (rig, manager);
  power_rig_close (rig, manager);
  dray_test_server_set_rate (rig->server, 0);

  return power_disk_end ();
}

/* Each state's manager has ended, and with it the threads of its transfers. */
static void
check_threads (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  guint n_threads = 0;

  while (g_dir_read_name (tasks) != NULL)
    n_threads++;
  g_assert_cmpuint (n_threads, <, THREADS_MAX);
}

static void
test_scenario (gconstpointer data)
{
  const Scenario *scenario = data;
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_autoptr (PowerTape) tape = NULL;
  g_autoptr (PowerTimeline) timeline = NULL;
  guint n_states = count_states (scenario);
  PowerRig rig;

  power_rig_init (&rig, scenario->size);
  rig.connections = scenario->connections;
  tape = record (&rig, scenario);
  timeline = power_timeline_new (tape);
  power_rig_check_synced (&rig, timeline);

  power_timeline_shuffle (timeline, random);
  for (guint i = 0; i < n_states; i++)
    {
      PowerState state;

      power_timeline_choose (
          timeline, g_array_index (timeline->cuts, guint, i % timeline->cuts->len), random, &state);
      g_free (rig.situation);
      rig.situation = power_state_describe (&state);
      power_timeline_restore (timeline, &state, rig.catalog_path, rig.folder);
      power_rig_recover (&rig, &state);
    }
  check_threads ();
  g_test_message ("%s: %u calls, %u commits, %u cuts, %u states", scenario->name, tape->ops->len,
                  timeline->commits->len, timeline->cuts->len, n_states);
  power_rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const Scenario scenarios[] = {
    { "download", record_download, { 0 }, SIZE, 240 },
    { "pauses", record_pauses, { 0 }, SIZE, 240 },
    { "discard", record_discard, { 0 }, SIZE, 240 },
    { "change", record_change, { 0 }, SIZE, 240 },
    { "failing-sync", record_failing_sync, { .failing_sync = 6 }, SIZE, 240 },
    { "plain-renames", record_download, { .plain_renames = TRUE }, SIZE, 120 },
    { "blocks", record_download, { 0 }, LARGE_SIZE, 30 },
    { "parallel", record_download, { 0 }, PARALLEL_SIZE, 12, 16 },
    { "parallel-pauses", record_parallel_pauses, { 0 }, PARALLEL_SIZE, 12, 5 },
  };

  g_test_init (&argc, &argv, NULL);
  power_catalog_register ();
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    {
      g_autofree char *path = g_strconcat ("/power-cut/", scenarios[i].name, NULL);

      g_test_add_data_func (path, &scenarios[i], test_scenario);
    }

  return g_test_run ();
}
