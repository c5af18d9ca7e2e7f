/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the callers on the bus ask of the manager. */

#include "app/service-private.h"

#include "core/base/error.h"

/* Takes an option's value; returns whether it is one. */
typedef gboolean (*TakeOption) (DrayDownloadOptions *options, GVariant *value);

static gboolean
take_directory (DrayDownloadOptions *options, GVariant *value)
{
  const char *directory = g_variant_get_string (value, NULL);

  dray_download_options_set_directory (options, directory);
  return g_path_is_absolute (directory);
}

static gboolean
take_sha256 (DrayDownloadOptions *options, GVariant *value)
{
  dray_download_options_set_sha256 (options, g_variant_get_string (value, NULL));
  return TRUE;
}

static gboolean
take_limit_rate (DrayDownloadOptions *options, GVariant *value)
{
  guint64 rate = g_variant_get_uint64 (value);

  if (rate <= G_MAXINT64)
    dray_download_options_set_rate_limit (options, (gint64) rate);
  return rate <= G_MAXINT64;
}

static gboolean
take_connections (DrayDownloadOptions *options, GVariant *value)
{
  guint32 connections = g_variant_get_uint32 (value);
  gboolean valid = connections >= 1 && connections <= DRAY_CONNECTIONS_MAX;

  if (valid)
    dray_download_options_set_connections (options, connections);
  return valid;
}

static gboolean
take_caller (DrayDownloadOptions *options, GVariant *value)
{
  const char *caller = g_variant_get_string (value, NULL);

  dray_download_options_set_caller (options, caller);
  return *caller != '\0';
}

static gboolean
take_restart_changed (DrayDownloadOptions *options, GVariant *value)
{
  dray_download_options_set_restart_changed (options, g_variant_get_boolean (value));
  return TRUE;
}

static gboolean
take_token (DrayDownloadOptions *options, GVariant *value)
{
  dray_download_options_set_token (options, g_variant_get_string (value, NULL));
  return TRUE;
}

/* "detached" is the service's own affair. */
static gboolean
take_nothing (G_GNUC_UNUSED DrayDownloadOptions *options, G_GNUC_UNUSED GVariant *value)
{
  return TRUE;
}

typedef struct
{
  const char *name;
  const char *type;
  TakeOption take;
} Option;

static const Option download_options[] = {
  { "directory", "s", take_directory },
  { "sha256", "s", take_sha256 },
  { "limit-rate", "t", take_limit_rate },
  { "connections", "u", take_connections },
  { "detached", "b", take_nothing },
  { "caller", "s", take_caller },
  { "restart-changed", "b", take_restart_changed },
  { "token", "s", take_token },
};

static const Option resume_options[] = {
  { "detached", "b", take_nothing },
  { "restart-changed", "b", take_restart_changed },
};

static const Option cancel_options[] = {
  { "clear-cache", "b", take_nothing },
};

static gboolean
take_option (const Option *known,
             guint n_known,
             DrayDownloadOptions *options,
             const char *name,
             GVariant *value,
             GError **error)
{
  for (guint i = 0; i < n_known; i++)
    {
      if (!g_str_equal (known[i].name, name))
        continue;
      if (!g_variant_is_of_type (value, G_VARIANT_TYPE (known[i].type)))
        {
          g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                       "The option “%s” is of type %s and not %s", name, known[i].type,
                       g_variant_get_type_string (value));
          return FALSE;
        }
      if (known[i].take (options, value))
        return TRUE;
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "The option “%s” cannot have that value", name);
      return FALSE;
    }

  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "There is no option “%s”", name);
  return FALSE;
}

/* Reads the options of a call; %NULL, and the call is answered, if one of them is wrong. */
static DrayDownloadOptions *
read_options (const Option *known,
              guint n_known,
              GVariant *given,
              GDBusMethodInvocation *invocation)
{
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  GVariantIter iter;
  const char *name;
  GVariant *boxed;

  dray_download_options_set_caller (options, g_dbus_method_invocation_get_sender (invocation));
  g_variant_iter_init (&iter, given);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &boxed))
    {
      g_autoptr (GVariant) value = boxed;
      GError *error = NULL;

      if (!take_option (known, n_known, options, name, value, &error))
        {
          g_dbus_method_invocation_take_error (invocation, error);
          return NULL;
        }
    }

  return g_steal_pointer (&options);
}

