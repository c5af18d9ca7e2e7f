/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/output.h"

#include "app/progress-line.h"
#include "core/base/error.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* Percentages are cut to sixteenths: fine enough to move, and exact in binary, so that they print
 * as 24.375 and not as 24.379999999999999. 100 is said only of a whole file. */
#define PERCENT_PARTS 16

/* A request that is shown, and what was last said of it. */
typedef struct
{
  DrayRequest *request;
  gint64 downloaded;
  DrayRequestState state;
  gboolean ended;
} Shown;

struct _DrayOutput
{
  DrayOutputMode mode;
  GPtrArray *shown;            /* of Shown */
  DrayProgressLines *lines; /* NULL unless plain on a terminal */
};

static void
shown_free (Shown *shown)
{
  g_object_unref (shown->request);
  g_free (shown);
}

DrayOutput *
dray_output_new (DrayOutputMode mode)
{
  DrayOutput *output = g_new0 (DrayOutput, 1);

  output->mode = mode;
  output->shown = g_ptr_array_new_with_free_func ((GDestroyNotify) shown_free);
  if (mode == DRAY_OUTPUT_PLAIN && isatty (STDOUT_FILENO))
    output->lines = dray_progress_lines_new ();

  return output;
}

void
dray_output_free (DrayOutput *output)
{
  g_clear_pointer (&output->lines, dray_progress_lines_free);
  g_ptr_array_unref (output->shown);
  g_free (output);
}

/* JSON has no value for what is not known but null. */
void
dray_json_add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
dray_json_add_size (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  if (value >= 0)
    json_builder_add_int_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
dray_json_add_percentage (JsonBuilder *builder, DrayRequest *request)
{
  double percentage = dray_request_get_percentage (request);

  json_builder_set_member_name (builder, "percentage");
  if (percentage >= 0)
    json_builder_add_double_value (builder, floor (percentage * PERCENT_PARTS) / PERCENT_PARTS);
  else
    json_builder_add_null_value (builder);
}

/* Prints the object that was built, on one line, at once. */
void
dray_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, FALSE);

  printf ("%s\n", text);
  fflush (stdout);
}

/* One line, in which what a link, a server or a file says has no power over a terminal. */
char *
dray_make_harmless (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *line = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar character = g_utf8_get_char (p);

      g_string_append_unichar (line, g_unichar_iscntrl (character) ? ' ' : character);
    }

  return g_string_free (line, FALSE);
}

/* One line on standard error, whatever the message holds. */
void
dray_print_error (const GError *error)
{
  g_autofree char *line = dray_make_harmless (error->message);

  fprintf (stderr, "dray: %s: %s\n",
           error->domain == DRAY_ERROR ? dray_error_get_name ((DrayError) error->code) : "error",
           line);
}

static JsonBuilder *
begin_event (const char *event, DrayRequest *request)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  dray_json_add_string (builder, "event", event);
  dray_json_add_string (builder, "requestId",
                        request != NULL ? dray_request_get_id (request) : NULL);
  return builder;
}

static void
end_event (JsonBuilder *builder)
{
  json_builder_end_object (builder);
  dray_print_json (builder);
  g_object_unref (builder);
}

static void
print_request (DrayRequest *request)
{
  JsonBuilder *builder = begin_event ("request", request);

  dray_json_add_string (builder, "parentId", NULL);
  dray_json_add_string (builder, "modelId", dray_request_get_model_id (request));
  dray_json_add_string (builder, "downloadKey", dray_request_get_download_key (request));
  dray_json_add_string (builder, "source", dray_request_get_source (request));
  end_event (builder);
}

static void
print_progress (DrayRequest *request)
{
  JsonBuilder *builder = begin_event ("progress", request);

  dray_json_add_string (builder, "downloadKey", dray_request_get_download_key (request));
  dray_json_add_string (builder, "state",
                        dray_request_state_get_name (dray_request_get_state (request)));
  dray_json_add_size (builder, "downloaded", dray_request_get_downloaded (request));
  dray_json_add_size (builder, "total", dray_request_get_total (request));
  dray_json_add_percentage (builder, request);
  dray_json_add_size (builder, "speed", dray_request_get_speed (request));
  dray_json_add_size (builder, "eta", dray_request_get_eta (request));
  if (dray_request_get_reason (request) != NULL)
    {
      dray_json_add_string (builder, "reason", dray_request_get_reason (request));
      dray_json_add_size (builder, "wait", dray_request_get_wait (request));
    }
  end_event (builder);
}

