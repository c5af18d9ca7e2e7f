/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/drop-target.h"

#include "core/source/source-list.h"

typedef struct
{
  DraySourcesFunc func;
  gpointer user_data;
} Receiver;

static void
add_file (GStrvBuilder *sources, GFile *file)
{
  g_autofree char *uri = g_file_get_uri (file);

  g_strv_builder_add (sources, uri);
}

static GStrv
sources_from_value (const GValue *value)
{
  g_autoptr (GStrvBuilder) sources = g_strv_builder_new ();

  if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    for (GSList *l = g_value_get_boxed (value); l != NULL; l = l->next)
      add_file (sources, l->data);
  else if (G_VALUE_HOLDS (value, G_TYPE_FILE))
    add_file (sources, g_value_get_object (value));
  else if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value) != NULL)
    return dray_source_list_from_text (g_value_get_string (value), NULL);

  return g_strv_builder_end (sources);
}

static gboolean
dropped_cb (G_GNUC_UNUSED GtkDropTarget *target,
            const GValue *value,
            G_GNUC_UNUSED double x,
            G_GNUC_UNUSED double y,
            gpointer user_data)
{
  Receiver *receiver = user_data;
  g_auto (GStrv) sources = sources_from_value (value);

  if (sources == NULL || sources[0] == NULL)
    return FALSE;

  receiver->func ((const char *const *) sources, receiver->user_data);
  return TRUE;
}

static void
receiver_free (gpointer data, G_GNUC_UNUSED GClosure *closure)
{
  g_free (data);
}

/**
 * dray_drop_target_new:
 * @func: called with what was dropped
 * @user_data: for @func
 *
 * Returns: (transfer full): a controller for a widget that takes links
 */
GtkEventController *
dray_drop_target_new (DraySourcesFunc func, gpointer user_data)
{
  GType types[] = { GDK_TYPE_FILE_LIST, G_TYPE_FILE, G_TYPE_STRING };
  GtkDropTarget *target
      = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY | GDK_ACTION_LINK);
  Receiver *receiver = g_new0 (Receiver, 1);

  receiver->func = func;
  receiver->user_data = user_data;
  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  g_signal_connect_data (target, "drop", G_CALLBACK (dropped_cb), receiver, receiver_free, 0);

  return GTK_EVENT_CONTROLLER (target);
}
