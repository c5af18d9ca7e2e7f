/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The door: how the verbs reach a manager, wherever it is.
 *
 * Behind it is a manager in this process (door-local.c) or one on the session bus (door-bus.c);
 * dray_door_open() chooses. The calls wait for their answers and let the main loop run meanwhile
 * where there is one in this process. The main thread's.
 */

#pragma once

#include "app/row.h"

#include "core/request/download-options.h"

G_BEGIN_DECLS

/**
 * DrayDoorFate:
 * @DRAY_DOOR_OPEN: it has not
 * @DRAY_DOOR_HANDED_OVER: the window's process takes the catalog, and the requests go on there
 * @DRAY_DOOR_ENDED: the process that had the manager ends in order; whoever comes may take it
 * @DRAY_DOOR_CLOSED: somebody asked that the manager be closed
 * @DRAY_DOOR_LOST: the process that had it is gone
 *
 * Why a door has closed by itself.
 */
typedef enum
{
  DRAY_DOOR_OPEN,
  DRAY_DOOR_HANDED_OVER,
  DRAY_DOOR_ENDED,
  DRAY_DOOR_CLOSED,
  DRAY_DOOR_LOST,
} DrayDoorFate;

/**
 * DrayDoorUse:
 * @DRAY_DOOR_GLANCE: for a call that is over at once
 * @DRAY_DOOR_STAY: for requests that run; a manager in this process is put on the bus meanwhile
 * @DRAY_DOOR_FOLLOW: as the last, and a manager in this process will not do
 *
 * What a door is opened for.
 */
typedef enum
{
  DRAY_DOOR_GLANCE,
  DRAY_DOOR_STAY,
  DRAY_DOOR_FOLLOW,
} DrayDoorUse;

#define DRAY_TYPE_DOOR (dray_door_get_type ())
G_DECLARE_DERIVABLE_TYPE (DrayDoor, dray_door, DRAY, DOOR, GObject)

/**
 * DrayDoorClass:
 * @list: all requests, as a list of #DrayRow that follow nothing
 * @ask: asks for a source's file, or for its model to be loaded
 * @follow: lets a row that was listed follow its request
 * @resume: runs a request again, which @row follows from now on
 * @cancel: pauses or discards a request
 * @cancel_model: pauses what is in flight on a model
 * @remove: forgets a request
 * @hold: stops all, or lets go again
 * @leave: pauses the rows given and closes the door
 *
 * What is behind a door. All wait until it is done.
 */
struct _DrayDoorClass
{
  GObjectClass parent_class;

  GPtrArray *(*list) (DrayDoor *self, GError **error);
  DrayRow *(*ask) (DrayDoor *self,
                   const char *source,
                   gboolean load,
                   DrayDownloadOptions *options,
                   GError **error);
  gboolean (*follow) (DrayDoor *self, DrayRow *row, GError **error);
  gboolean (*resume) (DrayDoor *self, DrayRow *row, gboolean restart_changed, GError **error);
  gboolean (*cancel) (DrayDoor *self, const char *id, gboolean clear_cache, GError **error);
  gboolean (*cancel_model) (DrayDoor *self, const char *model, guint *n_cancelled, GError **error);
  gboolean (*remove) (DrayDoor *self, const char *id, GError **error);
  gboolean (*hold) (DrayDoor *self, gboolean held, GError **error);
  void (*leave) (DrayDoor *self, GPtrArray *rows);
};

DrayDoor *dray_door_open (DrayDoorUse use, GError **error);
GPtrArray *dray_door_list (DrayDoor *self, GError **error);
DrayRow *dray_door_ask (DrayDoor *self,
                        const char *source,
                        gboolean load,
                        DrayDownloadOptions *options,
                        GError **error);
GPtrArray *dray_door_list_children (DrayDoor *self, DrayRow *parent, GError **error);
gboolean dray_door_follow (DrayDoor *self, DrayRow *row, GError **error);
gboolean dray_door_resume (DrayDoor *self, DrayRow *row, gboolean restart_changed, GError **error);
gboolean dray_door_cancel (DrayDoor *self, const char *id, gboolean clear_cache, GError **error);
gboolean
dray_door_cancel_model (DrayDoor *self, const char *model, guint *n_cancelled, GError **error);
gboolean dray_door_remove (DrayDoor *self, const char *id, GError **error);
gboolean dray_door_hold (DrayDoor *self, gboolean held, GError **error);
void dray_door_leave (DrayDoor *self, GPtrArray *rows);

/* For those behind the door. */
void dray_door_tell_fate (DrayDoor *self, DrayDoorFate fate);
DrayDoor *dray_door_local_open (GDBusConnection *connection, GError **error);
DrayDoor *dray_door_bus_open (GDBusConnection *connection, const char *name, GError **error);

G_END_DECLS
