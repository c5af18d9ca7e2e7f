/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Random calls of several callers, checked step by step against the contract's oracle.
 *
 * A run is a row of episodes, each with a seed of its own, a new catalog and a new server. Where one
 * goes wrong, its seed, the step and the last steps are printed; DRAY_TEST_SEED=<seed> plays that
 * episode again. The seeds count from 1, and a run has so many steps however fast the machine is; where
 * an end races a call, what came of it decides what can be done next. DRAY_TEST_STEPS says another
 * number of steps, and DRAY_TEST_FIRST_SEED=<seed> looks elsewhere.
 */

#include "tests/core/contract-episode.h"

#include <stdlib.h>

#define EPISODE_STEPS 200
#define PLAIN_STEPS 5000
#define FULL_STEPS 10000
#define N_REMEMBERED 40

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
  guint n_actions = episode_draw (episode, 2) == 0 ? 1 : 1 + episode_draw (episode, 4);
  guint chance = episode_draw (episode, 24);
  const char *problem;

  g_string_truncate (episode->step, 0);
  episode->alone = FALSE;
  episode_tidy (episode);
  world_begin (episode->world);
  if (chance == 0)
    episode_kill (episode);
  else if (chance == 1 && episode->world->oracle->resumes)
    episode_restart (episode);
  else
    {
      for (guint i = 0; i < n_actions && !episode->alone; i++)
        episode_act (episode, i == 0);
      episode_remove_finished (episode);
      if (chance == 1 && !episode->alone)
        episode_restart (episode);
    }
  remember (episode, number);
  problem = world_compare (episode->world);

  return problem;
}

static guint
run_episode (guint32 seed, guint n_steps)
{
  Episode episode = {
    .rand = g_rand_new_with_seed (seed),
    .history = g_ptr_array_new_with_free_func (g_free),
    .step = g_string_new (NULL),
  };
  guint n_taken = 0;
  guint max_transfers;

  max_transfers =
      episode_draw (&episode, 4) == 0 ? EPISODE_NO_LIMIT : 1 + episode_draw (&episode, 4);
  episode.world = world_new (max_transfers, episode_draw (&episode, 3) == 0);
  episode_fill (&episode);
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
  guint32 next = MAX (1, get_figure ("DRAY_TEST_FIRST_SEED"));
  guint n_steps = 0;

  if (seed != 0)
    {
      run_episode (seed, n_wanted != 0 ? n_wanted : EPISODE_STEPS);
      return;
    }
  if (n_wanted == 0)
    n_wanted = g_getenv ("DRAY_TEST_FULL") != NULL ? FULL_STEPS : PLAIN_STEPS;

  while (n_steps < n_wanted)
    {
      seed = next++;
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
