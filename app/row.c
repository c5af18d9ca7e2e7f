/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/row.h"

#include "app/bus.h"

#include "core/base/error.h"

struct _DrayRow
{
  GObject parent_instance;

  DrayRowData data;
  DrayRequest *request; /* NULL unless followed */
  gboolean is_stale;    /* the request has moved since it was read */
  DrayRequestState told; /* the state that those who listen know */

  GDBusConnection *connection; /* NULL unless followed */
  guint subscription;
};

G_DEFINE_FINAL_TYPE (DrayRow, dray_row, G_TYPE_OBJECT)

enum
{
  SIGNAL_STATE_CHANGED,
  SIGNAL_SETTLED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* The texts of a row, as the bus names them. */
static const struct
{
  const char *property;
  gsize offset;
} texts[] = {
  { "Id", G_STRUCT_OFFSET (DrayRowData, id) },
  { "Kind", G_STRUCT_OFFSET (DrayRowData, kind) },
  { "ParentId", G_STRUCT_OFFSET (DrayRowData, parent_id) },
  { "Source", G_STRUCT_OFFSET (DrayRowData, source) },
  { "ModelId", G_STRUCT_OFFSET (DrayRowData, model_id) },
  { "DownloadKey", G_STRUCT_OFFSET (DrayRowData, download_key) },
  { "Caller", G_STRUCT_OFFSET (DrayRowData, caller) },
  { "Reason", G_STRUCT_OFFSET (DrayRowData, reason) },
  { "Path", G_STRUCT_OFFSET (DrayRowData, path) },
  { "Sha256", G_STRUCT_OFFSET (DrayRowData, sha256) },
  { "External", G_STRUCT_OFFSET (DrayRowData, external) },
  { "Verified", G_STRUCT_OFFSET (DrayRowData, verified) },
  { "ErrorName", G_STRUCT_OFFSET (DrayRowData, error_name) },
  { "ErrorMessage", G_STRUCT_OFFSET (DrayRowData, error_message) },
};

static void
set_text (char **field, const char *value)
{
  if (g_strcmp0 (*field, value) == 0)
    return;

  g_free (*field);
  *field = g_strdup (value);
}

static void
dray_row_dispose (GObject *object)
{
  dray_row_stay (DRAY_ROW (object));

  G_OBJECT_CLASS (dray_row_parent_class)->dispose (object);
}

static void
dray_row_finalize (GObject *object)
{
  DrayRow *self = DRAY_ROW (object);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (*(char **) G_STRUCT_MEMBER_P (&self->data, texts[i].offset));

  G_OBJECT_CLASS (dray_row_parent_class)->finalize (object);
}

static void
dray_row_class_init (DrayRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = dray_row_dispose;
  object_class->finalize = dray_row_finalize;

  signals[SIGNAL_STATE_CHANGED] = g_signal_new ("state-changed", DRAY_TYPE_ROW, G_SIGNAL_RUN_LAST,
                                                0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_SETTLED] = g_signal_new ("settled", DRAY_TYPE_ROW, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
}

static void
dray_row_init (DrayRow *self)
{
  self->data.total = -1;
  self->data.percentage = -1;
  self->data.eta = -1;
  self->data.wait = -1;
}

/* Who reads a row may see a state before it is told. */
static void
tell_state (DrayRow *self)
{
  DrayRequestState before = self->told;
  DrayRequestState state = self->data.state;

  if (state == before)
    return;

  self->told = state;
  g_signal_emit (self, signals[SIGNAL_STATE_CHANGED], 0);
  if (dray_request_state_is_running (before) && !dray_request_state_is_running (state))
    g_signal_emit (self, signals[SIGNAL_SETTLED], 0);
}

/* In this process. */

static void
copy_request (DrayRow *self)
{
  DrayRequest *request = self->request;
  DrayRowData *data = &self->data;

  self->is_stale = FALSE;
  set_text (&data->id, dray_request_get_id (request));
  set_text (&data->kind, dray_request_get_kind (request));
  set_text (&data->parent_id, dray_request_get_parent_id (request));
  set_text (&data->source, dray_request_get_source (request));
  set_text (&data->model_id, dray_request_get_model_id (request));
  set_text (&data->download_key, dray_request_get_download_key (request));
  set_text (&data->caller, dray_request_get_caller (request));
  set_text (&data->reason, dray_request_get_reason (request));
  set_text (&data->path, dray_request_get_path (request));
  set_text (&data->sha256, dray_request_get_sha256 (request));
  set_text (&data->external, dray_request_get_external (request));
  set_text (&data->verified, dray_request_get_verified (request));
  set_text (&data->error_name, dray_request_get_error_name (request));
  set_text (&data->error_message, dray_request_get_error_message (request));
  data->state = dray_request_get_state (request);
  data->wait = dray_request_get_wait (request);
  data->downloaded = dray_request_get_downloaded (request);
  data->total = dray_request_get_total (request);
  data->percentage = dray_request_get_percentage (request);
  data->speed = dray_request_get_speed (request);
  data->eta = dray_request_get_eta (request);
  data->is_length_proven = dray_request_is_length_proven (request);
}

/* A row is read less often than its request moves. */
static void
request_moved_cb (G_GNUC_UNUSED DrayRequest *request, GParamSpec *pspec, DrayRow *self)
{
  self->is_stale = TRUE;
  if (!g_str_equal (pspec->name, "state"))
    return;

  copy_request (self);
  tell_state (self);
}

/**
 * dray_row_follow_request:
 * @self: a row
 * @request: a request of a manager in this process
 */
void
dray_row_follow_request (DrayRow *self, DrayRequest *request)
{
  g_return_if_fail (DRAY_IS_ROW (self));

  dray_row_stay (self);
  self->request = g_object_ref (request);
  g_signal_connect (request, "notify", G_CALLBACK (request_moved_cb), self);
  copy_request (self);
  self->told = self->data.state;
}

/**
 * dray_row_new_for_request:
 * @request: a request of a manager in this process
 *
 * Returns: (transfer full): a row that follows it
 */
DrayRow *
dray_row_new_for_request (DrayRequest *request)
{
  DrayRow *self = g_object_new (DRAY_TYPE_ROW, NULL);

  dray_row_follow_request (self, request);
  return self;
}

/* On the bus. */

static void
take_text (DrayRow *self, const char *property, GVariant *value)
{
  const char *text = g_variant_get_string (value, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (texts[i].property, property))
      set_text (G_STRUCT_MEMBER_P (&self->data, texts[i].offset), *text != '\0' ? text : NULL);
  if (g_str_equal (property, "State"))
    dray_request_state_from_name (text, &self->data.state);
}

/* While it waits, the bus tells the rest of the wait where the time to the end would be. */
static void
take_eta (DrayRow *self, gint64 eta)
{
  gboolean waits = self->data.state == DRAY_REQUEST_WAITING;

  self->data.wait = waits ? eta : -1;
  self->data.eta = waits ? -1 : eta;
}

/* A property of another type than it should have is not taken. */
static void
take_properties (DrayRow *self, GVariant *properties)
{
  DrayRowData *data = &self->data;
  GVariantIter iter;
  const char *property;
  GVariant *boxed;
  gint64 eta = MAX (data->eta, data->wait);

  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_next (&iter, "{&sv}", &property, &boxed))
    {
      g_autoptr (GVariant) value = boxed;

      if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
        take_text (self, property, value);
    }
  g_variant_lookup (properties, "Downloaded", "t", &data->downloaded);
  g_variant_lookup (properties, "Total", "x", &data->total);
  g_variant_lookup (properties, "Percentage", "d", &data->percentage);
  g_variant_lookup (properties, "Speed", "t", &data->speed);
  g_variant_lookup (properties, "LengthProven", "b", &data->is_length_proven);
  g_variant_lookup (properties, "Eta", "x", &eta);
  take_eta (self, eta);
}

static void
properties_changed_cb (G_GNUC_UNUSED GDBusConnection *connection,
                       G_GNUC_UNUSED const char *sender,
                       G_GNUC_UNUSED const char *path,
                       G_GNUC_UNUSED const char *interface,
                       G_GNUC_UNUSED const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  g_autoptr (DrayRow) self = g_object_ref (DRAY_ROW (user_data));
  g_autoptr (GVariant) changed = NULL;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;

  g_variant_get (parameters, "(s@a{sv}as)", NULL, &changed, NULL);
  take_properties (self, changed);
  tell_state (self);
}

/**
 * dray_row_new_for_properties:
 * @properties: what the bus tells of a request
 *
 * Returns: (transfer full): a row that follows nothing
 */
DrayRow *
dray_row_new_for_properties (GVariant *properties)
{
  DrayRow *self = g_object_new (DRAY_TYPE_ROW, NULL);

  take_properties (self, properties);
  return self;
}

/**
 * dray_row_follow_bus:
 * @self: a row
 * @connection: the session bus
 * @owner: the process that has the request
 * @path: where the request is
 * @error: return location for a #GError
 *
 * What has happened before is read at once, without signals: a request may have settled already.
 *
 * Returns: whether the request is there
 */
gboolean
dray_row_follow_bus (
    DrayRow *self, GDBusConnection *connection, const char *owner, const char *path, GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) properties = NULL;

