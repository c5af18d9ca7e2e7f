/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/model-list.h"

struct _DrayModelList
{
  GObject parent_instance;

  GListModel *requests; /* of DrayRequest */
  GPtrArray *mirror;    /* what was in requests before the change that is being told */
  GPtrArray *models;    /* of DrayModel, by ordinal */
  GHashTable *ordinals; /* from the id of a model or a request to when it was first seen */
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

static void
add_request (DrayModelList *self, DrayRequest *request)
{
  const char *id = dray_request_get_model_id (request);
  guint position, ordinal, place;
  DrayModel *model = find_model (self, id, &position);

  ordinal = get_ordinal (self, dray_request_get_id (request));
  if (model == NULL)
    {
      model = dray_model_new (id);
      dray_model_insert (model, 0, request);
      g_ptr_array_insert (self->models, (int) position, model);
      g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
      return;
    }

  place = dray_model_get_n_requests (model);
  while (place > 0
         && get_ordinal (self, dray_request_get_id (dray_model_get_request (model, place - 1)))
                > ordinal)
    place--;
  dray_model_insert (model, place, request);
}

static void
remove_request (DrayModelList *self, DrayRequest *request)
{
  guint position;
  DrayModel *model = find_model (self, dray_request_get_model_id (request), &position);

  g_assert (model != NULL);

  if (dray_model_get_n_requests (model) > 1)
    {
      dray_model_remove (model, request);
      return;
    }

  g_ptr_array_remove_index (self->models, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
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
    remove_request (self, g_ptr_array_index (gone, i));
  for (guint i = 0; i < added; i++)
    add_request (self, g_ptr_array_index (self->mirror, position + i));
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
  g_ptr_array_unref (self->mirror);
  g_ptr_array_unref (self->models);
  g_hash_table_unref (self->ordinals);

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

  return self;
}
