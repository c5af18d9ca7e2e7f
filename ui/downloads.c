/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/downloads-private.h"

#include "core/base/error.h"
#include "core/source/hub-link.h"

G_DEFINE_FINAL_TYPE (DrayDownloads, dray_downloads, G_TYPE_OBJECT)

static gboolean
is_shown_cb (gpointer item, gpointer user_data)
{
  return dray_downloads_is_shown (user_data, item);
}

static void
dray_downloads_finalize (GObject *object)
{
  DrayDownloads *self = DRAY_DOWNLOADS (object);

  gtk_custom_filter_set_filter_func (GTK_CUSTOM_FILTER (self->filter), NULL, NULL, NULL);
  g_clear_object (&self->models);
  g_clear_object (&self->filter);
  g_clear_object (&self->requests);
  g_clear_object (&self->manager);
  g_object_unref (self->closing);
  g_ptr_array_unref (self->discards);

  G_OBJECT_CLASS (dray_downloads_parent_class)->finalize (object);
}

static void
dray_downloads_class_init (DrayDownloadsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_downloads_finalize;
}

static void
dray_downloads_init (DrayDownloads *self)
{
  self->discards = dray_downloads_discards_new ();
  self->closing = g_cancellable_new ();
  self->filter = GTK_FILTER (gtk_custom_filter_new (is_shown_cb, self, NULL));
}

/**
 * dray_downloads_new_read_only:
 * @requests: (element-type DrayRequest): rows that another process works on
 *
 * Returns: (transfer full): downloads that can be looked at
 */
DrayDownloads *
dray_downloads_new_read_only (GListModel *requests)
{
  DrayDownloads *self = g_object_new (DRAY_TYPE_DOWNLOADS, NULL);
  g_autoptr (GtkFilterListModel) shown = NULL;

  self->requests = g_object_ref (requests);
  shown = gtk_filter_list_model_new (g_object_ref (requests), g_object_ref (self->filter));
  self->models = dray_model_list_new (G_LIST_MODEL (shown));

  return self;
}

/**
 * dray_downloads_new:
 * @manager: an open manager
 *
 * Returns: (transfer full): its downloads
 */
DrayDownloads *
dray_downloads_new (DrayManager *manager)
{
  DrayDownloads *self = dray_downloads_new_read_only (dray_manager_get_requests (manager));

  self->manager = g_object_ref (manager);

  return self;
}

gboolean
dray_downloads_is_read_only (DrayDownloads *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), TRUE);

  return self->manager == NULL;
}

/**
 * dray_downloads_get_models:
 * @self: downloads
 *
 * Returns: (transfer none): the models, without what is being discarded
 */
GListModel *
dray_downloads_get_models (DrayDownloads *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), NULL);

  return G_LIST_MODEL (self->models);
}

/* The requests that are shown under @id: a request's own, or all of a model; all there are for
 * NULL. A copy, since what is done to them changes the lists. */
GPtrArray *
dray_downloads_collect (DrayDownloads *self, const char *id)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_requests = g_list_model_get_n_items (self->requests);

  for (guint i = 0; i < n_requests; i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (self->requests, i);

      if ((id == NULL || g_str_equal (dray_request_get_id (request), id)
           || g_str_equal (dray_request_get_model_id (request), id))
          && dray_downloads_is_shown (self, request))
        g_ptr_array_add (found, g_steal_pointer (&request));
    }

  return found;
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, G_GNUC_UNUSED gpointer user_data)
{
  dray_manager_cancel_finish (DRAY_MANAGER (source), result);
}

static void
removed_cb (GObject *source, GAsyncResult *result, G_GNUC_UNUSED gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* A child goes with its parent. */
  if (!dray_manager_remove_finish (DRAY_MANAGER (source), result, &error)
      && !g_error_matches (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND))
    g_warning ("%s", error->message);
}

static gboolean
is_copy (DrayRequest *request, DrayRequest *other)
{
  const char *path = dray_request_get_path (request);

  return path != NULL && dray_request_get_state (request) == DRAY_REQUEST_COMPLETED
         && dray_request_get_state (other) == DRAY_REQUEST_COMPLETED
         && g_strcmp0 (dray_request_get_path (other), path) == 0;
}