  g_return_val_if_fail (DRAY_IS_ROW (self), FALSE);

  dray_row_stay (self);
  self->connection = g_object_ref (connection);
  self->subscription = g_dbus_connection_signal_subscribe (
      connection, owner, "org.freedesktop.DBus.Properties", "PropertiesChanged", path,
      DRAY_BUS_REQUEST_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE, properties_changed_cb, self, NULL);

  reply = g_dbus_connection_call_sync (connection, owner, path, "org.freedesktop.DBus.Properties",
                                       "GetAll", g_variant_new ("(s)", DRAY_BUS_REQUEST_INTERFACE),
                                       G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                                       -1, NULL, error);
  if (reply == NULL)
    return FALSE;

  properties = g_variant_get_child_value (reply, 0);
  take_properties (self, properties);
  self->told = self->data.state;
  return TRUE;
}

/**
 * dray_row_stay:
 * @self: a row
 *
 * Follows nothing from now on.
 */
void
dray_row_stay (DrayRow *self)
{
  g_return_if_fail (DRAY_IS_ROW (self));

  if (self->request != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->request, self);
      copy_request (self);
    }
  g_clear_object (&self->request);
  if (self->connection != NULL)
    g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
  g_clear_object (&self->connection);
}

/**
 * dray_row_read:
 * @self: a row
 *
 * Returns: (transfer none): what is known now; good until the main loop runs again
 */
