/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/request-private.h"

#include "core/base/error.h"
#include "core/request/asset-table.h"

struct _DrayRequest
{
  GObject parent_instance;

  DrayRequestRecord *record;
  DrayRequestState state;
  char *download_key;
  char *path;
  char *sha256;
  gboolean length_proven;
  char *reason;
  gint64 wait;
  gint64 downloaded;
  gint64 total;
  gint64 speed;
  gint64 eta;
  GError *error;
  DrayRequestWishes wishes;
  GPtrArray *waiters; /* of GTask */
};

enum
{
  PROP_0,
  PROP_ID,
  PROP_SOURCE,
  PROP_MODEL_ID,
  PROP_CALLER,
  PROP_DOWNLOAD_KEY,
  PROP_STATE,
  PROP_REASON,
  PROP_WAIT,
  PROP_DOWNLOADED,
  PROP_TOTAL,
  PROP_PERCENTAGE,
  PROP_SPEED,
  PROP_ETA,
  PROP_PATH,
  PROP_SHA256,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayRequest, dray_request, G_TYPE_OBJECT)

static void
dray_request_finalize (GObject *object)
{
  DrayRequest *self = DRAY_REQUEST (object);

  g_assert (self->waiters->len == 0);

  dray_request_record_free (self->record);
  g_ptr_array_unref (self->waiters);
  g_clear_error (&self->error);
  g_free (self->download_key);
  g_free (self->path);
  g_free (self->sha256);
  g_free (self->reason);
  g_free (self->wishes.token);

  G_OBJECT_CLASS (dray_request_parent_class)->finalize (object);
}

