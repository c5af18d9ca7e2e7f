/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/section.h"

struct _DraySection
{
  GObject parent_instance;

  DrayModelSection kind;
  GListModel *all;   /* of DrayModel */
  GPtrArray *mirror; /* what was in all before the change that is being told */
  GPtrArray *models; /* of DrayModel: those of this section, in the order of all */
  GPtrArray *groups; /* of DrayModel: those of them that had several requests; borrowed */
  gint64 speed;
  guint speed_source; /* 0 unless it is to be summed up anew */
  gint64 free_bytes;
  gboolean held;
};

enum
{
  PROP_0,
  PROP_KIND,
  PROP_N_MODELS,
  PROP_SPEED,
  PROP_FREE_BYTES,
  PROP_HELD,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void dray_section_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (DraySection,
                               dray_section,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      dray_section_list_model_init))

static gboolean
is_group (DrayModel *model)
{
  return dray_model_get_n_requests (model) > 1;
}

static gboolean
update_speed_cb (gpointer user_data)
{
  DraySection *self = user_data;
  gint64 speed = 0;

  self->speed_source = 0;
  for (guint i = 0; i < self->models->len; i++)
    speed += dray_model_get_speed (g_ptr_array_index (self->models, i));
  if (speed != self->speed)
    {
      self->speed = speed;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SPEED]);
    }

  return G_SOURCE_REMOVE;
}

/* Once for all the models that change in one turn of the loop. */
static void
update_speed (DraySection *self)
{
  if (self->speed_source == 0)
    self->speed_source = g_idle_add_full (G_PRIORITY_DEFAULT, update_speed_cb, self, NULL);
}

static void
tell_membership (DraySection *self)
{
  update_speed (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_MODELS]);
}

/* Where the model goes: both lists have the order of all. */
static guint
find_place (DraySection *self, DrayModel *model)
{
  guint place = 0;

  for (guint i = 0; i < self->mirror->len && place < self->models->len; i++)
    {
      if (g_ptr_array_index (self->mirror, i) == model)
        break;
      if (g_ptr_array_index (self->mirror, i) == g_ptr_array_index (self->models, place))
        place++;
    }

  return place;
}

static void
take_in (DraySection *self, DrayModel *model)
{
  guint place = find_place (self, model);
  gboolean first = self->models->len == 0;

  g_ptr_array_insert (self->models, (int) place, g_object_ref (model));
  g_signal_connect_swapped (model, "notify::speed", G_CALLBACK (update_speed), self);
  if (is_group (model))
    g_ptr_array_add (self->groups, model);
  if (first)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, 0, 2);
  else
    g_list_model_items_changed (G_LIST_MODEL (self), place + 1, 0, 1);
  tell_membership (self);
}

static void
let_go (DraySection *self, guint place)
{
  DrayModel *model = g_ptr_array_index (self->models, place);

  g_signal_handlers_disconnect_by_func (model, update_speed, self);
  g_ptr_array_remove_fast (self->groups, model);
  g_ptr_array_remove_index (self->models, place);
  if (self->models->len == 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, 2, 0);
  else
    g_list_model_items_changed (G_LIST_MODEL (self), place + 1, 1, 0);
  tell_membership (self);
}

static void
section_changed_cb (DrayModel *model, G_GNUC_UNUSED GParamSpec *pspec, DraySection *self)
{
  gboolean belongs = dray_model_get_section (model) == self->kind;
  guint place;
  gboolean is_here = g_ptr_array_find (self->models, model, &place);

  if (belongs && !is_here)
    take_in (self, model);
  else if (!belongs && is_here)
    let_go (self, place);
}

/* A tree asks once whether an item has children, so a model that becomes a group, or ceases to be
 * one, is told to it as another item. */
static void
requests_changed_cb (DrayModel *model,
                     G_GNUC_UNUSED guint position,
                     G_GNUC_UNUSED guint removed,
                     G_GNUC_UNUSED guint added,
                     DraySection *self)
{
  gboolean was_group = g_ptr_array_find (self->groups, model, NULL);
  guint place;

  if (was_group == is_group (model) || !g_ptr_array_find (self->models, model, &place))
    return;

  if (was_group)
    g_ptr_array_remove_fast (self->groups, model);
  else
    g_ptr_array_add (self->groups, model);
  g_list_model_items_changed (G_LIST_MODEL (self), place + 1, 1, 1);
}

static void
forget (DraySection *self, DrayModel *model)
{
  guint place;

  g_signal_handlers_disconnect_by_data (model, self);
  if (g_ptr_array_find (self->models, model, &place))
    let_go (self, place);
}

static void
models_changed_cb (DraySection *self, guint position, guint removed, guint added)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < removed; i++)
    g_ptr_array_add (gone, g_object_ref (g_ptr_array_index (self->mirror, position + i)));
  if (removed > 0)
    g_ptr_array_remove_range (self->mirror, position, removed);
  for (guint i = 0; i < gone->len; i++)
    forget (self, g_ptr_array_index (gone, i));

  for (guint i = 0; i < added; i++)
    {
      DrayModel *model = g_list_model_get_item (self->all, position + i);

      g_ptr_array_insert (self->mirror, (int) (position + i), model);
      g_signal_connect (model, "notify::section", G_CALLBACK (section_changed_cb), self);
      g_signal_connect (model, "items-changed", G_CALLBACK (requests_changed_cb), self);
    }
  for (guint i = 0; i < added; i++)
    section_changed_cb (g_ptr_array_index (self->mirror, position + i), NULL, self);
}

