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
  g_settings_bind (settings, DRAY_SETTING_MAXIMIZED, window, "maximized", G_SETTINGS_BIND_DEFAULT);
}

/**
 * dray_settings_set_up_manager:
 * @settings: (nullable): the settings
 * @manager: a manager that is not open
 * @is_window: whether it is the window's, rather than a command's
 *
 * Has @manager do as the person wants: how many transfers run at once and how fast, from now on,
 * and whether what ran when the last program ended goes on. A command never resumes what it was not
 * asked for. A speed limit that is set at the manager, as over the bus, is remembered.
 */
void
dray_settings_set_up_manager (GSettings *settings, DrayManager *manager, gboolean is_window)
{
  dray_manager_set_resumes (
      manager,
      is_window && (settings == NULL || g_settings_get_boolean (settings, DRAY_SETTING_RESUME)));
  if (settings == NULL)
    return;

  g_settings_bind (settings, DRAY_SETTING_MAX_TRANSFERS, manager, "max-transfers",
                   G_SETTINGS_BIND_GET);
  g_settings_bind (settings, DRAY_SETTING_RATE_LIMIT, manager, "rate-limit",
                   G_SETTINGS_BIND_DEFAULT);
}
