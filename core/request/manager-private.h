/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a manager, shared by the files that each tell one part:
 *
 * manager.c: opening, what it holds
 * manager-close.c: closing
 * manager-download.c: asking; what a plan makes of a request
 * manager-resume.c: running again
 * manager-plan.c: requests whose files only a server can list
 * manager-queue.c: who runs next; jobs and deliveries from their start to their end
 * manager-hold.c: holding everything, the order of the queue
 * manager-cancel.c: pausing, discarding, sweeping, removing
 * manager-discard.c: deleting the partial file that nobody wants
 * manager-merge.c: what a server's answer tells of keys; two transfers that prove equal
 * manager-set.c: parents and their children
 * manager-network.c: the network that comes back, the machine that wakes
 * manager-space.c: waiting for room on a full drive
 *
 * A running request is at any time in one of four places: being planned, in the queue, served by a
 * job, or in a delivery. A parent is in none of them until it is loaded.
 */

#pragma once

#include "core/base/plan.h"
#include "core/base/sleep-watch.h"
#include "core/request/delivery.h"
#include "core/request/download-job.h"
#include "core/request/manager.h"

G_BEGIN_DECLS

typedef struct _DrayCancel DrayCancel;
typedef struct _DraySpaceWait DraySpaceWait;

struct _DrayManager
{
  GObject parent_instance;

  char *catalog_path;
  char *library_root;
  DrayEngine engine;
  GPtrArray *plans;         /* those that are being made, see manager-plan.c */
  GPtrArray *queue;         /* of DrayRequest, in the person's order */
  GPtrArray *jobs;          /* of DrayDownloadJob, those that run */
  GPtrArray *deliveries;    /* of DrayDelivery, those that run and then those that wait */
  GPtrArray *idle_workers;  /* of DrayWorker: what a delivery may run in */
  GPtrArray *cancels;       /* of DrayCancel, those that have not reported */
  GPtrArray *holds;         /* of GTask: those who wait until nothing moves */
  GPtrArray *space_waits;   /* of DraySpaceWait: whose drive is full */
  GHashTable *merges;       /* from the id of an asset to that of the one that it becomes */
  GHashTable *model_aliases; /* from an alias to a set of model ids */
  gint64 next_position;
  guint max_transfers;
  guint64 rate_limit; /* bytes per second; DRAY_RATE_UNLIMITED */
  gboolean held;
  gboolean resumes;         /* what ran when the last program ended runs again */
  guint n_operations;       /* what must end before the manager may close */
  guint sample_source;
  guint pump_source;
  guint space_source;
  DraySleepWatch sleep_watch;
  GTask *closing; /* NULL unless the manager is closing */
};

/* manager.c */
gboolean dray_manager_check_open (DrayManager *self, GError **error);
gboolean dray_manager_is_wanted (DrayManager *self, gint64 asset_id);
void dray_manager_take_off_list (DrayManager *self, DrayRequest *request);
void dray_manager_forget_request (DrayManager *self,
                                  DrayRequest *request,
                                  DrayCatalogChange *change);

/* manager-close.c */
void dray_manager_begin_operation (DrayManager *self);
void dray_manager_end_operation (DrayManager *self);
void dray_manager_close_if_idle (DrayManager *self);

/* manager-plan.c */
gboolean dray_manager_may_plan (DrayManager *self);
void dray_manager_plan (DrayManager *self, DrayRequest *request);
gboolean dray_manager_stop_plan (DrayManager *self, DrayRequest *request);
void dray_manager_stop_plans (DrayManager *self);
void dray_manager_try_plans_now (DrayManager *self);

/* manager-queue.c */
void dray_manager_end_run (DrayManager *self, DrayRequest *request, const GError *error);
void dray_manager_go_on (DrayManager *self);
void dray_manager_enqueue (DrayManager *self, DrayRequest *request);
void dray_manager_dequeue (DrayManager *self, DrayRequest *request);
void dray_manager_pump_soon (DrayManager *self);
void dray_manager_conclude (DrayManager *self, DrayRequest *request);
void dray_manager_deliver (DrayManager *self, DrayRequest *request);
void dray_manager_settle (DrayManager *self,
                          DrayRequest *request,
                          DrayRequestState state,
                          const GError *error);
DrayDownloadJob *dray_manager_find_job (DrayManager *self, gint64 asset_id);
DrayDelivery *dray_manager_find_delivery (DrayManager *self, DrayRequest *request);
void dray_manager_drop_delivery (DrayManager *self, DrayDelivery *delivery);

/* manager-download.c */
void dray_manager_adopt_plan (DrayManager *self, DrayRequest *request, const DrayPlan *plan);

/* manager-resume.c */
void dray_manager_run_again (DrayManager *self, DrayRequest *request);

/* manager-hold.c */
void dray_manager_report_holds (DrayManager *self);

/* manager-cancel.c */
void dray_manager_advance_cancels (DrayManager *self);
void dray_manager_note_settled (DrayManager *self,
                                DrayRequest *request,
                                DrayRequestState state);

/* manager-discard.c */
void dray_manager_discard_asset_async (DrayManager *self,
                                       DrayStoredAsset *asset,
                                       DrayCatalogChange *change,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
void dray_manager_discard_asset_finish (DrayManager *self, GAsyncResult *result);
void dray_manager_forget_empty_asset (DrayManager *self, gint64 asset_id);

/* manager-merge.c */
void dray_manager_answered (DrayDownloadJob *job, const DrayServerFacts *facts, gpointer user_data);
void dray_manager_finish_merge (DrayManager *self, gint64 asset_id);
void dray_manager_add_model_alias (DrayManager *self, const char *alias, const char *model_id);

/* manager-set.c */
void dray_manager_watch_child (DrayManager *self, DrayRequest *child);
void dray_manager_update_parent (DrayManager *self, DrayRequest *parent);
void dray_manager_complete_parent (DrayManager *self, DrayRequest *parent);
void dray_manager_sum_up_parents (DrayManager *self);

/* manager-network.c */
void dray_manager_try_now (gpointer user_data);
void dray_manager_look_for_sleep (DrayManager *self);

/* manager-space.c */
gboolean dray_manager_wait_for_space (DrayManager *self, gint64 asset_id);
gboolean dray_manager_is_short_of_space (DrayManager *self, DrayRequest *request);
void dray_manager_plan_space (DrayDownloadJob *job, GPtrArray *needs, gpointer user_data);

G_END_DECLS