static void
dray_request_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayRequest *self = DRAY_REQUEST (object);

  switch (id)
    {
    case PROP_ID:
      g_value_set_string (value, self->record->id);
      break;

    case PROP_SOURCE:
      g_value_set_string (value, self->record->source);
      break;

    case PROP_MODEL_ID:
      g_value_set_string (value, self->record->model_id);
      break;

    case PROP_CALLER:
      g_value_set_string (value, self->record->caller);
      break;

    case PROP_DOWNLOAD_KEY:
      g_value_set_string (value, self->download_key);
      break;

    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;

    case PROP_REASON:
      g_value_set_string (value, self->reason);
      break;

    case PROP_WAIT:
      g_value_set_int64 (value, self->wait);
      break;

    case PROP_DOWNLOADED:
      g_value_set_int64 (value, self->downloaded);
      break;

    case PROP_TOTAL:
      g_value_set_int64 (value, self->total);
      break;

    case PROP_PERCENTAGE:
      g_value_set_double (value, dray_request_get_percentage (self));
      break;

    case PROP_SPEED:
      g_value_set_int64 (value, self->speed);
      break;

    case PROP_ETA:
      g_value_set_int64 (value, self->eta);
      break;

    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;

    case PROP_SHA256:
      g_value_set_string (value, self->sha256);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_request_class_init (DrayRequestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = dray_request_finalize;
  object_class->get_property = dray_request_get_property;

  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_SOURCE] = g_param_spec_string ("source", NULL, NULL, NULL, flags);
  properties[PROP_MODEL_ID] = g_param_spec_string ("model-id", NULL, NULL, NULL, flags);
  properties[PROP_CALLER] = g_param_spec_string ("caller", NULL, NULL, NULL, flags);
  properties[PROP_DOWNLOAD_KEY] = g_param_spec_string ("download-key", NULL, NULL, NULL, flags);
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, DRAY_TYPE_REQUEST_STATE,
                                              DRAY_REQUEST_RESOLVING, flags);
  properties[PROP_REASON] = g_param_spec_string ("reason", NULL, NULL, NULL, flags);
  properties[PROP_WAIT] = g_param_spec_int64 ("wait", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_DOWNLOADED]
      = g_param_spec_int64 ("downloaded", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_TOTAL] = g_param_spec_int64 ("total", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_PERCENTAGE]
      = g_param_spec_double ("percentage", NULL, NULL, -1, 100, -1, flags);
  properties[PROP_SPEED] = g_param_spec_int64 ("speed", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ETA] = g_param_spec_int64 ("eta", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags);
  properties[PROP_SHA256] = g_param_spec_string ("sha256", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
dray_request_init (DrayRequest *self)
{
  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  self->total = DRAY_SIZE_UNKNOWN;
  self->eta = -1;
  self->wait = -1;
}

/* Inside the room: request-private.h. */

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

const DrayRequestRecord *
dray_request_get_record (DrayRequest *self)
{
  return self->record;
}

DrayRequestWishes *
dray_request_get_wishes (DrayRequest *self)
{
  return &self->wishes;
}

static void
set_string (DrayRequest *self, char **field, const char *value, guint property)
{
  if (g_strcmp0 (*field, value) == 0)
    return;

  g_free (*field);
  *field = g_strdup (value);
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
set_int64 (DrayRequest *self, gint64 *field, gint64 value, guint property)
{
  if (*field == value)
    return;

  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/* Shows what is known of the asset while, or after, no transfer says more. */
void
dray_request_set_asset (DrayRequest *self, const DrayStoredAsset *asset)
{
  g_autofree char *path = dray_stored_asset_get_path (asset);
  gboolean complete = asset->record.state == DRAY_ASSET_COMPLETE;

  g_object_freeze_notify (G_OBJECT (self));
  self->record->asset_id = asset->record.id;
  set_string (self, &self->download_key, asset->record.download_key, PROP_DOWNLOAD_KEY);
  set_string (self, &self->path, complete ? path : NULL, PROP_PATH);
  set_string (self, &self->sha256, complete ? asset->record.sha256 : NULL, PROP_SHA256);
  self->length_proven = asset->record.length_proven;
  set_int64 (self, &self->total, asset->record.total, PROP_TOTAL);
  set_int64 (self, &self->downloaded, dray_stored_asset_get_written (asset), PROP_DOWNLOADED);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PERCENTAGE]);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Shows a sample of the transfer. */
void
dray_request_set_progress (DrayRequest *self, const DrayTransferProgress *progress)
{
  gboolean waiting = progress->state == DRAY_TRANSFER_WAITING;
  gint64 wait = (progress->wait_until - g_get_monotonic_time ()) / G_USEC_PER_SEC;

  g_object_freeze_notify (G_OBJECT (self));
  set_int64 (self, &self->total, progress->total, PROP_TOTAL);
  if (self->downloaded != progress->downloaded)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PERCENTAGE]);
  set_int64 (self, &self->downloaded, progress->downloaded, PROP_DOWNLOADED);
  set_int64 (self, &self->speed, progress->speed, PROP_SPEED);
  set_int64 (self, &self->eta, progress->eta, PROP_ETA);
  set_string (self, &self->reason,
              waiting ? dray_error_get_name (progress->wait_reason) : NULL, PROP_REASON);
  set_int64 (self, &self->wait, waiting ? MAX (0, wait) : -1, PROP_WAIT);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Goes to another state; returns whether it was another. */
gboolean
dray_request_set_state (DrayRequest *self, DrayRequestState state)
{
  if (self->state == state)
    return FALSE;

  g_assert (dray_request_state_may_follow (self->state, state));

  self->state = state;
  g_free (self->record->state);
  self->record->state = g_strdup (dray_request_state_get_name (state));
  if (dray_request_state_is_running (state))
    {
      g_clear_error (&self->error);
      g_clear_pointer (&self->record->error_name, g_free);
      g_clear_pointer (&self->record->error_message, g_free);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);

  return TRUE;
}

/* Ends this run of the request and tells those who await it. With %NULL for @error the state is
 * COMPLETED. */
void
dray_request_settle (DrayRequest *self, DrayRequestState state, const GError *error)
{
  g_autoptr (GPtrArray) waiters = g_steal_pointer (&self->waiters);

  g_assert (!dray_request_state_is_running (state));

  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  if (state == DRAY_REQUEST_FAILED)
    {
      g_set_error_literal (&self->error, error->domain, error->code, error->message);
      self->record->error_name = g_strdup (dray_error_get_name ((DrayError) error->code));
      self->record->error_message = g_strdup (error->message);
    }
  set_int64 (self, &self->speed, 0, PROP_SPEED);
  set_int64 (self, &self->eta, -1, PROP_ETA);
  set_int64 (self, &self->wait, -1, PROP_WAIT);
  set_string (self, &self->reason, NULL, PROP_REASON);
  dray_request_set_state (self, state);

  for (guint i = 0; i < waiters->len; i++)
    {
      GTask *task = g_ptr_array_index (waiters, i);

      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_pointer (task, g_strdup (self->path), g_free);
    }
}

/* For callers: request.h. */

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
  else if (self->state == DRAY_REQUEST_COMPLETED)
    g_task_return_pointer (task, g_strdup (self->path), g_free);
  else if (self->error != NULL)
    g_task_return_error (task, g_error_copy (self->error));
  else
    g_task_return_new_error (task, DRAY_ERROR, DRAY_ERROR_CANCELLED, "Cancelled");
}

/**
 * dray_request_await_finish:
 * @self: a request
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Errors: any of %DRAY_ERROR; %DRAY_ERROR_CANCELLED when it was paused or discarded.
 *
 * Returns: (transfer full) (nullable): the path of the finished file
 */
char *
dray_request_await_finish (DrayRequest *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
