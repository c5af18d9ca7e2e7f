/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The Discard that can be undone. */

#include "ui/downloads-private.h"

/* A discard that can still be undone. */
typedef struct
{
  guint id;
  GPtrArray *requests;    /* of DrayRequest */
  GPtrArray *were_running; /* of DrayRequest: those that an undo resumes */
} Discard;

static void
discard_free (Discard *discard)
{
  g_ptr_array_unref (discard->requests);
  g_ptr_array_unref (discard->were_running);
  g_free (discard);
}

GPtrArray *
dray_downloads_discards_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) discard_free);
}

gboolean
dray_downloads_is_shown (DrayDownloads *self, DrayRequest *request)
{
  for (guint i = 0; i < self->discards->len; i++)
    {
      Discard *discard = g_ptr_array_index (self->discards, i);

      if (g_ptr_array_find (discard->requests, request, NULL))
        return FALSE;
    }

  return TRUE;
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

  requests = dray_downloads_collect (self, id);
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
      dray_downloads_cancel (self, request, FALSE);
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
  G_GNUC_UNUSED g_autofree char *path = dray_request_await_finish (request, result, NULL);

  if (!g_cancellable_is_cancelled (self->closing)
      && dray_request_get_state (request) == DRAY_REQUEST_PAUSED)
    dray_downloads_resume_request (self, request, FALSE);
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
    dray_downloads_cancel (self, g_ptr_array_index (committed->requests, i), TRUE);
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
