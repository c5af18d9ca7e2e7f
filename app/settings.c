/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/settings.h"

#include "dray-config.h"

#include "core/library/library.h"

/**
 * dray_settings_open:
 *
 * Returns: (transfer full) (nullable): the settings; %NULL where their schema is not installed
 */
GSettings *
dray_settings_open (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = NULL;

  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, DRAY_APPLICATION_ID, TRUE);

  return schema != NULL ? g_settings_new_full (schema, NULL, NULL) : NULL;
}

/**
 * dray_settings_dup_library:
 * @settings: (nullable): the settings
 *
 * Returns: (transfer full): the absolute folder of the library
 */
char *
dray_settings_dup_library (GSettings *settings)
{
  g_autofree char *folder = NULL;

  if (settings != NULL)
    folder = g_settings_get_string (settings, DRAY_SETTING_LIBRARY);
  if (folder != NULL && g_path_is_absolute (folder))
    return g_steal_pointer (&folder);

  return dray_library_get_default_root ();
}

/**
 * dray_settings_bind_size:
 * @settings: (nullable): the settings
 * @window: a GtkWindow
 *
 * Has @window be as large as it was, and remembers its size from now on.
 */
void
dray_settings_bind_size (GSettings *settings, GObject *window)
{
  if (settings == NULL)
    return;

  g_settings_bind (settings, DRAY_SETTING_WIDTH, window, "default-width", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, DRAY_SETTING_HEIGHT, window, "default-height",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, DRAY_SETTING_MAXIMIZED, window, "maximized",
                   G_SETTINGS_BIND_DEFAULT);
}

/**
 * dray_settings_note_running:
 * @settings: (nullable): the settings
 * @manager: an open manager, which is about to be closed
 * @caller: whose requests are noted
 *
 * Notes what closing the manager will pause.
 */
void
dray_settings_note_running (GSettings *settings, DrayManager *manager, const char *caller)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GListModel *requests = dray_manager_get_requests (manager);
  guint n_requests = g_list_model_get_n_items (requests);
  g_auto (GStrv) ids = NULL;

  if (settings == NULL)
    return;

  for (guint i = 0; i < n_requests; i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (requests, i);

      if (dray_request_is_running (request)
          && g_str_equal (dray_request_get_caller (request), caller))
        g_strv_builder_add (builder, dray_request_get_id (request));
    }
  ids = g_strv_builder_end (builder);
  g_settings_set_strv (settings, DRAY_SETTING_RAN, (const char *const *) ids);
}

/**
 * dray_settings_resume_noted:
 * @settings: (nullable): the settings
 * @manager: an open manager
 *
 * Resumes what was noted, once, if that is still paused and wanted.
 */
void
dray_settings_resume_noted (GSettings *settings, DrayManager *manager)
{
  g_auto (GStrv) ids = NULL;

  if (settings == NULL)
    return;

  ids = g_settings_get_strv (settings, DRAY_SETTING_RAN);
  g_settings_reset (settings, DRAY_SETTING_RAN);
  if (!g_settings_get_boolean (settings, DRAY_SETTING_RESUME))
    return;

  for (guint i = 0; ids[i] != NULL; i++)
    {
      DrayRequest *request = dray_manager_find_request (manager, ids[i]);
      g_autoptr (GError) error = NULL;

      if (request != NULL && dray_request_get_state (request) == DRAY_REQUEST_PAUSED
          && !dray_manager_resume (manager, ids[i], FALSE, &error))
        g_message ("%s", error->message);
    }
}
