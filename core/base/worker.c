/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/worker.h"

#include "core/base/lock.h"

#include <signal.h>

typedef struct
{
  DrayWorkerFunc run;
  DrayWorkerFunc done;
  gpointer data;
} Job;

struct _DrayWorker
{
  char *name;
  GMainContext *context; /* of the thread that made it; what comes back runs there */
  GSource *source;       /* attached to the context; made ready by post_back */
  pthread_t thread;

  DrayLock lock; /* guards all below */
  DrayCondition wake;
  GQueue jobs;
  GQueue returned;
  gboolean stopping;
};

static gboolean
run_returned (DrayWorker *worker)
{
  GQueue returned = G_QUEUE_INIT;
  Job *job;

  dray_lock_acquire (&worker->lock);
  returned = worker->returned;
  g_queue_init (&worker->returned);
  dray_lock_release (&worker->lock);

  if (g_queue_is_empty (&returned))
    return FALSE;

  while ((job = g_queue_pop_head (&returned)) != NULL)
    {
      job->done (job->data);
      g_free (job);
    }

  return TRUE;
}

/* The source is made ready anew for each thing that comes back, and put to sleep here before the
 * queue is read, so that nothing posted in between is missed. A function that comes back may free
 * the worker, which is why the functions are run from a queue of their own. */
static gboolean
returned_cb (gpointer data)
{
  DrayWorker *worker = data;

  g_source_set_ready_time (worker->source, -1);
  run_returned (worker);

  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (G_GNUC_UNUSED GSource *source, GSourceFunc func, gpointer data)
{
  return func (data);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch };

static void *
worker_thread (void *data)
{
  DrayWorker *worker = data;
  Job *job;

  for (;;)
    {
      dray_lock_acquire (&worker->lock);
      while (g_queue_is_empty (&worker->jobs) && !worker->stopping)
        dray_condition_wait (&worker->wake, &worker->lock);
      job = g_queue_pop_head (&worker->jobs);
      dray_lock_release (&worker->lock);

      if (job == NULL)
        return NULL;

      job->run (job->data);
      if (job->done != NULL)
        dray_worker_post_back (worker, job->done, job->data);
      g_free (job);
    }
}

/**
 * dray_worker_new:
 * @name: what the thread is called in a debugger, at most 15 bytes
 *
 * Starts a thread. It takes no signals: those belong to the main thread.
 *
 * Returns: (transfer full): a worker, owned by the calling thread
 */
DrayWorker *
dray_worker_new (const char *name)
{
  DrayWorker *worker = g_new0 (DrayWorker, 1);
  sigset_t all, before;
  int status;

  worker->name = g_strdup (name);
  worker->context = g_main_context_ref_thread_default ();
  dray_lock_init (&worker->lock);
  dray_condition_init (&worker->wake);

  worker->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (worker->source, "Dray worker");
  g_source_set_callback (worker->source, returned_cb, worker, NULL);
  g_source_attach (worker->source, worker->context);

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  status = pthread_create (&worker->thread, NULL, worker_thread, worker);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (status != 0)
    g_error ("Could not start the thread “%s”: %s", name, g_strerror (status));
  pthread_setname_np (worker->thread, worker->name);

  return worker;
}

/**
 * dray_worker_free:
 * @worker: (transfer full): a worker
 *
 * Lets the worker finish what is queued, waits for its thread, and runs here and now what has come
 * back. Call it only where the queued jobs are known to end soon.
 */
void
dray_worker_free (DrayWorker *worker)
{
  dray_lock_acquire (&worker->lock);
  worker->stopping = TRUE;
  dray_condition_broadcast (&worker->wake);
  dray_lock_release (&worker->lock);

  pthread_join (worker->thread, NULL);
  while (run_returned (worker))
    ;

  g_source_destroy (worker->source);
  g_source_unref (worker->source);
  g_main_context_unref (worker->context);
  dray_condition_clear (&worker->wake);
  dray_lock_clear (&worker->lock);
  g_free (worker->name);
  g_free (worker);
}

/**
 * dray_worker_push:
 * @worker: a worker
 * @run: what the worker's thread does with @data
 * @done: (nullable): what the owner's main context does with @data afterwards
 * @data: handed from one thread to the other; the owner must not touch it until @done
 *
 * Queues a job. Jobs run one at a time, in the order in which they were pushed.
 */
void
dray_worker_push (DrayWorker *worker, DrayWorkerFunc run, DrayWorkerFunc done, gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->run = run;
  job->done = done;
  job->data = data;

  dray_lock_acquire (&worker->lock);
  g_assert (!worker->stopping);
  g_queue_push_tail (&worker->jobs, job);
  dray_condition_broadcast (&worker->wake);
  dray_lock_release (&worker->lock);
}

/**
 * dray_worker_post_back:
 * @worker: a worker, called from its own thread
 * @func: what the owner's main context does with @data
 * @data: handed to the owner
 *
 * Tells the owner something before the job that runs has ended. What is posted arrives in order,
 * and before the job's own `done`.
 */
void
dray_worker_post_back (DrayWorker *worker, DrayWorkerFunc func, gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->done = func;
  job->data = data;

  dray_lock_acquire (&worker->lock);
  g_queue_push_tail (&worker->returned, job);
  g_source_set_ready_time (worker->source, 0);
  dray_lock_release (&worker->lock);
}
