/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A request as the verbs see it, wherever the engine runs that drives it: in this process, or in
 * another one on the session bus.
 *
 * Made by a door. A row may go over from one engine to another and stays the same row. It emits
 * `state-changed`, and `settled` each time the request has completed, paused, failed or been
 * discarded. The main thread's.
 */

#pragma once

#include "core/request/request.h"

G_BEGIN_DECLS

/**
 * DrayRowData:
 * @id: the request's id, never %NULL
 * @kind: what kind of request it is
 * @parent_id: (nullable): the id of the request that this one is a part of
 * @source: what the person gave
 * @model_id: the model's id
 * @download_key: (nullable): what names the bytes
 * @caller: who asked
 * @state: the state
 * @reason: (nullable): what is waited for
 * @wait: seconds until the next attempt, or -1
 * @downloaded: bytes
 * @total: bytes, or -1
 * @percentage: 0 to 100, or -1
 * @speed: bytes per second
 * @eta: seconds, or -1
 * @path: (nullable): the finished file
 * @sha256: (nullable): its digest
 * @external: (nullable): the program that keeps the finished file
 * @verified: (nullable): "digest" or "computed"
 * @is_length_proven: whether nothing speaks against the file's being whole
 * @error_name: (nullable): why it failed
 * @error_message: (nullable): why it failed, for a person
 *
 * What is known of a request.
 */
typedef struct
{
  char *id;
  char *kind;
  char *parent_id;
  char *source;
  char *model_id;
  char *download_key;
  char *caller;
  DrayRequestState state;
  char *reason;
  gint64 wait;
  gint64 downloaded;
  gint64 total;
  double percentage;
  gint64 speed;
  gint64 eta;
  char *path;
  char *sha256;
  char *external;
  char *verified;
  gboolean is_length_proven;
  char *error_name;
  char *error_message;
} DrayRowData;

#define DRAY_TYPE_ROW (dray_row_get_type ())
G_DECLARE_FINAL_TYPE (DrayRow, dray_row, DRAY, ROW, GObject)

DrayRow *dray_row_new_for_request (DrayRequest *request);
DrayRow *dray_row_new_for_properties (GVariant *properties);
void dray_row_follow_request (DrayRow *self, DrayRequest *request);
gboolean dray_row_follow_bus (DrayRow *self,
                              GDBusConnection *connection,
                              const char *owner,
                              const char *path,
                              GError **error);
void dray_row_stay (DrayRow *self);

const DrayRowData *dray_row_read (DrayRow *self);
gboolean dray_row_is_running (DrayRow *self);
gboolean dray_row_is_parent (DrayRow *self);
gboolean dray_row_is_child_of (DrayRow *self, DrayRow *parent);
int dray_row_compare (gconstpointer a, gconstpointer b);
GError *dray_row_dup_error (DrayRow *self);

G_END_DECLS
