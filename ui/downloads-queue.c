/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Holding everything, the line of those who wait, and the other callers of the same bytes. */

#include "ui/downloads-private.h"

/**
 * dray_downloads_bind_held:
 * @self: downloads
 * @target: an object with a property "held"
 *
 * Keeps @target told whether everything is held.
 */
void
dray_downloads_bind_held (DrayDownloads *self, GObject *target)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS (self));

  if (self->manager != NULL)
    g_object_bind_property (self->manager, "held", target, "held", G_BINDING_SYNC_CREATE);
}

/**
 * dray_downloads_get_held:
 * @self: downloads
 *
 * Returns: whether everything is held
 */
gboolean
dray_downloads_get_held (DrayDownloads *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), FALSE);

  return self->manager != NULL && dray_manager_get_held (self->manager);
}

static void
held_cb (GObject *source, GAsyncResult *result, G_GNUC_UNUSED gpointer user_data)
{
  dray_manager_hold_finish (DRAY_MANAGER (source), result);
}

/**
 * dray_downloads_hold:
 * @self: downloads that are not read-only
 *
 * Lets nothing move, whoever asked for it, until dray_downloads_release().
 */
void
dray_downloads_hold (DrayDownloads *self)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  dray_manager_hold_async (self->manager, held_cb, NULL);
}

void
dray_downloads_release (DrayDownloads *self)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  dray_manager_release (self->manager);
}

/**
 * dray_downloads_dup_others:
 * @self: downloads
 * @id: the id of a request or of a model
 *
 * Returns: (transfer full) (nullable): the other callers for whom the bytes of that request move; a
 *   model has none, since what is done to it is done to all its requests
 */
char *
dray_downloads_dup_others (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = dray_downloads_collect (self, id);
  DrayRequest *request = requests->len == 1 ? g_ptr_array_index (requests, 0) : NULL;

  if (request == NULL || !g_str_equal (dray_request_get_id (request), id))
    return NULL;

  return g_strdup (dray_request_get_also_for (request));
}

/**
 * dray_downloads_pause_everywhere:
 * @self: downloads that are not read-only
 * @id: the id of a request or of a model
 *
 * Pauses all requests, whoever made them, for the same bytes.
 */
void
dray_downloads_pause_everywhere (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = NULL;
  guint n_requests;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  requests = dray_downloads_collect (self, id);
  n_requests = g_list_model_get_n_items (self->requests);
  for (guint i = 0; i < n_requests; i++)
    {
      g_autoptr (DrayRequest) other = g_list_model_get_item (self->requests, i);
      const char *key = dray_request_get_download_key (other);

      for (guint j = 0; j < requests->len && dray_request_is_running (other); j++)
        if (g_strcmp0 (key, dray_request_get_download_key (g_ptr_array_index (requests, j))) == 0)
          dray_downloads_cancel (self, other, FALSE);
    }
}

/**
 * dray_downloads_start_now:
 * @self: downloads that are not read-only
 * @id: the id of a request or of a model
 *
 * Starts what waits in line, beyond the number that may run at once.
 */
void
dray_downloads_start_now (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = NULL;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  requests = dray_downloads_collect (self, id);
  for (guint i = 0; i < requests->len; i++)
    if (dray_request_get_state (g_ptr_array_index (requests, i)) == DRAY_REQUEST_QUEUED)
      dray_manager_start_now (self->manager,
                              dray_request_get_id (g_ptr_array_index (requests, i)), NULL);
}

/**
 * dray_downloads_move:
 * @self: downloads that are not read-only
 * @id: the id of a request or of a model
 * @by: how many places towards the end of the line; negative towards its start
 *
 * Changes who of those that wait in line is next.
 */
void
dray_downloads_move (DrayDownloads *self, const char *id, int by)
{
  g_autoptr (GPtrArray) requests = NULL;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  requests = dray_downloads_collect (self, id);
  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request
          = g_ptr_array_index (requests, by < 0 ? i : requests->len - 1 - i);
      int position = dray_request_get_queue_position (request);

      if (position >= 0 && position + by >= 0)
        dray_manager_move (self->manager, dray_request_get_id (request),
                           (guint) (position + by), NULL);
    }
}
