/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A thread with a queue of jobs, and the way back to the thread that made it.
 *
 * The catalog thread, the disk threads, the connections and the hashers are all workers. A worker
 * belongs to the thread that made it (here always the main thread), whose default main context
 * runs what comes back. The worker's own lock orders everything that crosses, so a job's data needs
 * no lock of its own as long as one side at a time holds it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DrayWorker DrayWorker;
typedef void (*DrayWorkerFunc) (gpointer data);

DrayWorker *dray_worker_new (const char *name);
void dray_worker_free (DrayWorker *worker);
void dray_worker_push (DrayWorker *worker,
                       DrayWorkerFunc run,
                       DrayWorkerFunc done,
                       gpointer data);
void dray_worker_post_back (DrayWorker *worker, DrayWorkerFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayWorker, dray_worker_free)

G_END_DECLS
