/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/request-private.h"

#include "core/base/error.h"

G_DEFINE_FINAL_TYPE (DrayRequest, dray_request, G_TYPE_OBJECT)

static void
dray_request_finalize (GObject *object)
{
  DrayRequest *self = DRAY_REQUEST (object);

  g_assert (self->waiters->len == 0);

  dray_request_record_free (self->record);
  g_ptr_array_unref (self->children);
  g_ptr_array_unref (self->waiters);
  g_clear_error (&self->error);
  g_free (self->download_key);
  g_free (self->path);
  g_free (self->sha256);
  g_free (self->external);
  g_free (self->reason);
  g_free (self->also_for);
  g_clear_pointer (&self->facts, dray_model_facts_free);
  g_free (self->wishes.url);
  g_free (self->wishes.token);

  G_OBJECT_CLASS (dray_request_parent_class)->finalize (object);
}

static void
dray_request_class_init (DrayRequestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = dray_request_finalize;
  dray_request_install_properties (object_class);
}

static void
dray_request_init (DrayRequest *self)
{
  self->children = g_ptr_array_new_with_free_func (g_object_unref);
  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  self->total = DRAY_SIZE_UNKNOWN;
  self->eta = -1;
  self->wait = -1;
  self->queue_position = -1;
}

const char *
dray_request_get_id (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->record->id;
}

const char *
dray_request_get_source (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->record->source;
}

const char *
dray_request_get_model_id (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->record->model_id;
}

const char *
dray_request_get_caller (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->record->caller;
}

/**
 * dray_request_get_kind:
 * @self: a request
 *
 * Returns: "download"; "set" for the parent of several; "load"
 */
const char *
dray_request_get_kind (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->record->kind;
}

/**
 * dray_request_get_parent_id:
 * @self: a request
 *
 * Returns: (nullable): the request that it is a part of
 */
const char *
dray_request_get_parent_id (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->record->parent_id;
}

/**
 * dray_request_is_parent:
 * @self: a request
 *
 * Returns: whether it stands for several files, each of which is a child, and moves no bytes itself
 */
gboolean
dray_request_is_parent (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), FALSE);

  return self->is_parent;
}

/**
 * dray_request_get_queue_position:
 * @self: a request
 *
 * Returns: how many are to start before it, while it is queued; else -1
 */
gint
dray_request_get_queue_position (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), -1);

  return self->queue_position;
}

/**
 * dray_request_get_external:
 * @self: a request
 *
 * Returns: (nullable): the program that keeps the finished file, such as `Ollama`, where it was here
 *   before; Dray uses it in place and never changes it. %NULL for a file of Dray's own
 */
const char *
dray_request_get_external (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->external;
}

/**
 * dray_request_get_verified:
 * @self: a request
 *
 * Returns: (nullable): how the finished file was verified: "digest" if an expected digest was
 *   compared, "computed" if its digest is only known; %NULL before it has completed
 */
const char *
dray_request_get_verified (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  if (self->state != DRAY_REQUEST_COMPLETED || self->sha256 == NULL)
    return NULL;

  return self->record->expected_sha256 != NULL ? "digest" : "computed";
}

/**
 * dray_request_get_facts:
 * @self: a request
 *
 * Returns: (nullable): what the header of the model says, when a load has completed
 */
const DrayModelFacts *
dray_request_get_facts (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->facts;
}

/**
 * dray_request_get_error_name:
 * @self: a request
 *
 * Returns: (nullable): the stable name of why it failed
 */
const char *
dray_request_get_error_name (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->error != NULL ? dray_error_get_name ((DrayError) self->error->code) : NULL;
}

/**
 * dray_request_get_error_message:
 * @self: a request
 *
 * Returns: (nullable): why it failed, for a person
 */
const char *
dray_request_get_error_message (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->error != NULL ? self->error->message : NULL;
}

/**
 * dray_request_get_download_key:
 * @self: a request
 *
 * Returns: (nullable): what names the bytes, as far as they are known
 */
const char *
dray_request_get_download_key (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->download_key;
}

DrayRequestState
dray_request_get_state (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), DRAY_REQUEST_FAILED);

  return self->state;
}

/**
 * dray_request_is_running:
 * @self: a request
 *
 * Returns: whether it has not settled
 */
gboolean
dray_request_is_running (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), FALSE);

  return dray_request_state_is_running (self->state);
}

/**
 * dray_request_get_reason:
 * @self: a request
 *
 * Returns: (nullable): what is waited for, while the state is WAITING: the name of an error
 */
