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
  DrayRow *row;
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
  g_object_unref (shown->row);
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
dray_json_add_percentage (JsonBuilder *builder, DrayRow *row)
{
  double percentage = dray_row_read (row)->percentage;

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

/* A column of a table is as wide as the widest of its texts, in characters. */
int
dray_widen_column (int width, const char *text)
{
  return MAX (width, (int) g_utf8_strlen (text, -1));
}

/* printf pads to bytes, and not to characters. */
void
dray_print_padded (const char *text, int width)
{
  printf ("%s%*s  ", text, MAX (0, width - (int) g_utf8_strlen (text, -1)), "");
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
begin_event (const char *event, DrayRow *row)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  dray_json_add_string (builder, "event", event);
  dray_json_add_string (builder, "requestId",
                        row != NULL ? dray_row_read (row)->id : NULL);
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
print_request (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);
  JsonBuilder *builder = begin_event ("request", row);

  dray_json_add_string (builder, "parentId", data->parent_id);
  dray_json_add_string (builder, "modelId", data->model_id);
  dray_json_add_string (builder, "downloadKey", data->download_key);
  dray_json_add_string (builder, "source", data->source);
  end_event (builder);
}

static void
print_progress (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);
  JsonBuilder *builder = begin_event ("progress", row);

  dray_json_add_string (builder, "downloadKey", data->download_key);
  dray_json_add_string (builder, "state",
                        dray_request_state_get_name (data->state));
  dray_json_add_size (builder, "downloaded", data->downloaded);
  dray_json_add_size (builder, "total", data->total);
  dray_json_add_percentage (builder, row);
  dray_json_add_size (builder, "speed", data->speed);
  dray_json_add_size (builder, "eta", data->eta);
  if (data->reason != NULL)
    {
      dray_json_add_string (builder, "reason", data->reason);
      dray_json_add_size (builder, "wait", data->wait);
    }
  end_event (builder);
}

static void
print_completed (DrayRow *row)
{
  const DrayRowData *data = dray_row_read (row);
  JsonBuilder *builder = begin_event ("completed", row);

  dray_json_add_string (builder, "path", data->path);
  dray_json_add_size (builder, "size", data->total);
  dray_json_add_string (builder, "sha256", data->sha256);
  dray_json_add_string (builder, "verified",
                        data->verified);
  if (data->external != NULL)
    dray_json_add_string (builder, "external", data->external);
  if (!data->is_length_proven && !dray_row_is_parent (row))
    dray_json_add_string (builder, "length", "unproven");
  end_event (builder);
}

/* One line on standard error, which tells whose error it is if that is not clear. */
static void
tell_error (DrayOutput *output, DrayRow *row, const GError *error)
{
  g_autoptr (GError) named = g_error_copy (error);
  g_autofree char *title = NULL;

  if (row != NULL && output->shown->len > 1)
    {
      title = dray_row_dup_title (row);
      g_prefix_error (&named, "%s: ", title);
    }
  dray_print_error (named);
}

/* What is said of several files need not be said of what they are parts of, and the other way
 * round: each file that fails has its reason, while a pause is one for all. */
static gboolean
is_said (DrayOutput *output, DrayRow *row)
{
  DrayRequestState state = dray_row_read (row)->state;
  gboolean of_each = state == DRAY_REQUEST_FAILED || state == DRAY_REQUEST_DISCARDED;

  for (guint i = 0; i < output->shown->len; i++)
    {
      const Shown *shown = g_ptr_array_index (output->shown, i);

      if (of_each ? shown->state == state && dray_row_is_child_of (shown->row, row)
                  : dray_row_is_child_of (row, shown->row))
        return TRUE;
    }

  return FALSE;
}

static void
print_failed (DrayRow *row, const GError *error)
{
  JsonBuilder *builder = begin_event ("failed", row);

  dray_json_add_string (builder, "error", dray_error_get_name ((DrayError) error->code));
  dray_json_add_string (builder, "message", error->message);
  end_event (builder);
}

static void
show_one (DrayOutput *output, Shown *shown)
{
  shown->downloaded = dray_row_read (shown->row)->downloaded;
  shown->state = dray_row_read (shown->row)->state;
  if (output->mode == DRAY_OUTPUT_JSON)
    print_progress (shown->row);
}

static void
state_changed_cb (DrayRow *row, DrayOutput *output)
{
  for (guint i = 0; i < output->shown->len; i++)
    {
      Shown *shown = g_ptr_array_index (output->shown, i);

      if (shown->row == row && shown->state != dray_row_read (row)->state
          && dray_row_is_running (row))
        show_one (output, shown);
    }
}

/**
 * dray_output_add:
 * @output: the output; must outlive the row
 * @row: a row that has just been made or resumed
 *
 * Tells its id, before anything else.
 */
void
dray_output_add (DrayOutput *output, DrayRow *row)
{
  Shown *shown = g_new0 (Shown, 1);

  shown->row = g_object_ref (row);
  shown->state = dray_row_read (row)->state;
  shown->downloaded = -1;
  g_ptr_array_add (output->shown, shown);
  g_signal_connect (row, "state-changed", G_CALLBACK (state_changed_cb), output);

  if (output->mode == DRAY_OUTPUT_JSON)
    print_request (row);
  if (output->lines != NULL)
    dray_progress_lines_add (output->lines, row);
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

      if (!shown->ended && dray_row_is_running (shown->row)
          && shown->downloaded != dray_row_read (shown->row)->downloaded)
        show_one (output, shown);
    }

  if (output->lines != NULL)
    dray_progress_lines_draw (output->lines);
}

/**
 * dray_output_show_end:
 * @output: the output
 * @row: a row that has settled
 *
 * Tells how.
 */
void
dray_output_show_end (DrayOutput *output, DrayRow *row)
{
  g_autoptr (GError) error = dray_row_dup_error (row);
  gboolean completed = dray_row_read (row)->state == DRAY_REQUEST_COMPLETED;

  for (guint i = 0; i < output->shown->len; i++)
    {
      Shown *shown = g_ptr_array_index (output->shown, i);

      if (shown->row == row)
        {
          shown->ended = TRUE;
          show_one (output, shown);
        }
    }

  if (output->lines != NULL)
    dray_progress_lines_draw (output->lines);
  else if (output->mode == DRAY_OUTPUT_JSON && completed)
    print_completed (row);
  else if (output->mode == DRAY_OUTPUT_JSON && error != NULL)
    print_failed (row, error);
  else if (output->mode == DRAY_OUTPUT_PLAIN && completed && !dray_row_is_parent (row))
    printf ("%s\n", dray_row_read (row)->path);

  if (error != NULL && !is_said (output, row))
    tell_error (output, row, error);
}

/**
 * dray_output_show_failure:
 * @output: the output
 * @row: (nullable): what has failed; %NULL if there is no request at all
 * @error: why
 */
void
dray_output_show_failure (DrayOutput *output, DrayRow *row, const GError *error)
{
  if (output->mode == DRAY_OUTPUT_JSON)
    print_failed (row, error);
  if (row == NULL || !is_said (output, row))
    tell_error (output, row, error);
}
