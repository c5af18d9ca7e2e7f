/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/model-list.h"

#include "core/request/model-private.h"
#include "core/request/request-private.h"

/* The shortest time between two rounds of sums, in microseconds. */
#define UPDATE_INTERVAL (100 * G_TIME_SPAN_MILLISECOND)

struct _DrayModelList
{
  GObject parent_instance;

  GListModel *requests; /* of DrayRequest */
  GPtrArray *mirror;    /* what was in requests before the change that is being told */
  GPtrArray *models;    /* of DrayModel, by ordinal */
  GHashTable *ordinals; /* from the id of a model or a request to when it was first seen */
  GHashTable *by_id;      /* from the id of a request, borrowed, to what is in mirror */
  GHashTable *n_children; /* from the id of a parent to how many in mirror name it */
  GPtrArray *stale;       /* of DrayModel: those that are to be updated */
  gint64 updated_at;
  guint update_source; /* 0 unless a round is to come */
};

static void dray_model_list_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DrayModelList,
                               dray_model_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      dray_model_list_list_model_init))

static guint
get_ordinal (DrayModelList *self, const char *id)
{
  gpointer ordinal;

  if (!g_hash_table_lookup_extended (self->ordinals, id, NULL, &ordinal))
    {
      ordinal = GUINT_TO_POINTER (g_hash_table_size (self->ordinals));
      g_hash_table_insert (self->ordinals, g_strdup (id), ordinal);
    }

  return GPOINTER_TO_UINT (ordinal);
}

/* Finds where the model with @ordinal is, or belongs. */
static guint
find_position (DrayModelList *self, guint ordinal)
{
  guint low = 0, high = self->models->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      DrayModel *model = g_ptr_array_index (self->models, middle);

      if (get_ordinal (self, dray_model_get_id (model)) < ordinal)
        low = middle + 1;
      else
        high = middle;
    }

  return low;
}

static DrayModel *
find_model (DrayModelList *self, const char *id, guint *position)
{
  DrayModel *model = NULL;

  *position = find_position (self, get_ordinal (self, id));
  if (*position < self->models->len)
    model = g_ptr_array_index (self->models, *position);

  return model != NULL && g_str_equal (dray_model_get_id (model), id) ? model : NULL;
}

/* All that a sample has changed is summed up together. */
static gboolean
update_cb (gpointer user_data)
{
  DrayModelList *self = user_data;
  g_autoptr (GPtrArray) stale = g_steal_pointer (&self->stale);

  self->stale = g_ptr_array_new_with_free_func (g_object_unref);
  self->update_source = 0;
  self->updated_at = g_get_monotonic_time ();
  for (guint i = 0; i < stale->len; i++)
    dray_model_update (g_ptr_array_index (stale, i));

  return G_SOURCE_REMOVE;
}

static void
model_stale_cb (DrayModel *model, gpointer user_data)
{
  DrayModelList *self = user_data;
  gint64 wait = self->updated_at + UPDATE_INTERVAL - g_get_monotonic_time ();

  g_ptr_array_add (self->stale, g_object_ref (model));
  if (self->update_source == 0)
    self->update_source
        = g_timeout_add ((guint) (MAX (0, wait) / G_TIME_SPAN_MILLISECOND), update_cb, self);
}

static void
add_request (DrayModelList *self, DrayRequest *request)
{
  const char *id = dray_request_get_model_id (request);
  guint position, ordinal, place;
  DrayModel *model = find_model (self, id, &position);
  GPtrArray *members;

  ordinal = get_ordinal (self, dray_request_get_id (request));
  if (model == NULL)
    {
      model = dray_model_new (id, model_stale_cb, self);
      dray_model_insert (model, 0, request);
      g_ptr_array_insert (self->models, (int) position, model);
      g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
      return;
    }

  members = dray_model_get_members (model);
  for (place = members->len; place > 0; place--)
    if (get_ordinal (self, dray_request_get_id (g_ptr_array_index (members, place - 1)))
        < ordinal)
      break;
  dray_model_insert (model, place, request);
}

