/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The verb that lists the models that come with Dray. It needs neither catalog nor network. */

#include "app/commands.h"
#include "app/output.h"

#include "core/source/bundled-models.h"

#include <stdio.h>

static void
print_model_json (const DrayBundledModel *model)
{
  const DrayBundledModel *companion = dray_bundled_model_get_companion (model);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  dray_json_add_string (builder, "name", model->name);
  dray_json_add_string (builder, "title", model->title);
  dray_json_add_string (builder, "task", model->task);
  dray_json_add_string (builder, "parameters", model->parameters);
  dray_json_add_string (builder, "quantisation", model->quantisation);
  dray_json_add_string (builder, "repo", model->repo);
  dray_json_add_string (builder, "revision", model->revision);
  dray_json_add_size (builder, "size", model->size);
  dray_json_add_size (builder, "files", model->files->len);
  dray_json_add_string (builder, "companion", companion != NULL ? companion->name : NULL);
  json_builder_end_object (builder);
  dray_print_json (builder);
}

static void
print_table (const GPtrArray *models)
{
  int names = 0, titles = 0, parameters = 0;

  for (guint i = 0; i < models->len; i++)
    {
      const DrayBundledModel *model = g_ptr_array_index (models, i);

      names = dray_widen_column (names, model->name);
      titles = dray_widen_column (titles, model->title);
      if (model->parameters != NULL)
        parameters = dray_widen_column (parameters, model->parameters);
    }

  for (guint i = 0; i < models->len; i++)
    {
      const DrayBundledModel *model = g_ptr_array_index (models, i);
      g_autofree char *size = g_format_size ((guint64) model->size);

      dray_print_padded (model->name, names);
      dray_print_padded (model->title, titles);
      printf ("%9s  ", size);
      dray_print_padded (model->parameters != NULL ? model->parameters : "–", parameters);
      printf ("%s\n", model->quantisation != NULL ? model->quantisation : "–");
    }
}

int
dray_command_models (int argc, char **argv)
{
  gboolean json = FALSE;
  g_autofree char *query = NULL;
  g_autoptr (GPtrArray) models = NULL;
  int status;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object per line", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("[QUERY…] – show the models that Dray knows by name",
                           "Each is a source by its name: “dray get NAME”. Words are looked for in "
                           "the names, the task, the number of parameters and the quantisation.",
                           entries, &argc, &argv, &status))
    return status;

  query = g_strjoinv (" ", argv + 1);
  models = dray_bundled_models_search (query);
  if (json)
    for (guint i = 0; i < models->len; i++)
      print_model_json (g_ptr_array_index (models, i));
  else
    print_table (models);

  if (models->len == 0)
    {
      g_autofree char *line = dray_make_harmless (query);

      fprintf (stderr, "dray: No bundled model has the words “%s”\n", line);
      return DRAY_EXIT_FAILED;
    }
  return DRAY_EXIT_OK;
}
