/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/download-options.h"

/* Who asks where nobody says who. */
#define DEFAULT_CALLER "program"

struct _DrayDownloadOptions
{
  GObject parent_instance;

  char *directory;
  char *sha256;
  char *token;
  gint64 rate_limit;
  guint connections;
  gboolean restart_changed;
  GStrv without; /* NULL for nothing */
  char *caller;  /* never NULL */
};

enum
{
  PROP_0,
  PROP_DIRECTORY,
  PROP_SHA256,
  PROP_TOKEN,
  PROP_RATE_LIMIT,
  PROP_CONNECTIONS,
  PROP_RESTART_CHANGED,
  PROP_WITHOUT,
  PROP_CALLER,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DrayDownloadOptions, dray_download_options, G_TYPE_OBJECT)

static void
dray_download_options_finalize (GObject *object)
{
  DrayDownloadOptions *self = DRAY_DOWNLOAD_OPTIONS (object);

  g_free (self->directory);
  g_free (self->sha256);
  g_free (self->token);
  g_strfreev (self->without);
  g_free (self->caller);

  G_OBJECT_CLASS (dray_download_options_parent_class)->finalize (object);
}

static void
dray_download_options_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DrayDownloadOptions *self = DRAY_DOWNLOAD_OPTIONS (object);

  switch (id)
    {
    case PROP_DIRECTORY:
      g_value_set_string (value, self->directory);
      break;

    case PROP_SHA256:
      g_value_set_string (value, self->sha256);
      break;

    case PROP_TOKEN:
      g_value_set_string (value, self->token);
      break;

    case PROP_RATE_LIMIT:
      g_value_set_int64 (value, self->rate_limit);
      break;

    case PROP_CONNECTIONS:
      g_value_set_uint (value, self->connections);
      break;

    case PROP_RESTART_CHANGED:
      g_value_set_boolean (value, self->restart_changed);
      break;

    case PROP_WITHOUT:
      g_value_set_boxed (value, self->without);
      break;

    case PROP_CALLER:
      g_value_set_string (value, self->caller);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_download_options_set_property (GObject *object,
                                    guint id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  DrayDownloadOptions *self = DRAY_DOWNLOAD_OPTIONS (object);

  switch (id)
    {
    case PROP_DIRECTORY:
      dray_download_options_set_directory (self, g_value_get_string (value));
      break;

    case PROP_SHA256:
      dray_download_options_set_sha256 (self, g_value_get_string (value));
      break;

    case PROP_TOKEN:
      dray_download_options_set_token (self, g_value_get_string (value));
      break;

    case PROP_RATE_LIMIT:
      dray_download_options_set_rate_limit (self, g_value_get_int64 (value));
      break;

    case PROP_CONNECTIONS:
      dray_download_options_set_connections (self, g_value_get_uint (value));
      break;

    case PROP_RESTART_CHANGED:
      dray_download_options_set_restart_changed (self, g_value_get_boolean (value));
      break;

    case PROP_WITHOUT:
      dray_download_options_set_without (self, g_value_get_boxed (value));
      break;

    case PROP_CALLER:
      dray_download_options_set_caller (self, g_value_get_string (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
dray_download_options_class_init (DrayDownloadOptionsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = dray_download_options_finalize;
  object_class->get_property = dray_download_options_get_property;
  object_class->set_property = dray_download_options_set_property;

  /**
   * DrayDownloadOptions:directory:
   *
   * The absolute path of the folder for the file; %NULL for the library.
   */
  properties[PROP_DIRECTORY] = g_param_spec_string ("directory", NULL, NULL, NULL, flags);

  /**
   * DrayDownloadOptions:sha256:
   *
   * The digest that the file must have, in hexadecimal; %NULL for any.
   */
  properties[PROP_SHA256] = g_param_spec_string ("sha256", NULL, NULL, NULL, flags);

  /**
   * DrayDownloadOptions:token:
   *
   * A bearer token, sent to the source's origin alone and never stored; %NULL for none.
   */
  properties[PROP_TOKEN] = g_param_spec_string ("token", NULL, NULL, NULL, flags);

  /**
   * DrayDownloadOptions:rate-limit:
   *
   * How many bytes per second at most; 0 for no limit.
   */
  properties[PROP_RATE_LIMIT] =
      g_param_spec_int64 ("rate-limit", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * DrayDownloadOptions:connections:
   *
   * How many connections to fetch with, up to %DRAY_CONNECTIONS_MAX; 0 for as many as pay.
   */
  properties[PROP_CONNECTIONS] =
      g_param_spec_uint ("connections", NULL, NULL, 0, DRAY_CONNECTIONS_MAX, 0, flags);

  /**
   * DrayDownloadOptions:restart-changed:
   *
   * Whether to start over if the file on the server has changed.
   */
  properties[PROP_RESTART_CHANGED] =
      g_param_spec_boolean ("restart-changed", NULL, NULL, FALSE, flags);

  /**
   * DrayDownloadOptions:without:
   *
   * The names of companions of the model that are not wanted; %NULL for none.
   */
  properties[PROP_WITHOUT] = g_param_spec_boxed ("without", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * DrayDownloadOptions:caller:
   *
   * Who asks: the same call by the same caller takes the place of an earlier one. Setting %NULL
   * sets the default.
   */
  properties[PROP_CALLER] = g_param_spec_string ("caller", NULL, NULL, DEFAULT_CALLER, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
dray_download_options_init (DrayDownloadOptions *self)
{
  self->caller = g_strdup (DEFAULT_CALLER);
}

static void
set_text (DrayDownloadOptions *self, char **field, const char *text, guint id)
{
  if (g_strcmp0 (*field, text) == 0)
    return;

  g_free (*field);
  *field = g_strdup (text);
  g_object_notify_by_pspec (G_OBJECT (self), properties[id]);
}

/**
 * dray_download_options_new:
 *
 * Returns: (transfer full): options that wish for nothing: the library, any digest, no token, no
 *   limit
 */
DrayDownloadOptions *
dray_download_options_new (void)
{
  return g_object_new (DRAY_TYPE_DOWNLOAD_OPTIONS, NULL);
}

/**
 * dray_download_options_get_directory:
 * @self: options
 *
 * Returns: (transfer none) (nullable): the absolute path of the folder for the file; %NULL for the
 *   library
 */
const char *
dray_download_options_get_directory (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), NULL);

  return self->directory;
}

/**
 * dray_download_options_set_directory:
 * @self: options
 * @directory: (nullable): the absolute path of a folder, which may not be there yet; %NULL for the
 *   library. The call that is given the options refuses a relative one
 */
void
dray_download_options_set_directory (DrayDownloadOptions *self, const char *directory)
{
  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));

  set_text (self, &self->directory, directory, PROP_DIRECTORY);
}

/**
 * dray_download_options_get_sha256:
 * @self: options
 *
 * Returns: (transfer none) (nullable): the digest that the file must have, as it was set
 */
const char *
dray_download_options_get_sha256 (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), NULL);

  return self->sha256;
}

/**
 * dray_download_options_set_sha256:
 * @self: options
 * @sha256: (nullable): the digest that the file must have: 64 hexadecimal digits, which the call
 *   that is given the options checks; %NULL for any
 */
void
dray_download_options_set_sha256 (DrayDownloadOptions *self, const char *sha256)
{
  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));

  set_text (self, &self->sha256, sha256, PROP_SHA256);
}

/**
 * dray_download_options_get_token:
 * @self: options
 *
 * Returns: (transfer none) (nullable): the bearer token
 */
const char *
dray_download_options_get_token (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), NULL);

  return self->token;
}

