/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the manager and its jobs do to a request. */

#include "core/request/request-private.h"

#include "core/base/error.h"
#include "core/request/asset-table.h"

/* Makes a request of a row; takes a copy of @record. */
DrayRequest *
dray_request_new (const DrayRequestRecord *record)
{
  DrayRequest *self = g_object_new (DRAY_TYPE_REQUEST, NULL);
  DrayError code;

  self->record = dray_request_record_copy (record);
  if (!dray_request_state_from_name (record->state, &self->state))
    g_assert_not_reached ();
  if (record->error_name != NULL && dray_error_from_name (record->error_name, &code))
    self->error = g_error_new_literal (DRAY_ERROR, code,
                                       record->error_message != NULL ? record->error_message : "");

  return self;
}

DrayRequestRecord *
dray_request_get_record (DrayRequest *self)
{
  return self->record;
}

DrayRequestWishes *
dray_request_get_wishes (DrayRequest *self)
{
  return &self->wishes;
}

/* A request turns out to stand for several files. */
void
dray_request_become_parent (DrayRequest *self)
{
  self->is_parent = TRUE;
  if (g_str_equal (self->record->kind, "load"))
    return;

  g_free (self->record->kind);
  self->record->kind = g_strdup ("set");
  dray_request_notify (self, DRAY_PROP_KIND);
}

void
dray_request_add_child (DrayRequest *self, DrayRequest *child)
{
  self->is_parent = TRUE;
  child->parent = self;
  g_ptr_array_add (self->children, g_object_ref (child));
}

void
dray_request_remove_child (DrayRequest *self, DrayRequest *child)
{
  child->parent = NULL;
  g_ptr_array_remove (self->children, child);
}

static void
set_string (DrayRequest *self, char **field, const char *value, guint property)
{
  if (g_strcmp0 (*field, value) == 0)
    return;

  g_free (*field);
  *field = g_strdup (value);
  dray_request_notify (self, property);
}

static void
set_int64 (DrayRequest *self, gint64 *field, gint64 value, guint property)
{
  if (*field == value)
    return;

  *field = value;
  dray_request_notify (self, property);
}

static void
set_bytes (DrayRequest *self, gint64 downloaded, gint64 total)
{
  if (self->downloaded != downloaded || self->total != total)
    dray_request_notify (self, DRAY_PROP_PERCENTAGE);
  set_int64 (self, &self->total, total, DRAY_PROP_TOTAL);
  set_int64 (self, &self->downloaded, downloaded, DRAY_PROP_DOWNLOADED);
}

