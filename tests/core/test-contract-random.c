/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Random calls of several callers, checked step by step against the contract's oracle.
 *
 * A run is a row of episodes, each with a seed of its own, a new catalog and a new server. Where one
 * goes wrong, its seed, the step and the last steps are printed; DRAY_TEST_SEED=<seed> plays that
 * episode again. DRAY_TEST_STEPS says how many steps a run has; without it, the plain run ends after
 * some seconds and the full one after 10,000 steps.
 */

#include "tests/core/contract-world.h"

#include <stdlib.h>

#define N_SLOTS 4
#define N_CALLERS 3
#define EPISODE_STEPS 200
#define FULL_STEPS 10000
#define PLAIN_TIME (15 * G_USEC_PER_SEC)
#define N_REMEMBERED 30
#define LINK_SIZE 120000
#define GATE_STEP 20000

typedef struct
{
  World *world;
  GRand *rand;
  OracleLink *slots[N_SLOTS]; /* the links that calls are made for */
  guint generations[N_SLOTS];
  GPtrArray *history; /* of texts: the last steps */
  GString *step;
} Episode;

typedef struct
{
  guint weight;
  gboolean alone; /* only as the first of a burst: what it says of the server holds throughout */
  void (*act) (Episode *episode);
} Action;

static guint
draw (Episode *episode, guint n)
{
  return (guint) g_rand_int_range (episode->rand, 0, (gint32) n);
}

static void note (Episode *episode, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
note (Episode *episode, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (episode->step->len > 0)
    g_string_append (episode->step, "; ");
  g_string_append_vprintf (episode->step, format, args);
  va_end (args);
}

static void
renew (Episode *episode, guint slot)
{
  g_autofree char *path = g_strdup_printf ("/m%u-%u.bin", slot, ++episode->generations[slot]);
  gint64 gate = GATE_STEP * (1 + (gint64) draw (episode, 3));

  episode->slots[slot] = world_add_link (episode->world, path, LINK_SIZE, gate);
}

static OracleLink *
draw_link (Episode *episode)
{
  return episode->slots[draw (episode, N_SLOTS)];
}

/* Any request, or one that has one of the states. */
static OracleRequest *
draw_request (Episode *episode, guint states)
{
  GPtrArray *requests = episode->world->oracle->requests;
  g_autoptr (GPtrArray) fitting = g_ptr_array_new ();

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      if ((request->states & states) != 0 && request->states != ORACLE_GONE)
        g_ptr_array_add (fitting, request);
    }

  return fitting->len > 0 ? g_ptr_array_index (fitting, draw (episode, fitting->len)) : NULL;
}

static void
download (Episode *episode)
{
  OracleLink *link = draw_link (episode);
  guint caller = draw (episode, N_CALLERS);
  OracleRequest *request;

  if (link->discarded)
    return;
  request = world_download (episode->world, link, caller);
  note (episode, "download %s by %u: #%u", link->path, caller, request->number);
}

static void
pause_one (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_RUNNING);

  if (request == NULL)
    return;
  note (episode, "pause #%u", request->number);
  world_cancel (episode->world, request, FALSE);
}

static void
discard_one (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_RUNNING | ORACLE_PAUSED | ORACLE_FAILED);

  if (request == NULL)
    return;
  note (episode, "discard #%u", request->number);
  world_cancel (episode->world, request, TRUE);
}

/* Of whatever state: what has settled is not touched. */
static void
cancel_any (Episode *episode)
{
  OracleRequest *request = draw_request (episode, G_MAXUINT);

  if (request == NULL)
    return;
  note (episode, "cancel #%u", request->number);
  world_cancel (episode->world, request, FALSE);
}

static void
discard_completed (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_COMPLETED);

  if (request == NULL)
    return;
  note (episode, "discard the completed #%u", request->number);
  world_cancel (episode->world, request, TRUE);
}

static void
cancel_unknown (Episode *episode)
{
  static const char *const ids[] = { "", "no-such-request", "url:http://nowhere/" };

  note (episode, "cancel what nobody knows");
  world_cancel_unknown (episode->world, ids[draw (episode, G_N_ELEMENTS (ids))]);
}