const DrayRowData *
dray_row_read (DrayRow *self)
{
  g_return_val_if_fail (DRAY_IS_ROW (self), NULL);

  if (self->is_stale && self->request != NULL)
    copy_request (self);

  return &self->data;
}

gboolean
dray_row_is_running (DrayRow *self)
{
  return dray_request_state_is_running (dray_row_read (self)->state);
}

/**
 * dray_row_is_parent:
 * @self: a row
 *
 * Returns: whether it stands for several files, each of which has a row of its own
 */
gboolean
dray_row_is_parent (DrayRow *self)
{
  const DrayRowData *data = dray_row_read (self);

  return data->download_key == NULL && g_strcmp0 (data->kind, "download") != 0;
}

gboolean
dray_row_is_child_of (DrayRow *self, DrayRow *parent)
{
  return g_strcmp0 (dray_row_read (self)->parent_id, dray_row_read (parent)->id) == 0;
}

/**
 * dray_row_compare:
 * @a: where a row is
 * @b: where another one is
 *
 * For g_ptr_array_sort(), by what they were asked for: the files of a set by their numbers.
 */
int
dray_row_compare (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (dray_row_read (*(DrayRow *const *) a)->source,
                    dray_row_read (*(DrayRow *const *) b)->source);
}

/**
 * dray_row_dup_error:
 * @self: a row
 *
 * Returns: (transfer full) (nullable): why the request failed
 */
GError *
dray_row_dup_error (DrayRow *self)
{
  const DrayRowData *data = dray_row_read (self);
  DrayError code;

  if (data->error_name == NULL || !dray_error_from_name (data->error_name, &code))
    return NULL;

  return g_error_new_literal (DRAY_ERROR, code,
                              data->error_message != NULL ? data->error_message : "");
}