const char *
dray_request_get_reason (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->reason;
}

/**
 * dray_request_get_also_for:
 * @self: a request
 *
 * Returns: (nullable): the callers, other than its own, whom its transfer serves now, as in
 *   "terminal, window"; of many the first three
 */
const char *
dray_request_get_also_for (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->also_for;
}

/**
 * dray_request_get_missing:
 * @self: a request
 *
 * Returns: how many bytes its drive has too few, while that is what it waits for and once that is
 *   known; else 0
 */
gint64
dray_request_get_missing (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), 0);

  return self->missing;
}

/**
 * dray_request_get_wait:
 * @self: a request
 *
 * Returns: seconds until the next attempt; -1 when nothing is waited for
 */
gint64
dray_request_get_wait (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), -1);

  return self->wait;
}

gint64
dray_request_get_downloaded (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), 0);

  return self->downloaded;
}

/**
 * dray_request_get_total:
 * @self: a request
 *
 * Returns: size in bytes; -1 while it is not known
 */
gint64
dray_request_get_total (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), DRAY_SIZE_UNKNOWN);

  return self->total;
}

/**
 * dray_request_get_percentage:
 * @self: a request
 *
 * Returns: 0 to 100; -1 while the size is not known
 */
double
dray_request_get_percentage (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), -1);

  if (self->total == DRAY_SIZE_UNKNOWN)
    return -1;
  if (self->total == 0)
    return 100;

  return 100.0 * (double) self->downloaded / (double) self->total;
}

/**
 * dray_request_get_speed:
 * @self: a request
 *
 * Returns: bytes per second
 */
gint64
dray_request_get_speed (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), 0);

  return self->speed;
}

/**
 * dray_request_get_eta:
 * @self: a request
 *
 * Returns: seconds left; -1 while nobody can tell
 */
gint64
dray_request_get_eta (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), -1);

  return self->eta;
}

/**
 * dray_request_get_path:
 * @self: a request
 *
 * Returns: (nullable): the finished file
 */
const char *
dray_request_get_path (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->path;
}

/**
 * dray_request_get_result:
 * @self: a request
 *
 * Returns: (nullable): what has come of it when it has completed: the path of the file, of the first
 *   of several files, or the model id for a load
 */
const char *
dray_request_get_result (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  if (g_str_equal (self->record->kind, "load"))
    return self->state == DRAY_REQUEST_COMPLETED ? self->record->model_id : NULL;

  return self->path;
}

/**
 * dray_request_get_sha256:
 * @self: a request
 *
 * Returns: (nullable): the digest of the finished file, in hexadecimal
 */
const char *
dray_request_get_sha256 (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->sha256;
}

/**
 * dray_request_is_digest_expected:
 * @self: a request
 *
 * Returns: whether the digest of the finished file is, or was, compared with an expected one
 */
gboolean
dray_request_is_digest_expected (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), FALSE);

  return self->record->expected_sha256 != NULL;
}

/**
 * dray_request_is_length_proven:
 * @self: a request that has completed
 *
 * Returns: whether the server, or the digest, proved that the file ends where it ends
 */
gboolean
dray_request_is_length_proven (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), FALSE);

  return self->length_proven;
}

/**
 * dray_request_get_error:
 * @self: a request
 *
 * Returns: (nullable): why it failed
 */
const GError *
dray_request_get_error (DrayRequest *self)
{
  g_return_val_if_fail (DRAY_IS_REQUEST (self), NULL);

  return self->error;
}

/**
 * dray_request_await_async:
 * @self: a request
 * @cancellable: (nullable): ends the waiting, not the request
 * @callback: called in the main thread when the request settles
 * @user_data: for @callback
 *
 * Waits until the request completes, pauses, fails or is discarded. One that has settled reports
 * how.
 */
void
dray_request_await_async (DrayRequest *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DRAY_IS_REQUEST (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, dray_request_await_async);

  if (dray_request_state_is_running (self->state))
    g_ptr_array_add (self->waiters, g_steal_pointer (&task));
  else
    dray_request_answer (self, task, self->state, self->error);
}

/**
 * dray_request_await_finish:
 * @self: a request
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: any of %DRAY_ERROR; %DRAY_ERROR_CANCELLED when it was paused or discarded.
 *
 * Returns: (transfer full) (nullable): what dray_request_get_result() returns
 */
char *
dray_request_await_finish (DrayRequest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
