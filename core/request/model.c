/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/model.h"

#include "core/base/piece.h"
#include "core/library/model-name.h"

/* The shortest time between two sums, in microseconds. */
#define UPDATE_INTERVAL (100 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  DrayRequestState state;
  guint n_files;
  gint64 downloaded;
  gint64 total;
  gint64 speed;
  gint64 eta;
} Sums;

struct _DrayModel
{
  GObject parent_instance;

  char *id;
  DrayModelName name;
  GPtrArray *requests; /* of DrayRequest */
  Sums sums;
  gint64 updated_at;
  guint update_source;
};

enum
{
  PROP_0,
  PROP_ID,
  PROP_TITLE,
  PROP_VARIANT,
  PROP_PUBLISHER,
  PROP_N_FILES,
  PROP_STATE,
  PROP_SECTION,
  PROP_DOWNLOADED,
  PROP_TOTAL,
  PROP_PERCENTAGE,
  PROP_SPEED,
  PROP_ETA,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static const GEnumValue section_values[] = {
  { DRAY_MODEL_IN_PROGRESS, "DRAY_MODEL_IN_PROGRESS", "in-progress" },
  { DRAY_MODEL_NEEDS_YOU, "DRAY_MODEL_NEEDS_YOU", "needs-you" },
  { DRAY_MODEL_PAUSED, "DRAY_MODEL_PAUSED", "paused" },
  { DRAY_MODEL_FINISHED, "DRAY_MODEL_FINISHED", "finished" },
  { 0, NULL, NULL },
};

static void dray_model_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DrayModel,
                               dray_model,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      dray_model_list_model_init))

GType
dray_model_section_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("DrayModelSection", section_values));

  return type;
}

static DrayModelSection
section_of_state (DrayRequestState state)
{
  if (dray_request_state_is_running (state))
    return DRAY_MODEL_IN_PROGRESS;

  switch (state)
    {
    case DRAY_REQUEST_FAILED:
      return DRAY_MODEL_NEEDS_YOU;

    case DRAY_REQUEST_COMPLETED:
      return DRAY_MODEL_FINISHED;

    default:
      return DRAY_MODEL_PAUSED;
    }
}

/* Which of two requests speaks for their model: the higher. */
static guint
get_weight (DrayRequestState state)
{
  static const guint8 weights[] = {
    [DRAY_REQUEST_DOWNLOADING] = 10, [DRAY_REQUEST_VERIFYING] = 9, [DRAY_REQUEST_LOADING] = 8,
    [DRAY_REQUEST_WAITING] = 7,      [DRAY_REQUEST_CONNECTING] = 6, [DRAY_REQUEST_RESOLVING] = 5,
    [DRAY_REQUEST_QUEUED] = 4,       [DRAY_REQUEST_FAILED] = 3,     [DRAY_REQUEST_PAUSED] = 2,
    [DRAY_REQUEST_COMPLETED] = 1,    [DRAY_REQUEST_DISCARDED] = 0,
  };

  return weights[state];
}

static void
add_to_sums (Sums *sums, DrayRequest *request)
{
  gint64 total = dray_request_get_total (request);

  sums->n_files++;
  sums->downloaded += dray_request_get_downloaded (request);
  sums->speed += dray_request_get_speed (request);
  sums->eta = MAX (sums->eta, dray_request_get_eta (request));
  if (total == DRAY_SIZE_UNKNOWN || sums->total == DRAY_SIZE_UNKNOWN)
    sums->total = DRAY_SIZE_UNKNOWN;
  else
    sums->total += total;
}

/* Two callers' requests for the same bytes count once. */
static Sums
sum_up (DrayModel *self)
{
  g_autoptr (GHashTable) keys = g_hash_table_new (g_str_hash, g_str_equal);
  Sums sums = { .state = DRAY_REQUEST_DISCARDED, .eta = -1 };

  for (guint i = 0; i < self->requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (self->requests, i);
      DrayRequestState state = dray_request_get_state (request);
      const char *key = dray_request_get_download_key (request);

      if (get_weight (state) > get_weight (sums.state))
        sums.state = state;
      if (key == NULL || g_hash_table_add (keys, (gpointer) key))
        add_to_sums (&sums, request);
    }
  if (sums.n_files > 1 && sums.total != DRAY_SIZE_UNKNOWN && sums.speed > 0)
    sums.eta = (sums.total - sums.downloaded + sums.speed - 1) / sums.speed;

  return sums;
}

static double
get_percentage (const Sums *sums)
{
  if (sums->total == DRAY_SIZE_UNKNOWN)
    return -1;
  if (sums->total == 0)
    return sums->state == DRAY_REQUEST_COMPLETED ? 100 : 0;

  return MIN (100.0, 100.0 * (double) sums->downloaded / (double) sums->total);
}

