/* SPDX-License-Identifier: GPL-3.0-or-later */

/* "get", "load" and "resume": the verbs that wait until all is complete. */

#include "app/commands.h"
#include "app/run.h"
#include "app/size.h"

#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/source/source-list.h"

static DrayOutputMode
choose_mode (gboolean json, gboolean quiet)
{
  if (json)
    return DRAY_OUTPUT_JSON;

  return quiet ? DRAY_OUTPUT_QUIET : DRAY_OUTPUT_PLAIN;
}

static gboolean
is_sha256 (const char *text)
{
  g_autofree char *hex = dray_digest_normalise_hex (text);

  return hex != NULL;
}

/* A list may name any server: whoever gave the token has not said that it is for those. */
static gboolean
names_list (char **sources)
{
  for (guint i = 0; sources[i] != NULL; i++)
    if (dray_source_list_is_file (sources[i]))
      return TRUE;

  return FALSE;
}

/* "get" and "load" differ in what comes after the download. */
static int
get_or_load (int argc, char **argv, gboolean load, const char *usage, const char *summary)
{
  g_autofree char *directory = NULL;
  g_autofree char *absolute = NULL;
  g_autofree char *sha256 = NULL;
  g_autofree char *token_file = NULL;
  g_autofree char *token = NULL;
  g_autofree char *limit = NULL;
  gint64 rate_limit = 0;
  int connections = G_MININT; /* not given */
  gboolean restart_changed = FALSE, json = FALSE, quiet = FALSE;
  g_autoptr (DrayDownloadOptions) options = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  const GOptionEntry entries[] = {
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &directory,
      "Put the files into DIR and not into the library", "DIR" },
    { "sha256", 0, 0, G_OPTION_ARG_STRING, &sha256, "Complete only if the file has this SHA-256",
      "HEX" },
    { "connections", 0, 0, G_OPTION_ARG_INT, &connections,
      "Fetch each file with N connections, 1 to 16, and not with as many as pay", "N" },
    { "limit-rate", 0, 0, G_OPTION_ARG_STRING, &limit,
      "Fetch each file at SIZE bytes per second at most (K, M, G; Ki, Mi, Gi)", "SIZE" },
    { "restart-changed", 0, 0, G_OPTION_ARG_NONE, &restart_changed,
      "Start over if the file on the server has changed", NULL },
    { "token-file", 0, 0, G_OPTION_ARG_FILENAME, &token_file,
      "Send the bearer token in FILE to the source's server, and to no other", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object per line", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_NONE, &quiet, "Print errors only", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse (usage, summary, entries, &argc, &argv, &status))
    return status;
  if (argc < 2)
    return dray_command_usage_error (argv[0], "Name at least one source");
  if (sha256 != NULL && (argc > 2 || dray_source_list_is_file (argv[1])))
    return dray_command_usage_error (argv[0], "--sha256 goes with one source");
  if (token_file != NULL && names_list (argv + 1))
    return dray_command_usage_error (argv[0], "--token-file goes with sources that you name, not "
                                              "with a list of them");
  if (sha256 != NULL && !is_sha256 (sha256))
    return dray_command_usage_error (argv[0], "A SHA-256 is 64 hexadecimal digits");
  if (connections != G_MININT && (connections < 1 || connections > DRAY_CONNECTIONS_MAX))
    return dray_command_usage_error (argv[0], "--connections takes a number from 1 to 16");
  if (limit != NULL && !dray_size_parse (limit, &rate_limit))
    return dray_command_usage_error (argv[0], "--limit-rate takes a size such as 500K or 2.5M");
  if (token_file != NULL && (token = dray_command_read_token (token_file, &error)) == NULL)
    return dray_command_usage_error (argv[0], error->message);
  if (directory != NULL)
    absolute = g_canonicalize_filename (directory, NULL);
  if (absolute != NULL && !g_utf8_validate (absolute, -1, NULL))
    return dray_command_usage_error (argv[0], "The name of the folder is not UTF-8");

  options =
      g_object_new (DRAY_TYPE_DOWNLOAD_OPTIONS, "directory", absolute, "sha256", sha256, "token",
                    token, "rate-limit", rate_limit, "connections", (guint) MAX (connections, 0),
                    "restart-changed", restart_changed, "caller", "terminal", NULL);
  return dray_run_get (choose_mode (json, quiet), argv + 1, load, options);
}

int
dray_command_get (int argc, char **argv)
{
  return get_or_load (
      argc, argv, FALSE, "SOURCE… – download and return when all are complete",
      "A SOURCE is a link, hf:ORG/REPO, ollama:NAME, the name of a bundled model, or "
      "the path of a text with a source on each line. The same command again "
      "continues where it was interrupted.");
}

int
dray_command_load (int argc, char **argv)
{
  return get_or_load (
      argc, argv, TRUE, "SOURCE… – download, then read the header of each model",
      "A SOURCE is that of “dray get”; the model is a GGUF or safetensors file. Prints "
      "what the model says of itself.");
}

int
dray_command_resume (int argc, char **argv)
{
  gboolean restart_changed = FALSE, json = FALSE, quiet = FALSE;
  int status;
  const GOptionEntry entries[] = {
    { "restart-changed", 0, 0, G_OPTION_ARG_NONE, &restart_changed,
      "Start over if the file on the server has changed", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object per line", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_NONE, &quiet, "Print errors only", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!dray_command_parse ("REQUEST… – go on with paused or failed downloads",
                           "A REQUEST is an id as “dray list” shows it, or its first digits.",
                           entries, &argc, &argv, &status))
    return status;
  if (argc < 2)
    return dray_command_usage_error ("resume", "Name at least one request");

  return dray_run_resume (choose_mode (json, quiet), argv + 1, restart_changed);
}
