/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A request's properties: what they are called, and what is read through them. */

#include "core/request/request-private.h"

static GParamSpec *properties[DRAY_N_PROPS];

static const char *
get_string (DrayRequest *self, guint id)
{
  switch (id)
    {
    case DRAY_PROP_ID:
      return self->record->id;

    case DRAY_PROP_KIND:
      return self->record->kind;

    case DRAY_PROP_SOURCE:
      return self->record->source;

    case DRAY_PROP_MODEL_ID:
      return self->record->model_id;

    case DRAY_PROP_PARENT_ID:
      return self->record->parent_id;

    case DRAY_PROP_CALLER:
      return self->record->caller;

    case DRAY_PROP_DOWNLOAD_KEY:
      return self->download_key;

    case DRAY_PROP_REASON:
      return self->reason;

    case DRAY_PROP_ALSO_FOR:
      return self->also_for;

    case DRAY_PROP_PATH:
      return self->path;

    case DRAY_PROP_SHA256:
      return self->sha256;

    case DRAY_PROP_EXTERNAL:
      return self->external;

    case DRAY_PROP_VERIFIED:
      return dray_request_get_verified (self);

    case DRAY_PROP_ERROR_NAME:
      return dray_request_get_error_name (self);

    case DRAY_PROP_ERROR_MESSAGE:
      return dray_request_get_error_message (self);

    default:
      g_assert_not_reached ();
    }
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayRequest *self = DRAY_REQUEST (object);

  switch (id)
    {
    case DRAY_PROP_STATE:
      g_value_set_enum (value, self->state);
      break;

    case DRAY_PROP_WAIT:
      g_value_set_int64 (value, self->wait);
      break;

    case DRAY_PROP_QUEUE_POSITION:
      g_value_set_int (value, self->queue_position);
      break;

    case DRAY_PROP_DOWNLOADED:
      g_value_set_int64 (value, self->downloaded);
      break;

    case DRAY_PROP_TOTAL:
      g_value_set_int64 (value, self->total);
      break;

    case DRAY_PROP_PERCENTAGE:
      g_value_set_double (value, dray_request_get_percentage (self));
      break;

    case DRAY_PROP_SPEED:
      g_value_set_int64 (value, self->speed);
      break;

    case DRAY_PROP_MISSING:
      g_value_set_int64 (value, self->missing);
      break;

    case DRAY_PROP_ETA:
      g_value_set_int64 (value, self->eta);
      break;

    case DRAY_PROP_FACTS:
      g_value_set_boxed (value, self->facts);
      break;

    default:
      if (G_PARAM_SPEC_VALUE_TYPE (pspec) != G_TYPE_STRING)
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      else
        g_value_set_string (value, get_string (self, id));
    }
}

/* Lets the class have its properties, and say what they are. */
void
dray_request_install_properties (GObjectClass *object_class)
{
  static const struct
  {
    guint id;
    const char *name;
  } strings[] = {
    { DRAY_PROP_ID, "id" },
    { DRAY_PROP_KIND, "kind" },
    { DRAY_PROP_SOURCE, "source" },
    { DRAY_PROP_MODEL_ID, "model-id" },
    { DRAY_PROP_PARENT_ID, "parent-id" },
    { DRAY_PROP_CALLER, "caller" },
    { DRAY_PROP_DOWNLOAD_KEY, "download-key" },
    { DRAY_PROP_REASON, "reason" },
    { DRAY_PROP_ALSO_FOR, "also-for" },
    { DRAY_PROP_PATH, "path" },
    { DRAY_PROP_SHA256, "sha256" },
    { DRAY_PROP_EXTERNAL, "external" },
    { DRAY_PROP_VERIFIED, "verified" },
    { DRAY_PROP_ERROR_NAME, "error-name" },
    { DRAY_PROP_ERROR_MESSAGE, "error-message" },
  };
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = get_property;

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    properties[strings[i].id] = g_param_spec_string (strings[i].name, NULL, NULL, NULL, flags);
  properties[DRAY_PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, DRAY_TYPE_REQUEST_STATE,
                                                   DRAY_REQUEST_RESOLVING, flags);
  properties[DRAY_PROP_WAIT]
      = g_param_spec_int64 ("wait", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[DRAY_PROP_MISSING]
      = g_param_spec_int64 ("missing", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[DRAY_PROP_QUEUE_POSITION]
      = g_param_spec_int ("queue-position", NULL, NULL, -1, G_MAXINT, -1, flags);
  properties[DRAY_PROP_DOWNLOADED]
      = g_param_spec_int64 ("downloaded", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[DRAY_PROP_TOTAL]
      = g_param_spec_int64 ("total", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[DRAY_PROP_PERCENTAGE]
      = g_param_spec_double ("percentage", NULL, NULL, -1, 100, -1, flags);
  properties[DRAY_PROP_SPEED]
      = g_param_spec_int64 ("speed", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[DRAY_PROP_ETA] = g_param_spec_int64 ("eta", NULL, NULL, -1, G_MAXINT64, -1, flags);

  properties[DRAY_PROP_FACTS]
      = g_param_spec_boxed ("facts", NULL, NULL, DRAY_TYPE_MODEL_FACTS, flags);

  g_object_class_install_properties (object_class, DRAY_N_PROPS, properties);
}

void
dray_request_notify (DrayRequest *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}