/* Those who asked again for a file that @requests completed show as one row with them. */
static void
add_copies (DrayDownloads *self, GPtrArray *requests)
{
  g_autoptr (GPtrArray) all = dray_downloads_collect (self, NULL);
  guint n_requests = requests->len;

  for (guint i = 0; i < n_requests; i++)
    for (guint j = 0; j < all->len; j++)
      {
        DrayRequest *other = g_ptr_array_index (all, j);

        if (is_copy (g_ptr_array_index (requests, i), other)
            && !g_ptr_array_find (requests, other, NULL))
          g_ptr_array_add (requests, g_object_ref (other));
      }
}

void
dray_downloads_cancel (DrayDownloads *self, DrayRequest *request, gboolean clear_cache)
{
  dray_manager_cancel_async (self->manager, dray_request_get_id (request), clear_cache,
                             cancelled_cb, NULL);
}

static void
pause_running (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = dray_downloads_collect (self, id);

  for (guint i = 0; i < requests->len; i++)
    if (dray_request_is_running (g_ptr_array_index (requests, i)))
      dray_downloads_cancel (self, g_ptr_array_index (requests, i), FALSE);
}

void
dray_downloads_resume_request (DrayDownloads *self,
                               DrayRequest *request,
                               gboolean restart_changed)
{
  g_autoptr (GError) error = NULL;

  if (!dray_manager_resume (self->manager, dray_request_get_id (request), restart_changed, &error))
    g_warning ("%s", error->message);
}

/* What the window asked for under another link of the same model, as that of another shard. */
static DrayRequest *
find_earlier (DrayDownloads *self, const char *source)
{
  g_autoptr (DrayReference) reference = dray_reference_parse (source, NULL);
  g_autoptr (GPtrArray) requests = dray_downloads_collect (self, NULL);

  for (guint i = 0; reference != NULL && i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (g_str_equal (dray_request_get_model_id (request), reference->model_id)
          && dray_request_get_parent_id (request) == NULL
          && g_str_equal (dray_request_get_caller (request), DRAY_WINDOW_CALLER)
          && (dray_request_is_running (request)
              || dray_request_get_state (request) == DRAY_REQUEST_COMPLETED))
        return request;
    }

  return NULL;
}

/**
 * dray_downloads_add:
 * @self: downloads that are not read-only
 * @source: what a person typed or dropped
 * @directory: (nullable): an absolute folder; %NULL for the library
 * @without: (nullable): names of companions that are not wanted
 * @error: return location for a #GError
 *
 * What the window asked for before goes on, or is complete already.
 *
 * Errors: those of dray_manager_download_asset().
 *
 * Returns: (transfer none) (nullable): the request
 */
DrayRequest *
dray_downloads_add (DrayDownloads *self,
                    const char *source,
                    const char *directory,
                    const char *const *without,
                    GError **error)
{
  g_autoptr (DrayDownloadOptions) options = NULL;
  DrayRequest *earlier;

  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), NULL);
  g_return_val_if_fail (self->manager != NULL, NULL);

  earlier = directory == NULL ? find_earlier (self, source) : NULL;
  if (earlier != NULL)
    return earlier;

  options = dray_download_options_new ();
  dray_download_options_set_directory (options, directory);
  dray_download_options_set_without (options, without);
  dray_download_options_set_caller (options, DRAY_WINDOW_CALLER);

  return dray_manager_download_asset (self->manager, source, options, error);
}

/**
 * dray_downloads_pause:
 * @self: downloads that are not read-only
 * @id: the id of a request or of a model
 */
void
dray_downloads_pause (DrayDownloads *self, const char *id)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  pause_running (self, id);
}

/**
 * dray_downloads_resume:
 * @self: downloads that are not read-only
 * @id: the id of a request or of a model
 * @restart_changed: whether to start over if the file on the server has changed
 *
 * Of a model everything that is paused or failed goes on.
 */
void
dray_downloads_resume (DrayDownloads *self, const char *id, gboolean restart_changed)
{
  g_autoptr (GPtrArray) requests = NULL;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  requests = dray_downloads_collect (self, id);
  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (dray_request_get_state (request) == DRAY_REQUEST_PAUSED
          || dray_request_get_state (request) == DRAY_REQUEST_FAILED)
        dray_downloads_resume_request (self, request, restart_changed);
    }
}