static void
resume_one (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_PAUSED | ORACLE_FAILED);

  /* After a cancel that has not reported, and while the server refuses, all is allowed. */
  if (request == NULL || (request->ran && request->link->refuses)
      || (request->states & ORACLE_GONE) != 0)
    return;
  note (episode, "resume #%u", request->number);
  world_resume (episode->world, request);
}

static void
resume_running (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_RUNNING);

  if (request == NULL || request->states != ORACLE_RUNNING || request->link->complete)
    return;
  note (episode, "resume the running #%u", request->number);
  world_resume (episode->world, request);
}

static void
remove_one (Episode *episode)
{
  OracleRequest *request = draw_request (episode, G_MAXUINT);

  if (request == NULL)
    return;
  note (episode, "remove #%u", request->number);
  world_remove (episode->world, request);
}

static void
sweep (Episode *episode)
{
  OracleLink *link = draw_link (episode);

  note (episode, "sweep %s", link->path);
  world_sweep (episode->world, link);
}

static void
leave (Episode *episode)
{
  guint caller = draw (episode, N_CALLERS);

  note (episode, "caller %u dies", caller);
  world_leave (episode->world, caller);
}

static void
raise_gate (Episode *episode)
{
  OracleLink *link = draw_link (episode);
  gint64 next = link->gate + GATE_STEP * (1 + (gint64) draw (episode, 2));
  gint64 gate = MIN (link->size, next);

  if (gate == link->gate)
    return;
  note (episode, "%s sends to %" G_GINT64_FORMAT, link->path, gate);
  world_raise_gate (episode->world, link, gate);
}

static void
complete (Episode *episode)
{
  OracleLink *link = draw_link (episode);

  note (episode, "%s sends all", link->path);
  world_raise_gate (episode->world, link, link->size);
}

static void
refuse (Episode *episode)
{
  OracleLink *link = draw_link (episode);

  note (episode, "%s %s", link->path, link->refuses ? "is served again" : "is refused");
  world_refuse (episode->world, link, !link->refuses);
}

static void
cut (Episode *episode)
{
  OracleLink *link = draw_link (episode);

  note (episode, "%s breaks off and is refused", link->path);
  world_cut (episode->world, link);
}

static void
restart (Episode *episode)
{
  note (episode, "restart");
  world_restart (episode->world);
}

static void
kill_all (Episode *episode)
{
  note (episode, "kill");
  world_kill (episode->world);
}

static const Action actions[] = {
  { 25, FALSE, download },
  { 12, FALSE, pause_one },
  { 14, FALSE, resume_one },
  { 8, FALSE, discard_one },
  { 3, FALSE, remove_one },
  { 4, FALSE, sweep },
  { 2, FALSE, cancel_any },
  { 1, FALSE, leave },
  { 1, FALSE, cancel_unknown },
  { 1, FALSE, resume_running },
  { 1, FALSE, discard_completed },
  { 14, TRUE, raise_gate },
  { 6, TRUE, complete },
  { 5, TRUE, refuse },
  { 1, TRUE, cut },
};

static const Action *
draw_action (Episode *episode)
{
  guint sum = 0, drawn;

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    sum += actions[i].weight;
  drawn = draw (episode, sum);
  for (guint i = 0;; i++)
    {
      if (drawn < actions[i].weight)
        return &actions[i];
      drawn -= actions[i].weight;
    }
}

/* Does one thing that can be done now. */
static void
act (Episode *episode, gboolean first)
{
  gsize noted = episode->step->len;

  while (episode->step->len == noted)
    {
      const Action *action = draw_action (episode);

      if (first || !action->alone)
        action->act (episode);
    }
}

static gboolean
is_used (const Oracle *oracle, const OracleLink *link)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    if (((const OracleRequest *) g_ptr_array_index (oracle->requests, i))->link == link)
      return TRUE;

  return FALSE;
}

