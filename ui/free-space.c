/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/free-space.h"

/* How often it looks while active, in seconds. */
#define REFRESH_INTERVAL 3

struct _DrayFreeSpace
{
  GObject parent_instance;

  char *folder;
  gint64 bytes; /* -1 unknown */
  guint refresh_source;
  GCancellable *cancellable; /* of the look under way; NULL for none */
};

enum
{
  PROP_0,
  PROP_BYTES,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayFreeSpace, dray_free_space, G_TYPE_OBJECT)

static void look (DrayFreeSpace *self, GFile *folder);

static void
set_bytes (DrayFreeSpace *self, gint64 bytes)
{
  if (bytes == self->bytes)
    return;

  self->bytes = bytes;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BYTES]);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GFile) parent = g_file_get_parent (G_FILE (source));
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInfo) info
      = g_file_query_filesystem_info_finish (G_FILE (source), result, &error);
  DrayFreeSpace *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) && parent != NULL)
    {
      /* The library is made when it is first used; until then its drive is its parent's. */
      look (self, parent);
      return;
    }

  g_clear_object (&self->cancellable);
  if (info != NULL && g_file_info_has_attribute (info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE))
    set_bytes (self, (gint64) MIN (G_MAXINT64,
                                   g_file_info_get_attribute_uint64 (
                                       info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE)));
  else
    set_bytes (self, -1);
}

static void
look (DrayFreeSpace *self, GFile *folder)
{
  g_file_query_filesystem_info_async (folder, G_FILE_ATTRIBUTE_FILESYSTEM_FREE,
                                      G_PRIORITY_DEFAULT, self->cancellable, looked_cb, self);
}

static gboolean
refresh_cb (gpointer user_data)
{
  dray_free_space_refresh (user_data);
  return G_SOURCE_CONTINUE;
}

static void
stop (DrayFreeSpace *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
dray_free_space_finalize (GObject *object)
{
  DrayFreeSpace *self = DRAY_FREE_SPACE (object);

  stop (self);
  g_clear_handle_id (&self->refresh_source, g_source_remove);
  g_free (self->folder);

  G_OBJECT_CLASS (dray_free_space_parent_class)->finalize (object);
}

static void
dray_free_space_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayFreeSpace *self = DRAY_FREE_SPACE (object);

  if (id == PROP_BYTES)
    g_value_set_int64 (value, self->bytes);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
dray_free_space_class_init (DrayFreeSpaceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = dray_free_space_finalize;
  object_class->get_property = dray_free_space_get_property;

  properties[PROP_BYTES]
      = g_param_spec_int64 ("bytes", NULL, NULL, -1, G_MAXINT64, -1,
                            G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
dray_free_space_init (DrayFreeSpace *self)
{
  self->bytes = -1;
}

/**
 * dray_free_space_new:
 * @folder: an absolute folder, which need not exist
 *
 * Returns: (transfer full): an object that looks for the first time
 */
DrayFreeSpace *
dray_free_space_new (const char *folder)
{
  DrayFreeSpace *self = g_object_new (DRAY_TYPE_FREE_SPACE, NULL);

  dray_free_space_set_folder (self, folder);

  return self;
}

void
dray_free_space_set_folder (DrayFreeSpace *self, const char *folder)
{
  g_return_if_fail (DRAY_IS_FREE_SPACE (self));

  g_free (self->folder);
  self->folder = g_strdup (folder);
  stop (self);
  dray_free_space_refresh (self);
}

/**
 * dray_free_space_set_active:
 * @self: a free space
 * @active: whether bytes are being written, so that it is worth looking again and again
 */
void
dray_free_space_set_active (DrayFreeSpace *self, gboolean active)
{
  g_return_if_fail (DRAY_IS_FREE_SPACE (self));

  if (active == (self->refresh_source != 0))
    return;

  if (active)
    self->refresh_source = g_timeout_add_seconds (REFRESH_INTERVAL, refresh_cb, self);
  else
    g_clear_handle_id (&self->refresh_source, g_source_remove);
  dray_free_space_refresh (self);
}

void
dray_free_space_refresh (DrayFreeSpace *self)
{
  g_autoptr (GFile) folder = NULL;

  g_return_if_fail (DRAY_IS_FREE_SPACE (self));

  if (self->cancellable != NULL)
    return;

  self->cancellable = g_cancellable_new ();
  folder = g_file_new_for_path (self->folder);
  look (self, folder);
}

/**
 * dray_free_space_get_bytes:
 * @self: a free space
 *
 * Returns: bytes; -1 while they are not known
 */
gint64
dray_free_space_get_bytes (DrayFreeSpace *self)
{
  g_return_val_if_fail (DRAY_IS_FREE_SPACE (self), -1);

  return self->bytes;
}
