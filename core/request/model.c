/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/model-private.h"

#include "core/base/piece.h"
#include "core/library/model-name.h"
#include "core/request/model-sums.h"
#include "core/source/bundled-models.h"
#include "core/source/source-title.h"

#include <string.h>

struct _DrayModel
{
  GObject parent_instance;

  char *id;
  DrayModelName name;
  GPtrArray *members;  /* of DrayRequest: all */
  GPtrArray *requests; /* of DrayRequest: those that are shown */
  DrayModelSums sums;
  DrayModelStaleFunc stale_func; /* NULL once no list has the model */
  gpointer stale_data;
  gboolean is_stale;
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

static void dray_model_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DrayModel,
                               dray_model,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      dray_model_list_model_init))

/* Those that completed one and the same file are one row, that of the first. */
static GPtrArray *
find_shown (DrayModel *self)
{
  g_autoptr (GHashTable) paths = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *shown = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->members->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (self->members, i);
      const char *path = dray_request_get_path (request);

      if (dray_request_get_state (request) != DRAY_REQUEST_COMPLETED || path == NULL
          || g_hash_table_add (paths, (gpointer) path))
        g_ptr_array_add (shown, g_object_ref (request));
    }

  return shown;
}

/* Tells only of what has changed between the first and the last row that did. */
static void
update_shown (DrayModel *self)
{
  g_autoptr (GPtrArray) old = NULL;
  GPtrArray *now;
  guint shorter, before = 0, after = 0;

  if (self->members->len == 1 && self->requests->len == 1)
    return;

  old = self->requests;
  now = self->requests = find_shown (self);
  shorter = MIN (old->len, now->len);
  while (before < shorter && g_ptr_array_index (old, before) == g_ptr_array_index (now, before))
    before++;
  while (after < shorter - before
         && g_ptr_array_index (old, old->len - 1 - after)
                == g_ptr_array_index (now, now->len - 1 - after))
    after++;
  if (before + after < MAX (old->len, now->len))
    g_list_model_items_changed (G_LIST_MODEL (self), before, old->len - before - after,
                                now->len - before - after);
}

