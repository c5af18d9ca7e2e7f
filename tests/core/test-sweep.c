/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Cancelling by model with more than 50 requests, in every state that lasts, over three models.
 *
 * Exactly the requests of that model that are in flight end, within 200 ms, and the bytes of the
 * others never pause: the server's log shows the same answers going on, and no 200 ms without
 * bytes of any.
 */

#include "tests/core/manager-steps.h"

#include <stdlib.h>
#include <string.h>

#define N_MODELS 3
#define N_CALLERS 2
#define N_REQUESTS (N_MODELS * N_CALLERS * (1 + N_SHARDS))
#define SWEPT 1

/* So slowly that none ends during the test, under a sanitizer either. */
#define SIZE ((gint64) 8000000)
#define RATE ((gint64) 20000)

/* How often it is tried, at most: other work on the machine can spoil what is measured. */
#define N_ROUNDS 5

/* In microseconds. */
#define LIMIT (200 * 1000)

/* What the shards of each model are for. */
enum
{
  COMPLETED,
  FAILED,
  MOVING,
  WAITING,
  CONNECTING,
  PAUSED,
  QUEUED,
  QUEUED_TOO,
  N_SHARDS
};

#define N_IN_FLIGHT 5

typedef struct
{
  ManagerFixture *fixture;
  gboolean was_running[N_REQUESTS];
  DrayRequestState before[N_REQUESTS];
  gint64 sent[N_MODELS]; /* of the moving shards, at the last look */
  gint64 grown[N_MODELS];
  gint64 longest_pause;
  gint64 until;
} Sweep;

static char *
dup_path (guint model, guint shard)
{
  return g_strdup_printf ("/model%u-%05u-of-%05u.gguf", model, shard + 1, N_SHARDS);
}

static void
serve (ManagerFixture *fixture, guint model, guint shard)
{
  g_autofree char *path = dup_path (model, shard);
  DrayTestBehaviour behaviour = { 0 };

  dray_test_server_add_gguf (fixture->server, path, model * N_SHARDS + shard + 1,
                             shard == COMPLETED ? 70000 : SIZE);
  if (shard == FAILED)
    behaviour.answer = (DrayTestAnswer){ .times = DRAY_TEST_ALWAYS, .status = 404 };
  else if (shard == CONNECTING)
    behaviour.delay = 600 * 1000;
  else if (shard != COMPLETED)
    behaviour.rate = RATE;
  dray_test_server_set_behaviour (fixture->server, path, &behaviour);
}

static DrayRequest *
get_request (ManagerFixture *fixture, guint i)
{
  g_autoptr (DrayRequest) request =
      g_list_model_get_item (dray_manager_get_requests (fixture->manager), i);

  return request;
}

static guint
get_model (DrayRequest *request)
{
  return (guint) strtoul (strstr (dray_request_get_model_id (request), "/model") + 6, NULL, 10);
}

/* Returns what a request is for; %N_SHARDS of a parent. */
static guint
get_shard (DrayRequest *request)
{
  const char *number = strchr (dray_request_get_source (request), '-') + 1;

  return dray_request_get_parent_id (request) != NULL ? (guint) strtoul (number, NULL, 10) - 1
                                                      : N_SHARDS;
}

static gboolean
is_serving (gpointer data)
{
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      DrayRequest *request = get_request (data, i);
      guint shard = get_shard (request);

      if ((shard == MOVING || shard == WAITING)
          && dray_request_get_state (request) != DRAY_REQUEST_DOWNLOADING)
        return FALSE;
    }

  return TRUE;
}

/* Whether everybody is where the test wants them, when the sets have been asked for. */
static gboolean
is_spread (gpointer data)
{
  static const DrayRequestState states[] = { DRAY_REQUEST_COMPLETED,   DRAY_REQUEST_FAILED,
                                             DRAY_REQUEST_DOWNLOADING, DRAY_REQUEST_WAITING,
                                             DRAY_REQUEST_CONNECTING,  DRAY_REQUEST_PAUSED,
                                             DRAY_REQUEST_QUEUED,      DRAY_REQUEST_QUEUED,
                                             DRAY_REQUEST_DOWNLOADING };

  for (guint i = 0; i < N_REQUESTS; i++)
    {
      DrayRequest *request = get_request (data, i);

      if (dray_request_get_state (request) != states[get_shard (request)])
        return FALSE;
    }

  return TRUE;
}

/* Pauses the last shards, or runs those again that are to wait for their turn. */
static void
treat_last_shards (ManagerFixture *fixture, gboolean again)
{
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      DrayRequest *request = get_request (fixture, i);
      guint shard = get_shard (request);

      if (shard == N_SHARDS || shard < (again ? QUEUED : PAUSED))
        continue;
      if (again)
        fixture_resume (fixture, request);
      else
        g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
    }
}

/* Breaks off what moves, and asks it to wait. This comes last, since a host that asks one transfer
 * to wait is asked for nothing more by the others. */
static void
make_wait (ManagerFixture *fixture, guint model)
{
  g_autofree char *path = dup_path (model, WAITING);
  DrayTestBehaviour behaviour = { .gate = -1 };

  behaviour.answer = (DrayTestAnswer){ .times = DRAY_TEST_ALWAYS,
                                       .status = 503,
                                       .headers = "Retry-After: 600\r\n" };
  dray_test_server_set_behaviour (fixture->server, path, &behaviour);
}