static GType
get_item_type (G_GNUC_UNUSED GListModel *list)
{
  return G_TYPE_OBJECT;
}

static guint
get_n_items (GListModel *list)
{
  guint n_models = DRAY_SECTION (list)->models->len;

  return n_models > 0 ? n_models + 1 : 0;
}

static gpointer
get_item (GListModel *list, guint position)
{
  DraySection *self = DRAY_SECTION (list);

  if (position >= get_n_items (list))
    return NULL;
  if (position == 0)
    return g_object_ref (self);

  return g_object_ref (g_ptr_array_index (self->models, position - 1));
}

static void
dray_section_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
dray_section_finalize (GObject *object)
{
  DraySection *self = DRAY_SECTION (object);

  for (guint i = 0; i < self->mirror->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (self->mirror, i), self);
  g_clear_handle_id (&self->speed_source, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->all, self);
  g_object_unref (self->all);
  g_ptr_array_unref (self->mirror);
  g_ptr_array_unref (self->models);
  g_ptr_array_unref (self->groups);

  G_OBJECT_CLASS (dray_section_parent_class)->finalize (object);
}

static void
dray_section_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DraySection *self = DRAY_SECTION (object);

  switch (id)
    {
    case PROP_KIND:
      g_value_set_enum (value, self->kind);
      break;

    case PROP_N_MODELS:
      g_value_set_uint (value, self->models->len);
      break;

    case PROP_SPEED:
      g_value_set_int64 (value, self->speed);
      break;

    case PROP_FREE_BYTES:
      g_value_set_int64 (value, self->free_bytes);
      break;

    case PROP_HELD:
      g_value_set_boolean (value, self->held);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_section_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  DraySection *self = DRAY_SECTION (object);

  switch (id)
    {
    case PROP_FREE_BYTES:
      if (self->free_bytes == g_value_get_int64 (value))
        return;
      self->free_bytes = g_value_get_int64 (value);
      break;

    case PROP_HELD:
      if (self->held == g_value_get_boolean (value))
        return;
      self->held = g_value_get_boolean (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

static void
dray_section_class_init (DraySectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = dray_section_finalize;
  object_class->get_property = dray_section_get_property;
  object_class->set_property = dray_section_set_property;

  properties[PROP_KIND]
      = g_param_spec_enum ("kind", NULL, NULL, DRAY_TYPE_MODEL_SECTION, DRAY_MODEL_IN_PROGRESS,
                           flags | G_PARAM_READABLE);
  properties[PROP_N_MODELS] = g_param_spec_uint ("n-models", NULL, NULL, 0, G_MAXUINT, 0,
                                                 flags | G_PARAM_READABLE);
  properties[PROP_SPEED] = g_param_spec_int64 ("speed", NULL, NULL, 0, G_MAXINT64, 0,
                                               flags | G_PARAM_READABLE);
  properties[PROP_FREE_BYTES] = g_param_spec_int64 ("free-bytes", NULL, NULL, -1, G_MAXINT64, -1,
                                                    flags | G_PARAM_READWRITE);
  properties[PROP_HELD]
      = g_param_spec_boolean ("held", NULL, NULL, FALSE, flags | G_PARAM_READWRITE);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
dray_section_init (DraySection *self)
{
  self->mirror = g_ptr_array_new_with_free_func (g_object_unref);
  self->models = g_ptr_array_new_with_free_func (g_object_unref);
  self->groups = g_ptr_array_new ();
  self->free_bytes = -1;
}

/**
 * dray_section_new:
 * @kind: which section
 * @models: all models, of which it shows its own
 *
 * Returns: (transfer full): a section
 */
DraySection *
dray_section_new (DrayModelSection kind, GListModel *models)
{
  DraySection *self = g_object_new (DRAY_TYPE_SECTION, NULL);

  self->kind = kind;
  self->all = g_object_ref (models);
  g_signal_connect_swapped (models, "items-changed", G_CALLBACK (models_changed_cb), self);
  models_changed_cb (self, 0, 0, g_list_model_get_n_items (models));

  return self;
}

DrayModelSection
dray_section_get_kind (DraySection *self)
{
  return self->kind;
}

/**
 * dray_section_get_speed:
 * @self: a section
 *
 * Returns: bytes per second of all its models
 */
gint64
dray_section_get_speed (DraySection *self)
{
  return self->speed;
}

guint
dray_section_get_n_models (DraySection *self)
{
  return self->models->len;
}

/**
 * dray_section_get_free_bytes:
 * @self: a section
 *
 * Returns: bytes free where models are kept, for the heading; -1 to say nothing of it
 */
gint64
dray_section_get_free_bytes (DraySection *self)
{
  return self->free_bytes;
}

/**
 * dray_section_get_held:
 * @self: a section
 *
 * Returns: whether what would move in it is held
 */
gboolean
dray_section_get_held (DraySection *self)
{
  g_return_val_if_fail (DRAY_IS_SECTION (self), FALSE);

  return self->held;
}
