/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The verb that tells what a source stands for. It needs no catalog, and downloads nothing. */

#include "app/commands.h"
#include "app/output.h"

#include "core/base/piece.h"
#include "core/http/session.h"
#include "core/source/planner.h"

#include <stdio.h>

static void
print_plan_json (const DrayPlan *plan)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  dray_json_add_string (builder, "modelId", plan->model_id);
  dray_json_add_string (builder, "title", plan->title);
  dray_json_add_string (builder, "variant", plan->variant);
  dray_json_add_string (builder, "suggested", plan->suggested);
  dray_json_add_size (builder, "size", dray_plan_get_size (plan));

  json_builder_set_member_name (builder, "assets");
  json_builder_begin_array (builder);
  for (guint i = 0; i < plan->assets->len; i++)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i);

      json_builder_begin_object (builder);
      dray_json_add_string (builder, "url", asset->url);
      dray_json_add_string (builder, "name", asset->name);
      dray_json_add_size (builder, "size", asset->size);
      dray_json_add_string (builder, "sha256", asset->sha256);
      json_builder_set_member_name (builder, "companion");
      json_builder_add_boolean_value (builder, asset->is_companion);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);

  json_builder_set_member_name (builder, "variants");
  json_builder_begin_array (builder);
  for (guint i = 0; i < plan->variants->len; i++)
    {
      const DrayVariant *variant = g_ptr_array_index (plan->variants, i);

      json_builder_begin_object (builder);
      dray_json_add_string (builder, "name", variant->name);
      dray_json_add_size (builder, "size", variant->size);
      dray_json_add_size (builder, "files", variant->n_files);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);

  json_builder_end_object (builder);
  dray_print_json (builder);
}

static char *
format_size (gint64 size)
{
  return size == DRAY_SIZE_UNKNOWN ? g_strdup ("size unknown") : g_format_size ((guint64) size);
}

static void
print_assets (const DrayPlan *plan)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  gint64 total = dray_plan_get_size (plan);
  g_autofree char *sum = format_size (total);
  int width = 0;

  for (guint i = 0; i < plan->assets->len; i++)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i);

      g_ptr_array_add (names, dray_make_harmless (asset->name != NULL ? asset->name : asset->url));
      width = dray_widen_column (width, g_ptr_array_index (names, i));
    }

  for (guint i = 0; i < plan->assets->len; i++)
    {
      const DrayPlannedAsset *asset = g_ptr_array_index (plan->assets, i);
      g_autofree char *size = format_size (asset->size);

      printf ("  ");
      dray_print_padded (g_ptr_array_index (names, i), width);
      printf ("%9s%s\n", size, asset->is_companion ? "  companion" : "");
    }
  if (plan->assets->len > 1 && total != DRAY_SIZE_UNKNOWN)
    {
      printf ("  ");
      dray_print_padded ("in all", width);
      printf ("%9s\n", sum);
    }
}

static void
print_variants (const DrayPlan *plan)
{
  int width = 0;

  for (guint i = 0; i < plan->variants->len; i++)
    width = dray_widen_column (width, ((DrayVariant *) g_ptr_array_index (plan->variants, i))->name);

  if (plan->variants->len > 0)
    printf ("Variants:\n");
  for (guint i = 0; i < plan->variants->len; i++)
    {
      const DrayVariant *variant = g_ptr_array_index (plan->variants, i);
      g_autofree char *name = dray_make_harmless (variant->name);
      g_autofree char *size = format_size (variant->size);
      gboolean chosen = g_strcmp0 (variant->name, plan->variant) == 0;

      printf ("%c ", chosen ? '*' : ' ');
      dray_print_padded (name, width);
      printf ("%9s%s\n", size,
              g_strcmp0 (variant->name, plan->suggested) == 0 ? "  suggested" : "");
    }
}

static void
print_plan (const DrayPlan *plan)
{
  g_autofree char *id = dray_make_harmless (plan->model_id);
  g_autofree char *title = plan->title != NULL ? dray_make_harmless (plan->title) : NULL;

  if (title != NULL)
    printf ("%s (%s)\n", title, id);
  else
    printf ("%s\n", id);
  print_assets (plan);
  print_variants (plan);
}

int
dray_command_plan (int argc, char **argv)
{
  gboolean json = FALSE;
  g_autofree char *token_file = NULL;
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupSession) session = NULL;
  g_autoptr (DrayCredentials) credentials = dray_credentials_new_from_environment ();
  g_autoptr (DrayReference) reference = NULL;
  g_autoptr (DrayPlan) plan = NULL;
  DrayPlanContext context = { 0 };
  int status;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
    { "token-file", 0, 0, G_OPTION_ARG_FILENAME, &token_file,
      "A file that holds a bearer token for the source's server", "FILE" },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("SOURCE – tell what a source stands for",
                           "Shows the files of a model, and which variants there are. Nothing is "
                           "downloaded.",
                           entries, &argc, &argv, &status))
    return status;
  if (argc != 2)
    return dray_command_usage_error ("plan", "Name one source");
  if (token_file != NULL && (token = dray_command_read_token (token_file, &error)) == NULL)
    return dray_command_usage_error ("plan", error->message);

  session = dray_http_session_new (DRAY_HTTP_SILENCE);
  context.session = session;
  context.credentials = credentials;
  context.token = token;
  reference = dray_reference_parse (argv[1], &error);
  if (reference != NULL)
    plan = dray_planner_plan (reference, &context, NULL, &error);
  if (plan == NULL)
    {
      dray_print_error (error);
      return DRAY_EXIT_FAILED;
    }

  if (json)
    print_plan_json (plan);
  else
    print_plan (plan);
  return DRAY_EXIT_OK;
}