static void
remove_request (DrayModelList *self, DrayRequest *request)
{
  guint position;
  DrayModel *model = find_model (self, dray_request_get_model_id (request), &position);

  g_assert (model != NULL);

  if (dray_model_get_members (model)->len > 1)
    {
      dray_model_remove (model, request);
      return;
    }

  dray_model_disown (model);
  g_ptr_array_remove_index (self->models, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

static gboolean
is_parent (DrayModelList *self, const char *id)
{
  return g_hash_table_contains (self->n_children, id);
}

/* Counts a child that comes, or that goes; the row of a parent goes with its first child and comes
 * back without its last. */
static void
count_child (DrayModelList *self, DrayRequest *child, gboolean comes)
{
  const char *id = dray_request_get_record (child)->parent_id;
  DrayRequest *parent;
  guint n_children;

  if (id == NULL)
    return;

  parent = g_hash_table_lookup (self->by_id, id);
  n_children = GPOINTER_TO_UINT (g_hash_table_lookup (self->n_children, id));
  if (comes && n_children == 0 && parent != NULL)
    remove_request (self, parent);

  n_children += comes ? 1 : -1u;
  if (n_children > 0)
    g_hash_table_insert (self->n_children, g_strdup (id), GUINT_TO_POINTER (n_children));
  else
    g_hash_table_remove (self->n_children, id);
  if (n_children == 0 && parent != NULL)
    add_request (self, parent);
}

static void
take_in (DrayModelList *self, DrayRequest *request)
{
  const char *id = dray_request_get_id (request);

  count_child (self, request, TRUE);
  g_hash_table_insert (self->by_id, (gpointer) id, request);
  if (!is_parent (self, id))
    add_request (self, request);
}

static void
let_go (DrayModelList *self, DrayRequest *request)
{
  const char *id = dray_request_get_id (request);

  g_hash_table_remove (self->by_id, id);
  if (!is_parent (self, id))
    remove_request (self, request);
  count_child (self, request, FALSE);
}

static void
requests_changed_cb (DrayModelList *self, guint position, guint removed, guint added)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < removed; i++)
    g_ptr_array_add (gone, g_object_ref (g_ptr_array_index (self->mirror, position + i)));
  if (removed > 0)
    g_ptr_array_remove_range (self->mirror, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (self->mirror, (int) (position + i),
                        g_list_model_get_item (self->requests, position + i));

  for (guint i = 0; i < gone->len; i++)
    let_go (self, g_ptr_array_index (gone, i));
  for (guint i = 0; i < added; i++)
    take_in (self, g_ptr_array_index (self->mirror, position + i));
}

static GType
get_item_type (G_GNUC_UNUSED GListModel *list)
{
  return DRAY_TYPE_MODEL;
}

static guint
get_n_items (GListModel *list)
{
  return DRAY_MODEL_LIST (list)->models->len;
}

static gpointer
get_item (GListModel *list, guint position)
{
  DrayModelList *self = DRAY_MODEL_LIST (list);

  if (position >= self->models->len)
    return NULL;

  return g_object_ref (g_ptr_array_index (self->models, position));
}

static void
dray_model_list_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
dray_model_list_finalize (GObject *object)
{
  DrayModelList *self = DRAY_MODEL_LIST (object);

  g_signal_handlers_disconnect_by_data (self->requests, self);
  g_object_unref (self->requests);
  g_clear_handle_id (&self->update_source, g_source_remove);
  for (guint i = 0; i < self->models->len; i++)
    dray_model_disown (g_ptr_array_index (self->models, i));
  g_ptr_array_unref (self->stale);
  g_ptr_array_unref (self->models);
  g_hash_table_unref (self->ordinals);
  g_hash_table_unref (self->n_children);
  g_hash_table_unref (self->by_id);
  g_ptr_array_unref (self->mirror);

  G_OBJECT_CLASS (dray_model_list_parent_class)->finalize (object);
}

static void
dray_model_list_class_init (DrayModelListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_model_list_finalize;
}

static void
dray_model_list_init (DrayModelList *self)
{
  self->mirror = g_ptr_array_new_with_free_func (g_object_unref);
  self->models = g_ptr_array_new_with_free_func (g_object_unref);
  self->ordinals = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->n_children = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->stale = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * dray_model_list_new:
 * @requests: a list of #DrayRequest
 *
 * Returns: (transfer full): the models of @requests, which it follows
 */
DrayModelList *
dray_model_list_new (GListModel *requests)
{
  DrayModelList *self = g_object_new (DRAY_TYPE_MODEL_LIST, NULL);

  self->requests = g_object_ref (requests);
  g_signal_connect_swapped (requests, "items-changed", G_CALLBACK (requests_changed_cb), self);
  requests_changed_cb (self, 0, 0, g_list_model_get_n_items (requests));
  self->updated_at = g_get_monotonic_time ();

  return self;
}