static void
update (DrayModel *self)
{
  Sums old = self->sums;
  GObject *object = G_OBJECT (self);

  self->sums = sum_up (self);
  self->updated_at = g_get_monotonic_time ();

  g_object_freeze_notify (object);
  if (old.n_files != self->sums.n_files)
    g_object_notify_by_pspec (object, properties[PROP_N_FILES]);
  if (old.downloaded != self->sums.downloaded)
    g_object_notify_by_pspec (object, properties[PROP_DOWNLOADED]);
  if (old.total != self->sums.total)
    g_object_notify_by_pspec (object, properties[PROP_TOTAL]);
  if (old.downloaded != self->sums.downloaded || old.total != self->sums.total)
    g_object_notify_by_pspec (object, properties[PROP_PERCENTAGE]);
  if (old.speed != self->sums.speed)
    g_object_notify_by_pspec (object, properties[PROP_SPEED]);
  if (old.eta != self->sums.eta)
    g_object_notify_by_pspec (object, properties[PROP_ETA]);
  if (old.state != self->sums.state)
    g_object_notify_by_pspec (object, properties[PROP_STATE]);
  if (section_of_state (old.state) != section_of_state (self->sums.state))
    g_object_notify_by_pspec (object, properties[PROP_SECTION]);
  g_object_thaw_notify (object);
}

static gboolean
update_cb (gpointer user_data)
{
  DrayModel *self = DRAY_MODEL (user_data);

  self->update_source = 0;
  update (self);

  return G_SOURCE_REMOVE;
}

static void
request_changed_cb (DrayModel *self)
{
  gint64 wait;

  if (self->update_source != 0)
    return;

  wait = self->updated_at + UPDATE_INTERVAL - g_get_monotonic_time ();
  self->update_source
      = g_timeout_add ((guint) (MAX (0, wait) / G_TIME_SPAN_MILLISECOND), update_cb, self);
}

static GType
get_item_type (G_GNUC_UNUSED GListModel *list)
{
  return DRAY_TYPE_REQUEST;
}

static guint
get_n_items (GListModel *list)
{
  return DRAY_MODEL (list)->requests->len;
}

static gpointer
get_item (GListModel *list, guint position)
{
  DrayModel *self = DRAY_MODEL (list);

  if (position >= self->requests->len)
    return NULL;

  return g_object_ref (g_ptr_array_index (self->requests, position));
}

static void
dray_model_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
dray_model_finalize (GObject *object)
{
  DrayModel *self = DRAY_MODEL (object);

  for (guint i = 0; i < self->requests->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (self->requests, i), self);
  g_clear_handle_id (&self->update_source, g_source_remove);
  g_ptr_array_unref (self->requests);
  dray_model_name_clear (&self->name);
  g_free (self->id);

  G_OBJECT_CLASS (dray_model_parent_class)->finalize (object);
}