/* Shows what is known of the asset while, or after, no transfer says more. */
void
dray_request_set_asset (DrayRequest *self, const DrayStoredAsset *asset)
{
  g_autofree char *path = dray_stored_asset_get_path (asset);
  gboolean complete = asset->record.state == DRAY_ASSET_COMPLETE;

  g_object_freeze_notify (G_OBJECT (self));
  self->record->asset_id = asset->record.id;
  dray_request_set_key (self, asset->record.download_key);
  set_string (self, &self->path, complete ? path : NULL, DRAY_PROP_PATH);
  set_string (self, &self->sha256, complete ? asset->record.sha256 : NULL, DRAY_PROP_SHA256);
  set_string (self, &self->external, complete ? asset->record.external : NULL,
              DRAY_PROP_EXTERNAL);
  self->length_proven = asset->record.length_proven;
  set_bytes (self, dray_stored_asset_get_written (asset), asset->record.total);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Shows how many bytes are on the disk where that is known better than the asset records it. */
void
dray_request_set_downloaded (DrayRequest *self, gint64 downloaded)
{
  set_bytes (self, downloaded, self->total);
}

/* Shows a sample of the transfer. */
void
dray_request_set_progress (DrayRequest *self, const DrayTransferProgress *progress)
{
  gboolean waiting = progress->state == DRAY_TRANSFER_WAITING;
  gint64 wait = (progress->wait_until - g_get_monotonic_time ()) / G_USEC_PER_SEC;

  g_object_freeze_notify (G_OBJECT (self));
  set_bytes (self, progress->downloaded, progress->total);
  set_int64 (self, &self->speed, progress->speed, DRAY_PROP_SPEED);
  set_int64 (self, &self->eta, progress->eta, DRAY_PROP_ETA);
  set_string (self, &self->reason, waiting ? dray_error_get_name (progress->wait_reason) : NULL,
              DRAY_PROP_REASON);
  set_int64 (self, &self->wait, waiting ? MAX (0, wait) : -1, DRAY_PROP_WAIT);
  set_int64 (self, &self->missing, 0, DRAY_PROP_MISSING);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Nothing moves for it. */
static void
set_still (DrayRequest *self, const char *reason, gint64 missing)
{
  set_int64 (self, &self->speed, 0, DRAY_PROP_SPEED);
  set_int64 (self, &self->eta, -1, DRAY_PROP_ETA);
  set_int64 (self, &self->wait, -1, DRAY_PROP_WAIT);
  set_int64 (self, &self->missing, missing, DRAY_PROP_MISSING);
  set_string (self, &self->reason, reason, DRAY_PROP_REASON);
}

static gboolean
set_waiting (DrayRequest *self, const char *reason, gint64 missing)
{
  gboolean changed;

  g_object_freeze_notify (G_OBJECT (self));
  set_still (self, reason, missing);
  changed = dray_request_set_state (self, DRAY_REQUEST_WAITING);
  g_object_thaw_notify (G_OBJECT (self));

  return changed;
}

/* Waits, as everything does, until the hold is released; returns whether that is new. */
gboolean
dray_request_set_held (DrayRequest *self)
{
  return set_waiting (self, "held", 0);
}

/* Waits until its drive has so many bytes more; returns whether that is new. */
gboolean
dray_request_set_short_of_space (DrayRequest *self, gint64 missing)
{
  return set_waiting (self, dray_error_get_name (DRAY_ERROR_DISK_FULL), missing);
}

/* Waits for what passes by itself; returns whether that is new. */
gboolean
dray_request_set_waiting (DrayRequest *self, DrayError reason)
{
  return set_waiting (self, dray_error_get_name (reason), 0);
}

/* Shows in a parent what a child does, and why; returns whether the parent's state is another. */
gboolean
dray_request_mirror (DrayRequest *self, DrayRequest *child)
{
  gboolean changed;

  g_object_freeze_notify (G_OBJECT (self));
  changed = dray_request_set_state (self, child->state);
  set_string (self, &self->reason, child->reason, DRAY_PROP_REASON);
  set_int64 (self, &self->wait, child->wait, DRAY_PROP_WAIT);
  set_int64 (self, &self->missing, child->missing, DRAY_PROP_MISSING);
  g_object_thaw_notify (G_OBJECT (self));

  return changed;
}

void
dray_request_set_key (DrayRequest *self, const char *download_key)
{
  set_string (self, &self->download_key, download_key, DRAY_PROP_DOWNLOAD_KEY);
}

/* What the header of the model says. */
void
dray_request_set_facts (DrayRequest *self, const DrayModelFacts *facts)
{
  g_clear_pointer (&self->facts, dray_model_facts_free);
  self->facts = dray_model_facts_copy (facts);
  dray_request_notify (self, DRAY_PROP_FACTS);
}

/* Whether a file with that digest is what the caller asked for. */
gboolean
dray_request_accepts (DrayRequest *self, const char *sha256)
{
  const char *expected = self->record->expected_sha256;

  return expected == NULL || g_str_equal (expected, sha256);
}

/* Shows who else the transfer serves. */
void
dray_request_set_also_for (DrayRequest *self, const char *callers)
{
  set_string (self, &self->also_for, callers, DRAY_PROP_ALSO_FOR);
}

void
dray_request_set_queue_position (DrayRequest *self, gint position)
{
  if (self->queue_position == position)
    return;

  self->queue_position = position;
  dray_request_notify (self, DRAY_PROP_QUEUE_POSITION);
}

/* Whether an earlier child waits for the same bytes. */
static gboolean
shares_with_earlier (DrayRequest *self, guint position)
{
  DrayRequest *child = g_ptr_array_index (self->children, position);

  for (guint i = 0; i < position; i++)
    {
      DrayRequest *other = g_ptr_array_index (self->children, i);

      if (other->record->asset_id != 0 && other->record->asset_id == child->record->asset_id)
        return TRUE;
    }

  return FALSE;
}

/* The program that keeps all files of a parent; NULL where there is none. */
static const char *
find_common_external (DrayRequest *self)
{
  const char *external = NULL;

  for (guint i = 0; i < self->children->len; i++)
    {
      const DrayRequest *child = g_ptr_array_index (self->children, i);

      if (child->external == NULL || (i > 0 && !g_str_equal (child->external, external)))
        return NULL;
      external = child->external;
    }

  return external;
}

/* Shows in a parent the sums of its children, each transfer counted once, and the first of its files
 * when all are there. */
void
dray_request_sum_up (DrayRequest *self)
{
  gint64 downloaded = 0, total = 0, speed = 0;
  gboolean complete = TRUE;

  for (guint i = 0; i < self->children->len; i++)
    {
      const DrayRequest *child = g_ptr_array_index (self->children, i);

      complete = complete && child->path != NULL;
      if (shares_with_earlier (self, i))
        continue;
      downloaded += child->downloaded;
      speed += child->speed;
      if (total != DRAY_SIZE_UNKNOWN)
        total = child->total == DRAY_SIZE_UNKNOWN ? DRAY_SIZE_UNKNOWN : total + child->total;
    }

  g_object_freeze_notify (G_OBJECT (self));
  set_bytes (self, downloaded, total);
  if (self->children->len > 0)
    {
      set_string (self, &self->path,
                  complete ? ((DrayRequest *) self->children->pdata[0])->path : NULL,
                  DRAY_PROP_PATH);
      set_string (self, &self->external, find_common_external (self), DRAY_PROP_EXTERNAL);
    }
  set_int64 (self, &self->speed, speed, DRAY_PROP_SPEED);
  set_int64 (self, &self->eta,
             speed > 0 && total != DRAY_SIZE_UNKNOWN ? (total - downloaded) / speed : -1,
             DRAY_PROP_ETA);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Goes to another state; returns whether it was another. */
gboolean
dray_request_set_state (DrayRequest *self, DrayRequestState state)
{
  gboolean running = dray_request_state_is_running (state);

  if (self->state == state)
    return FALSE;

  g_assert (dray_request_state_may_follow (self->state, state));

  g_object_freeze_notify (G_OBJECT (self));
  self->state = state;
  g_free (self->record->state);
  self->record->state = g_strdup (dray_request_state_get_name (state));
  if (running && self->error != NULL)
    {
      g_clear_error (&self->error);
      g_clear_pointer (&self->record->error_name, g_free);
      g_clear_pointer (&self->record->error_message, g_free);
      dray_request_notify (self, DRAY_PROP_ERROR_NAME);
      dray_request_notify (self, DRAY_PROP_ERROR_MESSAGE);
    }
  if (state != DRAY_REQUEST_WAITING)
    {
      set_int64 (self, &self->missing, 0, DRAY_PROP_MISSING);
      set_string (self, &self->reason, NULL, DRAY_PROP_REASON);
    }
  dray_request_notify (self, DRAY_PROP_STATE);
  if (state == DRAY_REQUEST_COMPLETED)
    dray_request_notify (self, DRAY_PROP_VERIFIED);
  g_object_thaw_notify (G_OBJECT (self));

  return TRUE;
}

/* Tells one who awaits a request how it has settled. */
void
dray_request_answer (DrayRequest *self, GTask *task, DrayRequestState state, const GError *error)
{
  if (state == DRAY_REQUEST_COMPLETED)
    g_task_return_pointer (task, g_strdup (dray_request_get_result (self)), g_free);
  else if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_new_error (task, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled");
}

/* Ends this run of the request. @error is why it has failed, and NULL in every other state. Returns
 * those who await it (transfer full, of GTask), who must be told with dray_request_answer(). */
GPtrArray *
dray_request_settle (DrayRequest *self, DrayRequestState state, const GError *error)
{
  GPtrArray *waiters = g_steal_pointer (&self->waiters);

  g_assert (!dray_request_state_is_running (state));
  g_assert ((state == DRAY_REQUEST_FAILED) == (error != NULL));

  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  if (self->fate != DRAY_FATE_DISCARD)
    self->fate = DRAY_FATE_RUN;
  g_object_freeze_notify (G_OBJECT (self));
  if (error != NULL)
    {
      self->error = g_error_copy (error);
      self->record->error_name = g_strdup (dray_error_get_name ((DrayError) error->code));
      self->record->error_message = g_strdup (error->message);
      dray_request_notify (self, DRAY_PROP_ERROR_NAME);
      dray_request_notify (self, DRAY_PROP_ERROR_MESSAGE);
    }
  set_still (self, NULL, 0);
  dray_request_set_also_for (self, NULL);
  dray_request_set_state (self, state);
  g_object_thaw_notify (G_OBJECT (self));

  return waiters;
}
