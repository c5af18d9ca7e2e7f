/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/service-request.h"

#include "app/bus.h"
#include "data/dray-bus.h"

#include "core/base/error.h"

struct _DrayServiceRequest
{
  DrayRequest *request;
  GDBusObjectManagerServer *objects;
  DrayBusRequest1 *skeleton;
  char *path;
  DrayServiceRequestMoved moved;
  gpointer user_data;
  gboolean was_running;
  gboolean is_behind; /* the bus has been told less than there is to tell */
};

static const char *
or_empty (const char *text)
{
  return text != NULL ? text : "";
}

static gint64
get_eta (DrayRequest *request)
{
  return dray_request_get_state (request) == DRAY_REQUEST_WAITING ? dray_request_get_wait (request)
                                                                  : dray_request_get_eta (request);
}

/* What the skeleton is given it announces by itself, in one signal, when the main loop is idle. */
static void
fill (DrayServiceRequest *self)
{
  DrayRequest *request = self->request;

  g_object_set (self->skeleton, "model-id", or_empty (dray_request_get_model_id (request)),
                "download-key", or_empty (dray_request_get_download_key (request)), "caller",
                or_empty (dray_request_get_caller (request)), "state",
                dray_request_state_get_name (dray_request_get_state (request)), "reason",
                or_empty (dray_request_get_reason (request)), "downloaded",
                (guint64) dray_request_get_downloaded (request), "total",
                dray_request_get_total (request), "percentage",
                dray_request_get_percentage (request), "speed",
                (guint64) dray_request_get_speed (request), "eta", get_eta (request), "path",
                or_empty (dray_request_get_path (request)), "sha256",
                or_empty (dray_request_get_sha256 (request)), "external",
                or_empty (dray_request_get_external (request)), "verified",
                or_empty (dray_request_get_verified (request)), "length-proven",
                dray_request_is_length_proven (request), "error-name",
                or_empty (dray_request_get_error_name (request)), "error-message",
                or_empty (dray_request_get_error_message (request)), NULL);
  self->is_behind = FALSE;
}

static void
announce_settled (DrayServiceRequest *self)
{
  const GError *error = dray_request_get_error (self->request);
  DrayRequestState state = dray_request_get_state (self->request);

  if (state == DRAY_REQUEST_COMPLETED)
    dray_bus_request1_emit_settled (self->skeleton, TRUE,
                                    or_empty (dray_request_get_result (self->request)), "", "");
  else if (error != NULL)
    dray_bus_request1_emit_settled (self->skeleton, FALSE, "",
                                    dray_error_get_name ((DrayError) error->code), error->message);
  else
    dray_bus_request1_emit_settled (
        self->skeleton, FALSE, "", dray_error_get_name (DRAY_ERROR_CANCELLED),
        state == DRAY_REQUEST_DISCARDED ? "The download was discarded" : "The download was paused");
}

static void
changed_cb (G_GNUC_UNUSED DrayRequest *request, GParamSpec *pspec, gpointer user_data)
{
  DrayServiceRequest *self = user_data;
  gboolean was_running = self->was_running;

  if (!g_str_equal (pspec->name, "state"))
    {
      if (!self->is_behind)
        self->moved (self->user_data);
      self->is_behind = TRUE;
      return;
    }

  fill (self);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  self->was_running = dray_request_is_running (self->request);
  if (was_running && !self->was_running)
    announce_settled (self);
}

/**
 * dray_service_request_new:
 * @request: a request
 * @objects: where it is shown
 * @moved: called when a flush is wanted
 * @user_data: for @moved
 *
 * Returns: (transfer full): the request on the bus, until it is freed
 */
DrayServiceRequest *
dray_service_request_new (DrayRequest *request,
                          GDBusObjectManagerServer *objects,
                          DrayServiceRequestMoved moved,
                          gpointer user_data)
{
  DrayServiceRequest *self = g_new0 (DrayServiceRequest, 1);
  g_autoptr (GDBusObjectSkeleton) object = NULL;

  self->request = g_object_ref (request);
  self->objects = g_object_ref (objects);
  self->moved = moved;
  self->user_data = user_data;
  self->was_running = dray_request_is_running (request);
  self->path = dray_bus_get_request_path (
      g_dbus_object_manager_get_object_path (G_DBUS_OBJECT_MANAGER (objects)),
      dray_request_get_id (request));
  self->skeleton = dray_bus_request1_skeleton_new ();
  g_object_set (self->skeleton, "id", dray_request_get_id (request), "kind",
                dray_request_get_kind (request), "source", dray_request_get_source (request),
                "parent-id", or_empty (dray_request_get_parent_id (request)), NULL);
  fill (self);
  g_signal_connect (request, "notify", G_CALLBACK (changed_cb), self);

  object = g_dbus_object_skeleton_new (self->path);
  g_dbus_object_skeleton_add_interface (object, G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_dbus_object_manager_server_export (objects, object);

  return self;
}

void
dray_service_request_free (DrayServiceRequest *self)
{
  g_signal_handlers_disconnect_by_data (self->request, self);
  g_dbus_object_manager_server_unexport (self->objects, self->path);
  g_object_unref (self->skeleton);
  g_object_unref (self->objects);
  g_object_unref (self->request);
  g_free (self->path);
  g_free (self);
}

/**
 * dray_service_request_flush:
 * @self: a request on the bus
 *
 * Tells the bus what is new, when the main loop is idle.
 *
 * Returns: whether anything was
 */
gboolean
dray_service_request_flush (DrayServiceRequest *self)
{
  gboolean was_behind = self->is_behind;

  if (was_behind)
    fill (self);

  return was_behind;
}