static gboolean
is_set (GVariant *options, const char *name)
{
  gboolean value = FALSE;

  g_variant_lookup (options, name, "b", &value);
  return value;
}

static void
own (DrayService *self, GDBusMethodInvocation *invocation, const char *id, gboolean is_detached)
{
  if (is_detached)
    dray_service_callers_forget (self->callers, id);
  else
    dray_service_callers_add (self->callers, g_dbus_method_invocation_get_sender (invocation), id);
}

static void
handle_open (G_GNUC_UNUSED DrayService *self,
             GDBusMethodInvocation *invocation,
             G_GNUC_UNUSED GVariant *parameters)
{
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
ask (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters, gboolean load)
{
  const char *source;
  g_autoptr (GVariant) given = NULL;
  g_autoptr (DrayDownloadOptions) options = NULL;
  DrayRequest *request;
  GError *error = NULL;

  g_variant_get (parameters, "(&s@a{sv})", &source, &given);
  options = read_options (download_options, G_N_ELEMENTS (download_options), given, invocation);
  if (options == NULL)
    return;

  request = load ? dray_manager_load_model (self->manager, source, options, &error)
                 : dray_manager_download_asset (self->manager, source, options, &error);
  if (request == NULL)
    {
      g_dbus_method_invocation_take_error (invocation, error);
      return;
    }

  own (self, invocation, dray_request_get_id (request), is_set (given, "detached"));
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("(s)", dray_request_get_id (request)));
}

static void
handle_download_asset (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  ask (self, invocation, parameters, FALSE);
}

static void
handle_load_model (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  ask (self, invocation, parameters, TRUE);
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  dray_manager_cancel_finish (DRAY_MANAGER (source), result);
  g_dbus_method_invocation_return_value (user_data, NULL);
}

static void
handle_cancel (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const char *id;
  g_autoptr (GVariant) given = NULL;
  g_autoptr (DrayDownloadOptions) options = NULL;

  g_variant_get (parameters, "(&s@a{sv})", &id, &given);
  options = read_options (cancel_options, G_N_ELEMENTS (cancel_options), given, invocation);
  if (options != NULL)
    dray_manager_cancel_async (self->manager, id, is_set (given, "clear-cache"), cancelled_cb,
                               invocation);
}

static void
model_cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  guint n_cancelled = dray_manager_cancel_model_finish (DRAY_MANAGER (source), result);

  g_dbus_method_invocation_return_value (user_data, g_variant_new ("(u)", n_cancelled));
}

static void
handle_cancel_model (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const char *model_id;

  g_variant_get (parameters, "(&s)", &model_id);
  dray_manager_cancel_model_async (self->manager, model_id, model_cancelled_cb, invocation);
}

