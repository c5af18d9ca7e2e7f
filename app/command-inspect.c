/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The verb that tells what the header of a model file says. It needs no catalog. */

#include "app/commands.h"
#include "app/output.h"

#include "core/inspect/inspect.h"

#include <stdio.h>

static void
print_facts_json (const char *path, const DrayModelFacts *facts, const char *request_id)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *shown = g_filename_display_name (path);

  json_builder_begin_object (builder);
  if (request_id != NULL)
    {
      dray_json_add_string (builder, "event", "loaded");
      dray_json_add_string (builder, "requestId", request_id);
    }
  dray_json_add_string (builder, "path", shown);
  dray_json_add_string (builder, "format", dray_model_format_get_name (facts->format));
  dray_json_add_size (builder, "version", facts->version);
  dray_json_add_string (builder, "architecture", facts->architecture);
  dray_json_add_string (builder, "name", facts->name);
  dray_json_add_size (builder, "parameters", facts->n_parameters);
  dray_json_add_string (builder, "quantisation", facts->quantisation);
  dray_json_add_size (builder, "contextLength", facts->context_length);
  dray_json_add_size (builder, "layers", facts->n_layers);
  dray_json_add_size (builder, "embeddingLength", facts->embedding_length);
  dray_json_add_size (builder, "shards", facts->n_shards);
  dray_json_add_size (builder, "tensors", facts->n_tensors);
  dray_json_add_size (builder, "unknownTensors", facts->n_unknown_tensors);
  dray_json_add_size (builder, "size", facts->size);
  json_builder_end_object (builder);
  dray_print_json (builder);
}

static void
print_text (const char *label, const char *text)
{
  g_autofree char *shown = text != NULL ? dray_make_harmless (text) : NULL;

  if (shown != NULL)
    printf ("%-17s %s\n", label, shown);
}

static void
print_figure (const char *label, gint64 figure)
{
  if (figure >= 0)
    printf ("%-17s %" G_GINT64_FORMAT "\n", label, figure);
}

/* Parameters are counted in millions and billions, except where they are few. */
static void
print_parameters (gint64 n)
{
  g_autofree char *text = NULL;

  if (n >= 1000000000)
    text = g_strdup_printf ("%.2f billion (%" G_GINT64_FORMAT ")", (double) n / 1e9, n);
  else if (n >= 1000000)
    text = g_strdup_printf ("%.1f million (%" G_GINT64_FORMAT ")", (double) n / 1e6, n);
  else
    text = g_strdup_printf ("%" G_GINT64_FORMAT, n);

  print_text ("Parameters", text);
}

static void
print_facts (const DrayModelFacts *facts)
{
  g_autofree char *size = g_format_size ((guint64) facts->size);

  if (facts->version >= 0)
    printf ("%-17s %s, version %" G_GINT64_FORMAT "\n", "Format",
            dray_model_format_get_name (facts->format), facts->version);
  else
    print_text ("Format", dray_model_format_get_name (facts->format));
  print_text ("Architecture", facts->architecture);
  print_text ("Name", facts->name);
  print_parameters (facts->n_parameters);
  print_text ("Quantisation", facts->quantisation);
  print_figure ("Context length", facts->context_length);
  print_figure ("Layers", facts->n_layers);
  print_figure ("Embedding length", facts->embedding_length);
  print_figure ("Files in all", facts->n_shards);
  print_figure ("Tensors", facts->n_tensors);
  if (facts->n_unknown_tensors > 0)
    print_figure ("of unknown type", facts->n_unknown_tensors);
  print_text ("Size", size);
}

/**
 * dray_command_print_facts:
 * @paths: (element-type filename): the files of a model in their order, one at least
 * @json: whether to print one JSON object
 * @request_id: (nullable): the request that has loaded it, which makes the object an event
 * @error: return location for a #GError
 *
 * Prints what the headers of the files say, in one.
 *
 * Returns: whether they could be read
 */
gboolean
dray_command_print_facts (GPtrArray *paths, gboolean json, const char *request_id, GError **error)
{
  g_autoptr (DrayModelFacts) facts = dray_inspect_files (paths, NULL, error);

  if (facts == NULL)
    return FALSE;

  if (json)
    print_facts_json (g_ptr_array_index (paths, 0), facts, request_id);
  else
    print_facts (facts);
  return TRUE;
}

int
dray_command_inspect (int argc, char **argv)
{
  gboolean json = FALSE;
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  int status;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("FILE – tell what a model file says of itself",
                           "Reads the header of a GGUF or safetensors file, and checks that the "
                           "whole file is there.",
                           entries, &argc, &argv, &status))
    return status;
  if (argc != 2)
    return dray_command_usage_error ("inspect", "Name one file");

  g_ptr_array_add (paths, argv[1]);
  if (!dray_command_print_facts (paths, json, NULL, &error))
    {
      dray_print_error (error);
      return DRAY_EXIT_FAILED;
    }

  return DRAY_EXIT_OK;
}
