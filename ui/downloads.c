/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/downloads.h"

#include "core/source/reference.h"

#include <gtk/gtk.h>

struct _DrayDownloads
{
  GObject parent_instance;

  DrayManager *manager; /* NULL when read-only */
  GListModel *requests; /* of DrayRequest: all */
  GtkFilter *filter;    /* lets through those that are not hidden */
  DrayModelList *models;
  GPtrArray *discards; /* of Discard, oldest first */
  guint last_discard;
  GCancellable *closing; /* of what waits for a request to settle */
};

/* A discard that can still be undone. */
typedef struct
{
  guint id;
  GPtrArray *requests;    /* of DrayRequest */
  GPtrArray *were_running; /* of DrayRequest: those that an undo resumes */
} Discard;

G_DEFINE_FINAL_TYPE (DrayDownloads, dray_downloads, G_TYPE_OBJECT)

static void
discard_free (Discard *discard)
{
  g_ptr_array_unref (discard->requests);
  g_ptr_array_unref (discard->were_running);
  g_free (discard);
}

static gboolean
is_shown_cb (gpointer item, gpointer user_data)
{
  DrayDownloads *self = user_data;

  for (guint i = 0; i < self->discards->len; i++)
    {
      Discard *discard = g_ptr_array_index (self->discards, i);

      if (g_ptr_array_find (discard->requests, item, NULL))
        return FALSE;
    }

  return TRUE;
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
  self->discards = g_ptr_array_new_with_free_func ((GDestroyNotify) discard_free);
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
static GPtrArray *
collect (DrayDownloads *self, const char *id)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_requests = g_list_model_get_n_items (self->requests);

  for (guint i = 0; i < n_requests; i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (self->requests, i);

      if ((id == NULL || g_str_equal (dray_request_get_id (request), id)
           || g_str_equal (dray_request_get_model_id (request), id))
          && is_shown_cb (request, self))
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

  if (!dray_manager_remove_finish (DRAY_MANAGER (source), result, &error))
    g_warning ("%s", error->message);
}

static void
cancel (DrayDownloads *self, DrayRequest *request, gboolean clear_cache)
{
  dray_manager_cancel_async (self->manager, dray_request_get_id (request), clear_cache,
                             cancelled_cb, NULL);
}

static void
pause_running (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = collect (self, id);

  for (guint i = 0; i < requests->len; i++)
    if (dray_request_is_running (g_ptr_array_index (requests, i)))
      cancel (self, g_ptr_array_index (requests, i), FALSE);
}

static void
resume (DrayDownloads *self, DrayRequest *request, gboolean restart_changed)
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
  g_autoptr (GPtrArray) requests = collect (self, NULL);

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

  requests = collect (self, id);
  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (dray_request_get_state (request) == DRAY_REQUEST_PAUSED
          || dray_request_get_state (request) == DRAY_REQUEST_FAILED)
        resume (self, request, restart_changed);
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

  requests = collect (self, model_id);
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

  requests = collect (self, id);
  for (guint i = 0; i < requests->len; i++)
    if (!dray_request_is_running (g_ptr_array_index (requests, i)))
      dray_manager_remove_async (self->manager,
                                 dray_request_get_id (g_ptr_array_index (requests, i)),
                                 removed_cb, NULL);
}

void
dray_downloads_pause_all (DrayDownloads *self)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS (self));
  g_return_if_fail (self->manager != NULL);

  pause_running (self, NULL);
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

  requests = collect (self, NULL);
  for (guint i = 0; i < requests->len; i++)
    if (dray_request_get_state (g_ptr_array_index (requests, i)) == DRAY_REQUEST_PAUSED)
      resume (self, g_ptr_array_index (requests, i), FALSE);
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

  requests = collect (self, id);
  for (guint i = 0; i < requests->len; i++)
    if (dray_request_get_path (g_ptr_array_index (requests, i)) != NULL)
      return g_path_get_dirname (dray_request_get_path (g_ptr_array_index (requests, i)));

  return NULL;
}

/**
 * dray_downloads_discard:
 * @self: downloads that are not read-only
 * @id: the id of a request or of a model
 *
 * Pauses and hides what is unfinished.
 *
 * Returns: what to undo or commit it by; 0 if there was nothing to discard
 */
guint
dray_downloads_discard (DrayDownloads *self, const char *id)
{
  g_autoptr (GPtrArray) requests = NULL;
  Discard *discard;

  g_return_val_if_fail (DRAY_IS_DOWNLOADS (self), 0);
  g_return_val_if_fail (self->manager != NULL, 0);

  requests = collect (self, id);
  for (guint i = requests->len; i > 0; i--)
    if (dray_request_get_state (g_ptr_array_index (requests, i - 1)) == DRAY_REQUEST_COMPLETED)
      g_ptr_array_remove_index (requests, i - 1);
  if (requests->len == 0)
    return 0;

  discard = g_new0 (Discard, 1);
  discard->id = ++self->last_discard;
  discard->requests = g_ptr_array_ref (requests);
  discard->were_running = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->discards, discard);
  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (!dray_request_is_running (request))
        continue;

      g_ptr_array_add (discard->were_running, g_object_ref (request));
      cancel (self, request, FALSE);
    }
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_MORE_STRICT);

  return discard->id;
}

static Discard *
take_discard (DrayDownloads *self, guint id)
{
  for (guint i = 0; i < self->discards->len; i++)
    {
      Discard *discard = g_ptr_array_index (self->discards, i);

      if (discard->id == id)
        return g_ptr_array_steal_index (self->discards, i);
    }

  return NULL;
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (DrayDownloads) self = DRAY_DOWNLOADS (user_data);
  DrayRequest *request = DRAY_REQUEST (source);
  g_autofree char *path = dray_request_await_finish (request, result, NULL);

  if (!g_cancellable_is_cancelled (self->closing)
      && dray_request_get_state (request) == DRAY_REQUEST_PAUSED)
    resume (self, request, FALSE);
}

/**
 * dray_downloads_undo:
 * @self: downloads
 * @discard: what dray_downloads_discard() returned; one that is over is no error
 *
 * Shows the rows again and resumes those that ran.
 */
void
dray_downloads_undo (DrayDownloads *self, guint discard)
{
  Discard *undone;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));

  undone = take_discard (self, discard);
  if (undone == NULL)
    return;

  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_LESS_STRICT);
  /* One that is still pausing must have settled before it can go on. */
  for (guint i = 0; i < undone->were_running->len; i++)
    dray_request_await_async (g_ptr_array_index (undone->were_running, i), self->closing,
                              settled_cb, g_object_ref (self));
  discard_free (undone);
}

/**
 * dray_downloads_commit:
 * @self: downloads
 * @discard: what dray_downloads_discard() returned; one that is over is no error
 *
 * Gives up the bytes.
 */
void
dray_downloads_commit (DrayDownloads *self, guint discard)
{
  Discard *committed;

  g_return_if_fail (DRAY_IS_DOWNLOADS (self));

  committed = take_discard (self, discard);
  if (committed == NULL)
    return;

  for (guint i = 0; i < committed->requests->len; i++)
    cancel (self, g_ptr_array_index (committed->requests, i), TRUE);
  discard_free (committed);
}

/**
 * dray_downloads_close:
 * @self: downloads
 *
 * Commits every discard. Nothing is asked of the manager afterwards.
 */
void
dray_downloads_close (DrayDownloads *self)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS (self));

  g_cancellable_cancel (self->closing);
  while (self->discards->len > 0)
    dray_downloads_commit (self, ((Discard *) g_ptr_array_index (self->discards, 0))->id);
}
