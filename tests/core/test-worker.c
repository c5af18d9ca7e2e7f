/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/worker.h"

#define N_JOBS 1000

typedef struct
{
  DrayWorker *worker;
  GThread *main_thread;
  guint n_run;      /* the worker's */
  guint n_done;     /* the main thread's */
  guint n_reported; /* likewise */
} Shared;

typedef struct
{
  Shared *shared;
  guint number;
} Job;

static void
report (gpointer data)
{
  Shared *shared = data;

  g_assert_true (g_thread_self () == shared->main_thread);
  shared->n_reported++;
}

static void
run (gpointer data)
{
  Job *job = data;

  g_assert_true (g_thread_self () != job->shared->main_thread);
  g_assert_cmpuint (job->number, ==, job->shared->n_run);
  job->shared->n_run++;
  if (job->number % 10 == 0)
    dray_worker_post_back (job->shared->worker, report, job->shared);
}

static void
done (gpointer data)
{
  Job *job = data;

  g_assert_true (g_thread_self () == job->shared->main_thread);
  g_assert_cmpuint (job->number, ==, job->shared->n_done);
  job->shared->n_done++;
  g_free (job);
}

static void
push_all (Shared *shared)
{
  for (guint i = 0; i < N_JOBS; i++)
    {
      Job *job = g_new (Job, 1);

      *job = (Job){ shared, i };
      dray_worker_push (shared->worker, run, done, job);
    }
}

/* Jobs run in their order in the one thread, and come back in that order in the other. */
static void
test_order (void)
{
  Shared shared = { .worker = dray_worker_new ("test"), .main_thread = g_thread_self () };

  push_all (&shared);
  while (shared.n_done < N_JOBS)
    g_main_context_iteration (NULL, TRUE);
  dray_worker_free (shared.worker);

  g_assert_cmpuint (shared.n_run, ==, N_JOBS);
  g_assert_cmpuint (shared.n_reported, ==, N_JOBS / 10);
}

/* Nothing that was pushed is lost when the worker is freed. */
static void
test_free (void)
{
  Shared shared = { .worker = dray_worker_new ("test"), .main_thread = g_thread_self () };

  push_all (&shared);
  dray_worker_free (shared.worker);
  g_assert_cmpuint (shared.n_run, ==, N_JOBS);
  g_assert_cmpuint (shared.n_done, ==, N_JOBS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker/order", test_order);
  g_test_add_func ("/worker/free", test_free);

  return g_test_run ();
}
