/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/application-private.h"

#include "app/settings.h"

#include <glib/gi18n.h>

typedef struct
{
  DrayApplication *application;
  char *folder;
} Change;

static void
change_free (Change *change)
{
  g_object_unref (change->application);
  g_free (change->folder);
  g_free (change);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Change, change_free)

static void
use (DrayApplication *self, DrayWindow *window, const char *folder)
{
  g_settings_set_string (self->settings, DRAY_SETTING_LIBRARY, folder);
  dray_window_set_library (window, folder, TRUE);
  dray_application_reopen_catalog (self);
}

static void
probed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Change) change = user_data;
  DrayApplication *self = change->application;
  DrayWindow *window = dray_application_get_window (self);
  g_autoptr (GFileOutputStream) stream = g_file_create_finish (G_FILE (source), result, NULL);

  if (stream != NULL)
    g_file_delete_async (G_FILE (source), G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  if (!self->is_open || self->quitting || window == NULL)
    return;

  if (stream != NULL)
    use (self, window, change->folder);
  else
    dray_window_tell (window, _ ("Models cannot be kept in that folder"));
}

/* Models go into the folder from now on, if a file can be made there: what its mode says is not
 * true of every drive. If not, the person is told, and nothing changes. */
void
dray_application_change_library (DrayApplication *self, const char *folder)
{
  g_autofree char *library = dray_settings_dup_library (self->settings);
  g_autofree char *name = NULL;
  g_autofree char *uuid = g_uuid_string_random ();
  g_autoptr (GFile) probe = NULL;
  Change *change;

  if (!self->is_open || g_str_equal (folder, library))
    return;

  name = g_strconcat (".dray-", uuid, NULL);
  probe = g_file_new_build_filename (folder, name, NULL);
  change = g_new0 (Change, 1);
  change->application = g_object_ref (self);
  change->folder = g_strdup (folder);
  g_file_create_async (probe, G_FILE_CREATE_PRIVATE, G_PRIORITY_DEFAULT, NULL, probed_cb, change);
}