/**
 * dray_download_options_set_token:
 * @self: options
 * @token: (nullable): a bearer token for the source's origin; %NULL for none
 */
void
dray_download_options_set_token (DrayDownloadOptions *self, const char *token)
{
  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));

  set_text (self, &self->token, token, PROP_TOKEN);
}

/**
 * dray_download_options_get_rate_limit:
 * @self: options
 *
 * Returns: how many bytes per second at most; 0 for no limit
 */
gint64
dray_download_options_get_rate_limit (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), 0);

  return self->rate_limit;
}

/**
 * dray_download_options_set_rate_limit:
 * @self: options
 * @rate_limit: bytes per second; 0 for no limit
 */
void
dray_download_options_set_rate_limit (DrayDownloadOptions *self, gint64 rate_limit)
{
  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));
  g_return_if_fail (rate_limit >= 0);

  if (self->rate_limit == rate_limit)
    return;

  self->rate_limit = rate_limit;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RATE_LIMIT]);
}

/**
 * dray_download_options_get_connections:
 * @self: options
 *
 * Returns: how many connections to fetch with; 0 for as many as pay
 */
guint
dray_download_options_get_connections (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), 0);

  return self->connections;
}

/**
 * dray_download_options_set_connections:
 * @self: options
 * @connections: how many connections to fetch with, up to %DRAY_CONNECTIONS_MAX; 0 for as many as
 *   pay
 */
void
dray_download_options_set_connections (DrayDownloadOptions *self, guint connections)
{
  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));
  g_return_if_fail (connections <= DRAY_CONNECTIONS_MAX);

  if (self->connections == connections)
    return;

  self->connections = connections;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONNECTIONS]);
}

/**
 * dray_download_options_get_restart_changed:
 * @self: options
 *
 * Returns: whether to start over if the file on the server has changed
 */
gboolean
dray_download_options_get_restart_changed (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), FALSE);

  return self->restart_changed;
}

/**
 * dray_download_options_set_restart_changed:
 * @self: options
 * @restart_changed: whether to start over, with the loss of the bytes at hand, if the file on the
 *   server has changed
 */
void
dray_download_options_set_restart_changed (DrayDownloadOptions *self, gboolean restart_changed)
{
  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));

  restart_changed = restart_changed != FALSE;
  if (self->restart_changed == restart_changed)
    return;

  self->restart_changed = restart_changed;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RESTART_CHANGED]);
}

/**
 * dray_download_options_get_without:
 * @self: options
 *
 * Returns: (transfer none) (nullable): the names of companions that are not wanted
 */
const char *const *
dray_download_options_get_without (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), NULL);

  return (const char *const *) self->without;
}

/**
 * dray_download_options_set_without:
 * @self: options
 * @without: (nullable) (array zero-terminated=1): the names of companions of the model that are not
 *   wanted; a file that the model needs comes all the same
 */
void
dray_download_options_set_without (DrayDownloadOptions *self, const char *const *without)
{
  GStrv copy;

  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));

  copy = g_strdupv ((char **) without);
  g_strfreev (self->without);
  self->without = copy;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WITHOUT]);
}

/**
 * dray_download_options_get_caller:
 * @self: options
 *
 * Returns: (transfer none): who asks
 */
const char *
dray_download_options_get_caller (DrayDownloadOptions *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self), NULL);

  return self->caller;
}

/**
 * dray_download_options_set_caller:
 * @self: options
 * @caller: (nullable): who asks, as in "terminal"; %NULL for "program"
 */
void
dray_download_options_set_caller (DrayDownloadOptions *self, const char *caller)
{
  g_return_if_fail (DRAY_IS_DOWNLOAD_OPTIONS (self));

  set_text (self, &self->caller, caller != NULL ? caller : DEFAULT_CALLER, PROP_CALLER);
}