/* Two callers ask for each of the models, one of them to load it. */
static void
spread (ManagerFixture *fixture)
{
  dray_manager_set_max_transfers (fixture->manager, N_MODELS * (CONNECTING - MOVING + 1));
  steps_hold (fixture);
  for (guint model = 0; model < N_MODELS; model++)
    {
      g_autofree char *path = dup_path (model, 0);

      for (guint shard = 0; shard < N_SHARDS; shard++)
        serve (fixture, model, shard);
      fixture_get_with (fixture, path, "caller", "one", NULL);
      steps_load_with (fixture, path, "caller", "another", NULL);
    }
  g_assert_cmpuint (fixture_count_requests (fixture), ==, N_REQUESTS);

  treat_last_shards (fixture, FALSE);
  dray_manager_release (fixture->manager);
  fixture_wait_for_asked (fixture, N_MODELS * (CONNECTING + 1));
  treat_last_shards (fixture, TRUE);
  fixture_wait (is_serving, fixture);
  for (guint model = 0; model < N_MODELS; model++)
    make_wait (fixture, model);
  fixture_wait (is_spread, fixture);
}

static gint64
get_limit (void)
{
  return LIMIT * (gint64) strtol (g_getenv ("DRAY_TEST_PATIENCE"), NULL, 10);
}

/* How many bytes of a file the server has sent, in the one answer that there is. */
static gint64
get_sent (ManagerFixture *fixture, const char *path)
{
  g_autoptr (GPtrArray) log = dray_test_server_dup_log (fixture->server);
  gint64 n_bytes = -1;

  for (guint i = 0; i < log->len; i++)
    {
      const DrayTestRecord *record = g_ptr_array_index (log, i);

      if (!g_str_equal (record->target, path))
        continue;
      g_assert_cmpint (n_bytes, ==, -1);
      g_assert_cmpint (record->finished, ==, 0);
      n_bytes = record->body_bytes;
    }

  return n_bytes;
}

/* Looks at the server's log, again and again, until the time is over. */
static gboolean
look (gpointer data)
{
  Sweep *sweep = data;
  gint64 now = g_get_monotonic_time ();

  for (guint model = 0; model < N_MODELS; model++)
    {
      g_autofree char *path = dup_path (model, MOVING);
      gint64 sent = model != SWEPT ? get_sent (sweep->fixture, path) : 0;

      if (sent > sweep->sent[model] || sweep->grown[model] == 0)
        sweep->grown[model] = now;
      sweep->sent[model] = sent;
      if (model != SWEPT)
        sweep->longest_pause = MAX (sweep->longest_pause, now - sweep->grown[model]);
    }

  return now > sweep->until;
}

static void
remember (Sweep *sweep)
{
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      DrayRequest *request = get_request (sweep->fixture, i);

      sweep->was_running[i] = dray_request_is_running (request);
      sweep->before[i] = dray_request_get_state (request);
    }
}

/* Those of the model that ran are paused, and their parents have failed with the shard that did;
 * nobody else's state has changed but for those whose turn has come. */
static void
assert_swept (Sweep *sweep)
{
  for (guint i = 0; i < N_REQUESTS; i++)
    {
      DrayRequest *request = get_request (sweep->fixture, i);
      DrayRequestState state = dray_request_get_state (request);

      g_test_message ("%s", dray_request_get_source (request));
      if (!sweep->was_running[i])
        g_assert_cmpint (state, ==, sweep->before[i]);
      else if (get_model (request) != SWEPT)
        g_assert_true (dray_request_is_running (request));
      else
        g_assert_cmpint (
            state, ==, get_shard (request) == N_SHARDS ? DRAY_REQUEST_FAILED : DRAY_REQUEST_PAUSED);
    }
}

/* Returns whether everything was as soon as it has to be. */
static gboolean
run_round (ManagerFixture *fixture)
{
  Sweep sweep = { .fixture = fixture };
  g_autofree char *model_id = NULL;
  gint64 began, took;

  spread (fixture);
  remember (&sweep);
  model_id = g_strdup (
      dray_request_get_model_id (get_request (fixture, SWEPT * N_CALLERS * (1 + N_SHARDS))));
  look (&sweep);

  began = g_get_monotonic_time ();
  g_assert_cmpuint (fixture_cancel_model (fixture, model_id), ==, N_CALLERS * N_IN_FLIGHT);
  took = g_get_monotonic_time () - began;
  assert_swept (&sweep);
  sweep.until = began + 2 * get_limit ();
  fixture_wait (look, &sweep);

  g_test_message ("%" G_GINT64_FORMAT " µs, and no longer without bytes than %" G_GINT64_FORMAT
                  " µs",
                  took, sweep.longest_pause);

  return took < get_limit () && sweep.longest_pause < get_limit ();
}

static void
test_sweep (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  gboolean soon = run_round (fixture);

  for (guint i = 1; i < N_ROUNDS && !soon; i++)
    {
      fixture_tear_down (fixture, NULL);
      fixture_set_up (fixture, NULL);
      soon = run_round (fixture);
    }
  g_assert_true (soon);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/sweep/fifty", ManagerFixture, NULL, fixture_set_up, test_sweep, fixture_tear_down);

  return g_test_run ();
}