static void
print_completed (DrayRequest *request)
{
  JsonBuilder *builder = begin_event ("completed", request);

  dray_json_add_string (builder, "path", dray_request_get_path (request));
  dray_json_add_size (builder, "size", dray_request_get_total (request));
  dray_json_add_string (builder, "sha256", dray_request_get_sha256 (request));
  dray_json_add_string (builder, "verified",
                        dray_request_is_digest_expected (request) ? "digest" : "computed");
  if (!dray_request_is_length_proven (request))
    dray_json_add_string (builder, "length", "unproven");
  end_event (builder);
}

static void
print_failed (DrayRequest *request, const GError *error)
{
  JsonBuilder *builder = begin_event ("failed", request);

  dray_json_add_string (builder, "error", dray_error_get_name ((DrayError) error->code));
  dray_json_add_string (builder, "message", error->message);
  end_event (builder);
}

static void
show_one (DrayOutput *output, Shown *shown)
{
  shown->downloaded = dray_request_get_downloaded (shown->request);
  shown->state = dray_request_get_state (shown->request);
  if (output->mode == DRAY_OUTPUT_JSON)
    print_progress (shown->request);
}

static void
state_changed_cb (DrayRequest *request, G_GNUC_UNUSED GParamSpec *pspec, DrayOutput *output)
{
  for (guint i = 0; i < output->shown->len; i++)
    {
      Shown *shown = g_ptr_array_index (output->shown, i);

      if (shown->request == request && shown->state != dray_request_get_state (request)
          && dray_request_is_running (request))
        show_one (output, shown);
    }
}

/**
 * dray_output_add_request:
 * @output: the output; must outlive the request's run
 * @request: a request that has just been made or resumed
 *
 * Tells its id, before anything else.
 */
void
dray_output_add_request (DrayOutput *output, DrayRequest *request)
{
  Shown *shown = g_new0 (Shown, 1);

  shown->request = g_object_ref (request);
  shown->state = dray_request_get_state (request);
  shown->downloaded = -1;
  g_ptr_array_add (output->shown, shown);
  g_signal_connect (request, "notify::state", G_CALLBACK (state_changed_cb), output);

  if (output->mode == DRAY_OUTPUT_JSON)
    print_request (request);
  if (output->lines != NULL)
    dray_progress_lines_add (output->lines, request);
}

/**
 * dray_output_show_progress:
 * @output: the output
 *
 * Shows how far the running requests are. To be called 5 to 10 times a second.
 */
void
dray_output_show_progress (DrayOutput *output)
{
  for (guint i = 0; i < output->shown->len; i++)
    {
      Shown *shown = g_ptr_array_index (output->shown, i);

      if (!shown->ended && dray_request_is_running (shown->request)
          && shown->downloaded != dray_request_get_downloaded (shown->request))
        show_one (output, shown);
    }

  if (output->lines != NULL)
    dray_progress_lines_draw (output->lines);
}

/**
 * dray_output_show_end:
 * @output: the output
 * @request: a request that has settled
 *
 * Tells how.
 */
void
dray_output_show_end (DrayOutput *output, DrayRequest *request)
{
  const GError *error = dray_request_get_error (request);
  gboolean completed = dray_request_get_state (request) == DRAY_REQUEST_COMPLETED;

  for (guint i = 0; i < output->shown->len; i++)
    {
      Shown *shown = g_ptr_array_index (output->shown, i);

      if (shown->request == request)
        {
          shown->ended = TRUE;
          show_one (output, shown);
        }
    }

  if (output->lines != NULL)
    dray_progress_lines_draw (output->lines);
  else if (output->mode == DRAY_OUTPUT_JSON && completed)
    print_completed (request);
  else if (output->mode == DRAY_OUTPUT_JSON && error != NULL)
    print_failed (request, error);
  else if (output->mode == DRAY_OUTPUT_PLAIN && completed)
    printf ("%s\n", dray_request_get_path (request));

  if (error != NULL)
    dray_print_error (error);
}

/**
 * dray_output_show_failure:
 * @output: the output
 * @error: why there is no request at all
 */
void
dray_output_show_failure (DrayOutput *output, const GError *error)
{
  if (output->mode == DRAY_OUTPUT_JSON)
    print_failed (NULL, error);
  dray_print_error (error);
}