static void
dray_model_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayModel *self = DRAY_MODEL (object);

  switch (id)
    {
    case PROP_ID:
      g_value_set_string (value, self->id);
      break;

    case PROP_TITLE:
      g_value_set_string (value, self->name.title);
      break;

    case PROP_VARIANT:
      g_value_set_string (value, self->name.variant);
      break;

    case PROP_PUBLISHER:
      g_value_set_string (value, self->name.publisher);
      break;

    case PROP_N_FILES:
      g_value_set_uint (value, self->sums.n_files);
      break;

    case PROP_STATE:
      g_value_set_enum (value, self->sums.state);
      break;

    case PROP_SECTION:
      g_value_set_enum (value, section_of_state (self->sums.state));
      break;

    case PROP_DOWNLOADED:
      g_value_set_int64 (value, self->sums.downloaded);
      break;

    case PROP_TOTAL:
      g_value_set_int64 (value, self->sums.total);
      break;

    case PROP_PERCENTAGE:
      g_value_set_double (value, get_percentage (&self->sums));
      break;

    case PROP_SPEED:
      g_value_set_int64 (value, self->sums.speed);
      break;

    case PROP_ETA:
      g_value_set_int64 (value, self->sums.eta);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_model_class_init (DrayModelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = dray_model_finalize;
  object_class->get_property = dray_model_get_property;

  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_VARIANT] = g_param_spec_string ("variant", NULL, NULL, NULL, flags);
  properties[PROP_PUBLISHER] = g_param_spec_string ("publisher", NULL, NULL, NULL, flags);
  properties[PROP_N_FILES] = g_param_spec_uint ("n-files", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, DRAY_TYPE_REQUEST_STATE,
                                              DRAY_REQUEST_DISCARDED, flags);
  properties[PROP_SECTION] = g_param_spec_enum ("section", NULL, NULL, DRAY_TYPE_MODEL_SECTION,
                                                DRAY_MODEL_PAUSED, flags);
  properties[PROP_DOWNLOADED]
      = g_param_spec_int64 ("downloaded", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_TOTAL] = g_param_spec_int64 ("total", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_PERCENTAGE]
      = g_param_spec_double ("percentage", NULL, NULL, -1, 100, -1, flags);
  properties[PROP_SPEED] = g_param_spec_int64 ("speed", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ETA] = g_param_spec_int64 ("eta", NULL, NULL, -1, G_MAXINT64, -1, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
dray_model_init (DrayModel *self)
{
  self->requests = g_ptr_array_new_with_free_func (g_object_unref);
  self->sums.state = DRAY_REQUEST_DISCARDED;
}

/**
 * dray_model_new: (skip)
 * @id: a model id
 *
 * Returns: (transfer full): a model without requests
 */
DrayModel *
dray_model_new (const char *id)
{
  DrayModel *self = g_object_new (DRAY_TYPE_MODEL, NULL);

  self->id = g_strdup (id);
  dray_model_name_init_for_link (&self->name, g_str_has_prefix (id, "url:") ? id + 4 : id);

  return self;
}

/**
 * dray_model_insert: (skip)
 * @self: a model
 * @position: where in the model
 * @request: a request with the model's id
 *
 * The list changes first, then the sums: who begins to follow the list because the section changed
 * must not be told again of what it finds there.
 */
void
dray_model_insert (DrayModel *self, guint position, DrayRequest *request)
{
  g_return_if_fail (DRAY_IS_MODEL (self));
  g_return_if_fail (position <= self->requests->len);

  g_ptr_array_insert (self->requests, (int) position, g_object_ref (request));
  g_signal_connect_swapped (request, "notify", G_CALLBACK (request_changed_cb), self);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
  update (self);
}

/**
 * dray_model_remove: (skip)
 * @self: a model
 * @request: one of its requests
 */
void
dray_model_remove (DrayModel *self, DrayRequest *request)
{
  guint position;

  g_return_if_fail (DRAY_IS_MODEL (self));

  if (!g_ptr_array_find (self->requests, request, &position))
    g_return_if_reached ();

  g_signal_handlers_disconnect_by_data (request, self);
  g_ptr_array_remove_index (self->requests, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
  if (self->requests->len > 0)
    update (self);
}

const char *
dray_model_get_id (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), NULL);

  return self->id;
}

const char *
dray_model_get_title (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), NULL);

  return self->name.title;
}

/**
 * dray_model_get_variant:
 * @self: a model
 *
 * Returns: (nullable): how it is quantised, as far as its name says
 */
const char *
dray_model_get_variant (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), NULL);

  return self->name.variant;
}

/**
 * dray_model_get_publisher:
 * @self: a model
 *
 * Returns: (nullable): who publishes it
 */
const char *
dray_model_get_publisher (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), NULL);

  return self->name.publisher;
}

guint
dray_model_get_n_requests (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), 0);

  return self->requests->len;
}

/**
 * dray_model_get_n_files:
 * @self: a model
 *
 * Returns: how many files its requests ask for; two callers' wishes for one file count once
 */
guint
dray_model_get_n_files (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), 0);

  return self->sums.n_files;
}

/**
 * dray_model_get_request:
 * @self: a model
 * @position: less than dray_model_get_n_requests()
 *
 * Returns: (transfer none): a request
 */
DrayRequest *
dray_model_get_request (DrayModel *self, guint position)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), NULL);
  g_return_val_if_fail (position < self->requests->len, NULL);

  return g_ptr_array_index (self->requests, position);
}

/**
 * dray_model_get_state:
 * @self: a model
 *
 * Returns: the state of the request that speaks for the model: one that runs before one that
 *   failed, that before one that is paused
 */
DrayRequestState
dray_model_get_state (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), DRAY_REQUEST_DISCARDED);

  return self->sums.state;
}

DrayModelSection
dray_model_get_section (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), DRAY_MODEL_PAUSED);

  return section_of_state (self->sums.state);
}

gint64
dray_model_get_downloaded (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), 0);

  return self->sums.downloaded;
}

/**
 * dray_model_get_total:
 * @self: a model
 *
 * Returns: bytes; -1 while the size of any of its files is not known
 */
gint64
dray_model_get_total (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), DRAY_SIZE_UNKNOWN);

  return self->sums.total;
}

/**
 * dray_model_get_percentage:
 * @self: a model
 *
 * Returns: 0 to 100; -1 while the size is not known
 */
double
dray_model_get_percentage (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), -1);

  return get_percentage (&self->sums);
}

/**
 * dray_model_get_speed:
 * @self: a model
 *
 * Returns: bytes per second
 */
gint64
dray_model_get_speed (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), 0);

  return self->sums.speed;
}

/**
 * dray_model_get_eta:
 * @self: a model
 *
 * Returns: seconds left; -1 while nobody can tell
 */
gint64
dray_model_get_eta (DrayModel *self)
{
  g_return_val_if_fail (DRAY_IS_MODEL (self), -1);

  return self->sums.eta;
}