/**
 * dray_downloads_cancel_model:
 * @self: downloads that are not read-only
 * @model_id: the id of a model
 * @kept: (out): how many bytes are kept
 *
 * Pauses every request in flight on a model.
 *
 * Returns: (transfer full): the ids of those requests
 */
GStrv
dray_downloads_cancel_model (DrayDownloads *self, const char *model_id, gint64 *kept)
{
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();
  g_autoptr (GPtrArray) requests = NULL;

  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), NULL);
  g_return_val_if_fail (self->manager != NULL, NULL);

  requests = dray_downloads_collect (self, model_id);
  *kept = 0;
  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (dray_request_is_parent (request))
        continue;
      *kept += dray_request_get_downloaded (request);
      if (dray_request_is_running (request))
        g_strv_builder_add (ids, dray_request_get_id (request));
    }
  dray_manager_cancel_model_async (self->manager, model_id, cancelled_cb, NULL);

  return g_strv_builder_end (ids);
}

/**
 * dray_downloads_remove:
 * @self: downloads that are not read-only
 * @id: the id of a request or of a model
 *
 * Forgets rows that do not run. Files stay.
 */
void
dray_downloads_remove (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = NULL;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  requests = dray_downloads_collect (self, id);
  add_copies (self, requests);
  for (guint i = 0; i < requests->len; i++)
    if (!dray_request_is_running (g_ptr_array_index (requests, i)))
      dray_manager_remove_async (self->manager,
                                 dray_request_get_id (g_ptr_array_index (requests, i)),
                                 removed_cb, NULL);
}

/**
 * dray_downloads_resume_all:
 * @self: downloads that are not read-only
 *
 * Resumes what is in the Paused section. What failed waits for its own button.
 */
void
dray_downloads_resume_all (DrayDownloads *self)
{
  g_autoptr (GPtrArray) requests = NULL;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  requests = dray_downloads_collect (self, NULL);
  for (guint i = 0; i < requests->len; i++)
    if (dray_request_get_state (g_ptr_array_index (requests, i)) == DRAY_REQUEST_PAUSED)
      dray_downloads_resume_request (self, g_ptr_array_index (requests, i), FALSE);
}

/**
 * dray_downloads_clear_finished:
 * @self: downloads that are not read-only
 *
 * Forgets the models that are complete; their files stay.
 */
void
dray_downloads_clear_finished (DrayDownloads *self)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  GListModel *models;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  models = G_LIST_MODEL (self->models);
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (DrayModel) model = g_list_model_get_item (models, i);

      if (dray_model_get_section (model) == DRAY_MODEL_FINISHED)
        g_ptr_array_add (ids, g_strdup (dray_model_get_id (model)));
    }
  for (guint i = 0; i < ids->len; i++)
    dray_downloads_remove (self, g_ptr_array_index (ids, i));
}

/**
 * dray_downloads_dup_page:
 * @self: downloads
 * @id: the id of a request
 *
 * Returns: (transfer full) (nullable): the address of the page on which the licence of its model is
 */
char *
dray_downloads_dup_page (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = NULL;
  g_autoptr (DrayReference) reference = NULL;

  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), NULL);

  requests = dray_downloads_collect (self, id);
  if (requests->len > 0)
    reference
        = dray_reference_parse (dray_request_get_source (g_ptr_array_index (requests, 0)), NULL);
  return reference != NULL ? dray_hub_link_to_page (reference) : NULL;
}

/**
 * dray_downloads_dup_folder:
 * @self: downloads
 * @id: the id of a request or of a model
 *
 * Returns: (transfer full) (nullable): the folder of its first finished file
 */
char *
dray_downloads_dup_folder (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = NULL;

  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), NULL);

  requests = dray_downloads_collect (self, id);
  for (guint i = 0; i < requests->len; i++)
    if (dray_request_get_path (g_ptr_array_index (requests, i)) != NULL)
      return g_path_get_dirname (dray_request_get_path (g_ptr_array_index (requests, i)));

  return NULL;
}