static void
become_stale (DrayModel *self)
{
  if (self->is_stale || self->stale_func == NULL)
    return;

  self->is_stale = TRUE;
  self->stale_func (self, self->stale_data);
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

  for (guint i = 0; i < self->members->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (self->members, i), self);
  g_ptr_array_unref (self->members);
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
      g_value_set_enum (value, dray_model_sums_get_section (&self->sums));
      break;

    case PROP_DOWNLOADED:
      g_value_set_int64 (value, self->sums.downloaded);
      break;

    case PROP_TOTAL:
      g_value_set_int64 (value, self->sums.total);
      break;

    case PROP_PERCENTAGE:
      g_value_set_double (value, dray_model_sums_get_percentage (&self->sums));
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
  properties[PROP_SECTION] =
      g_param_spec_enum ("section", NULL, NULL, DRAY_TYPE_MODEL_SECTION, DRAY_MODEL_PAUSED, flags);
  properties[PROP_DOWNLOADED] =
      g_param_spec_int64 ("downloaded", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_TOTAL] = g_param_spec_int64 ("total", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_PERCENTAGE] = g_param_spec_double ("percentage", NULL, NULL, -1, 100, -1, flags);
  properties[PROP_SPEED] = g_param_spec_int64 ("speed", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ETA] = g_param_spec_int64 ("eta", NULL, NULL, -1, G_MAXINT64, -1, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
dray_model_init (DrayModel *self)
{
  self->members = g_ptr_array_new_with_free_func (g_object_unref);
  self->requests = g_ptr_array_new_with_free_func (g_object_unref);
  self->sums = DRAY_MODEL_SUMS_INIT;
}

/* What a model is called by its id: as its source is, or as its file. */
static void
init_name (DrayModelName *name, const char *id)
{
  g_autoptr (DrayReference) reference = dray_reference_parse (id, NULL);
  const DrayBundledModel *bundled = NULL;
  const char *repo;

  if (reference == NULL || reference->kind == DRAY_REFERENCE_LINK || reference->path != NULL)
    {
      dray_model_name_init_for_link (name, g_str_has_prefix (id, "url:") ? id + 4 : id);
      return;
    }

  if (reference->kind == DRAY_REFERENCE_BUNDLED)
    bundled = dray_bundled_models_find (reference->name);
  repo = bundled != NULL ? bundled->repo : reference->repo;
  name->title = dray_source_title_new (reference);
  name->variant = g_strdup (bundled != NULL ? bundled->quantisation : reference->variant);
  name->publisher = repo != NULL ? g_strndup (repo, strcspn (repo, "/")) : NULL;
}

/* For the list that has the model: model-private.h. */

/* Makes a model without requests. @stale_func is called when it has to be updated, once until then. */
DrayModel *
dray_model_new (const char *id, DrayModelStaleFunc stale_func, gpointer user_data)
{
  DrayModel *self = g_object_new (DRAY_TYPE_MODEL, NULL);

  self->id = g_strdup (id);
  self->stale_func = stale_func;
  self->stale_data = user_data;
  init_name (&self->name, id);

  return self;
}

/* Brings the rows and then the sums up to date: who begins to follow the list because the section
 * changed must not be told again of what it finds there. */
void
dray_model_update (DrayModel *self)
{
  DrayModelSums old = self->sums;
  const DrayModelSums *now = &self->sums;
  GObject *object = G_OBJECT (self);

  self->is_stale = FALSE;
  update_shown (self);
  self->sums = dray_model_sums_of (self->requests);

  g_object_freeze_notify (object);
  if (old.n_files != now->n_files)
    g_object_notify_by_pspec (object, properties[PROP_N_FILES]);
  if (old.downloaded != now->downloaded)
    g_object_notify_by_pspec (object, properties[PROP_DOWNLOADED]);
  if (old.total != now->total)
    g_object_notify_by_pspec (object, properties[PROP_TOTAL]);
  if (old.downloaded != now->downloaded || old.total != now->total)
    g_object_notify_by_pspec (object, properties[PROP_PERCENTAGE]);
  if (old.speed != now->speed)
    g_object_notify_by_pspec (object, properties[PROP_SPEED]);
  if (old.eta != now->eta)
    g_object_notify_by_pspec (object, properties[PROP_ETA]);
  if (old.state != now->state)
    g_object_notify_by_pspec (object, properties[PROP_STATE]);
  if (dray_model_sums_get_section (&old) != dray_model_sums_get_section (now))
    g_object_notify_by_pspec (object, properties[PROP_SECTION]);
  g_object_thaw_notify (object);
}

void
dray_model_insert (DrayModel *self, guint position, DrayRequest *request)
{
  g_ptr_array_insert (self->members, (int) position, g_object_ref (request));
  g_signal_connect_swapped (request, "notify", G_CALLBACK (become_stale), self);
  dray_model_update (self);
}

/* A model that loses its last request keeps its sums: it goes. */
void
dray_model_remove (DrayModel *self, DrayRequest *request)
{
  guint position;

  if (!g_ptr_array_find (self->members, request, &position))
    g_assert_not_reached ();

  g_signal_handlers_disconnect_by_data (request, self);
  g_ptr_array_remove_index (self->members, position);
  if (self->members->len > 0)
    dray_model_update (self);
  else
    update_shown (self);
}

/* From now on it tells nobody that it is stale. */
void
dray_model_disown (DrayModel *self)
{
  self->stale_func = NULL;
}

/* Returns: (transfer none) (element-type DrayRequest): all its requests, shown or not */
GPtrArray *
dray_model_get_members (DrayModel *self)
{
  return self->members;
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

  return dray_model_sums_get_section (&self->sums);
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

  return dray_model_sums_get_percentage (&self->sums);
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