/* Finished links make way for new ones, most of the time; once all their requests are removed, they
 * leave the world. */
static void
tidy (Episode *episode)
{
  Oracle *oracle = episode->world->oracle;

  for (guint i = 0; i < N_SLOTS; i++)
    if (episode->slots[i]->complete && draw (episode, 4) > 0)
      renew (episode, i);
  for (guint i = oracle->links->len; i > 0; i--)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i - 1);
      gboolean current = FALSE;

      for (guint j = 0; j < N_SLOTS; j++)
        current |= episode->slots[j] == link;
      if (!current && !is_used (oracle, link))
        world_remove_link (episode->world, link);
    }
}

static void
remove_finished (Episode *episode)
{
  GPtrArray *requests = episode->world->oracle->requests;

  for (guint i = 0; i < requests->len && requests->len > 20; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      if (request->link->complete && request->states == ORACLE_COMPLETED)
        {
          note (episode, "remove #%u", request->number);
          world_remove (episode->world, request);
        }
    }
}

static void
remember (Episode *episode, guint number)
{
  g_ptr_array_add (episode->history, g_strdup_printf ("%u: %s", number, episode->step->str));
  if (episode->history->len > N_REMEMBERED)
    g_ptr_array_remove_index (episode->history, 0);
}

static const char *
take_step (Episode *episode, guint number)
{
  guint n_actions = draw (episode, 2) == 0 ? 1 : 1 + draw (episode, 4);
  guint chance = draw (episode, 60);
  const char *problem;

  g_string_truncate (episode->step, 0);
  tidy (episode);
  world_begin (episode->world);
  if (chance == 0)
    kill_all (episode);
  else
    {
      for (guint i = 0; i < n_actions; i++)
        act (episode, i == 0);
      remove_finished (episode);
      if (chance == 1)
        restart (episode);
    }
  remember (episode, number);
  problem = world_compare (episode->world);

  return problem;
}

static guint
run_episode (guint32 seed, guint n_steps)
{
  Episode episode = {
    .world = world_new (),
    .rand = g_rand_new_with_seed (seed),
    .history = g_ptr_array_new_with_free_func (g_free),
    .step = g_string_new (NULL),
  };
  guint n_taken = 0;

  for (guint i = 0; i < N_SLOTS; i++)
    renew (&episode, i);
  for (; n_taken < n_steps; n_taken++)
    {
      const char *problem = take_step (&episode, n_taken + 1);

      if (problem == NULL)
        continue;
      for (guint i = 0; i < episode.history->len; i++)
        g_printerr ("%s\n", (const char *) g_ptr_array_index (episode.history, i));
      g_error ("DRAY_TEST_SEED=%u goes wrong at step %u:\n%s", seed, n_taken + 1, problem);
    }

  world_free (episode.world);
  g_rand_free (episode.rand);
  g_ptr_array_unref (episode.history);
  g_string_free (episode.step, TRUE);
  return n_taken;
}

/* Returns a figure of the environment, or 0. */
static guint
get_figure (const char *name)
{
  const char *text = g_getenv (name);

  return text != NULL ? (guint) strtoul (text, NULL, 10) : 0;
}

static void
test_random (void)
{
  guint32 seed = get_figure ("DRAY_TEST_SEED");
  guint n_wanted = get_figure ("DRAY_TEST_STEPS");
  gint64 started = g_get_monotonic_time ();
  guint n_steps = 0;

  if (seed != 0)
    {
      run_episode (seed, n_wanted != 0 ? n_wanted : EPISODE_STEPS);
      return;
    }
  if (n_wanted == 0 && g_getenv ("DRAY_TEST_FULL") != NULL)
    n_wanted = FULL_STEPS;

  while (n_wanted != 0 ? n_steps < n_wanted : g_get_monotonic_time () - started < PLAIN_TIME)
    {
      seed = MAX (1, g_random_int ());
      n_steps += run_episode (seed, EPISODE_STEPS);
      g_test_message ("%u steps, the last episode's seed was %u", n_steps, seed);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/contract/random", test_random);

  return g_test_run ();
}