static void
handle_resume (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const char *id;
  GError *error = NULL;

  g_variant_get (parameters, "(&s)", &id);
  if (dray_manager_resume (self->manager, id, FALSE, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static void
handle_resume_with (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const char *id;
  g_autoptr (GVariant) given = NULL;
  g_autoptr (DrayDownloadOptions) options = NULL;
  GError *error = NULL;

  g_variant_get (parameters, "(&s@a{sv})", &id, &given);
  options = read_options (resume_options, G_N_ELEMENTS (resume_options), given, invocation);
  if (options == NULL)
    return;

  if (!dray_manager_resume (self->manager, id, dray_download_options_get_restart_changed (options),
                            &error))
    {
      g_dbus_method_invocation_take_error (invocation, error);
      return;
    }

  own (self, invocation, id, is_set (given, "detached"));
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (dray_manager_remove_finish (DRAY_MANAGER (source), result, &error))
    g_dbus_method_invocation_return_value (user_data, NULL);
  else
    g_dbus_method_invocation_take_error (user_data, error);
}

static void
handle_remove (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const char *id;

  g_variant_get (parameters, "(&s)", &id);
  dray_manager_remove_async (self->manager, id, removed_cb, invocation);
}

static void
handle_move (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const char *id;
  guint position;
  GError *error = NULL;

  g_variant_get (parameters, "(&su)", &id, &position);
  if (dray_manager_move (self->manager, id, position, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static const struct
{
  const char *method;
  const char *signal;
  void (*handle) (DrayService *self, GDBusMethodInvocation *invocation, GVariant *parameters);
} calls[] = {
  { "Open", "handle-open", handle_open },
  { "DownloadAsset", "handle-download-asset", handle_download_asset },
  { "LoadModel", "handle-load-model", handle_load_model },
  { "Cancel", "handle-cancel", handle_cancel },
  { "CancelModel", "handle-cancel-model", handle_cancel_model },
  { "Resume", "handle-resume", handle_resume },
  { "ResumeWith", "handle-resume-with", handle_resume_with },
  { "Remove", "handle-remove", handle_remove },
  { "Move", "handle-move", handle_move },
};

/* Answers a call; there is a manager. */
void
dray_service_answer (DrayService *self, GDBusMethodInvocation *invocation)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    if (g_str_equal (calls[i].method, method))
      {
        /* An answered call is gone, and its name with it. */
        calls[i].handle (self, invocation, g_dbus_method_invocation_get_parameters (invocation));
        return;
      }
}

/* Swapped, so that the arguments of the call, of which each has others, come last. */
static gboolean
call_cb (DrayService *self, GDBusMethodInvocation *invocation)
{
  self->last_use = g_get_monotonic_time ();
  if (self->closing)
    g_dbus_method_invocation_return_error_literal (invocation, DRAY_ERROR, DRAY_ERROR_CANCELLED,
                                                   "Dray is closing");
  else if (self->manager != NULL)
    dray_service_answer (self, invocation);
  else
    g_ptr_array_add (self->waiting, invocation);

  if (self->manager == NULL)
    g_signal_emit_by_name (self, "wanted");

  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* Close() is for whoever has the manager, even while it is not open. */
static gboolean
close_cb (DrayService *self, GDBusMethodInvocation *invocation)
{
  g_ptr_array_add (self->closings, invocation);
  g_signal_emit_by_name (self, "close");

  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
held_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  G_GNUC_UNUSED g_autoptr (DrayService) self = DRAY_SERVICE (user_data);

  dray_manager_hold_finish (DRAY_MANAGER (source), result);
}

/* Makes the manager hold, or let go, as the property says. */
void
dray_service_apply_held (DrayService *self)
{
  gboolean held = dray_bus_manager1_get_held (self->skeleton);

  if (held == dray_manager_get_held (self->manager))
    return;

  if (held)
    dray_manager_hold_async (self->manager, held_cb, g_object_ref (self));
  else
    dray_manager_release (self->manager);
}

/* A property was set from the bus, or by the manager, who knows already. Without a manager the
 * service asks for one, and remembers in @is_asked what it is then to be told. */
static void
take_property (DrayService *self, void (*apply) (DrayService *), gboolean *is_asked)
{
  self->last_use = g_get_monotonic_time ();
  if (self->closing)
    return;

  if (self->manager != NULL)
    {
      apply (self);
      return;
    }

  *is_asked = TRUE;
  g_signal_emit_by_name (self, "wanted");
}

static void
held_set_cb (DrayService *self)
{
  take_property (self, dray_service_apply_held, &self->is_held_asked);
}

/* Gives the manager the limit that the property says. */
void
dray_service_apply_rate_limit (DrayService *self)
{
  guint64 rate_limit = dray_bus_manager1_get_rate_limit (self->skeleton);

  dray_manager_set_rate_limit (self->manager, MIN (rate_limit, (guint64) G_MAXINT64));
}

static void
rate_limit_set_cb (DrayService *self)
{
  take_property (self, dray_service_apply_rate_limit, &self->is_rate_asked);
}

void
dray_service_connect_calls (DrayService *self)
{
  g_signal_connect_object (self->skeleton, "notify::held", G_CALLBACK (held_set_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->skeleton, "notify::rate-limit", G_CALLBACK (rate_limit_set_cb),
                           self, G_CONNECT_SWAPPED);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    g_signal_connect_object (self->skeleton, calls[i].signal, G_CALLBACK (call_cb), self,
                             G_CONNECT_SWAPPED);
  g_signal_connect_object (self->skeleton, "handle-close", G_CALLBACK (close_cb), self,
                           G_CONNECT_SWAPPED);
}
