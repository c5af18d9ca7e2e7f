/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/commands.h"

#include "dray-config.h"

#ifdef DRAY_HAS_UI
#include "app/application.h"
#endif
#include "core/source/reference.h"

#include <stdio.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *usage;
  const char *summary;
} verbs[] = {
  { "get", dray_command_get, "[OPTION…] SOURCE…", "Download; return when all are complete" },
  { "load", dray_command_load, "[OPTION…] SOURCE…", "As get, then read the model's header" },
  { "list", dray_command_list, "[--all] [--json]", "Show unfinished downloads, or all" },
  { "pause", dray_command_pause, "REQUEST…", "Pause downloads; their bytes are kept" },
  { "resume", dray_command_resume, "[OPTION…] REQUEST…", "Go on with paused or failed downloads" },
  { "discard", dray_command_discard, "REQUEST…", "Give up unfinished downloads and their bytes" },
  { "remove", dray_command_remove, "REQUEST…", "Forget downloads; finished files stay" },
  { "cancel", dray_command_cancel, "--model MODEL", "Pause every running download of a model" },
  { "hold", dray_command_hold, "", "Stop all downloads until “release”" },
  { "release", dray_command_release, "", "Let all downloads go on" },
  { "models", dray_command_models, "[--json] [QUERY…]", "Show the models that Dray knows by name" },
  { "plan", dray_command_plan, "[--json] SOURCE", "Tell what a source stands for" },
  { "inspect", dray_command_inspect, "[--json] FILE", "Tell what a model file says of itself" },
};

static void
print_help (FILE *stream)
{
  fprintf (stream,
#ifdef DRAY_HAS_UI
           "Usage: dray [SOURCE…]\n"
           "       dray VERB [OPTION…] [ARGUMENT…]\n\n"
           "Downloads AI models, and never loses a byte. Without a verb it opens the window.\n\n"
#else
           "Usage: dray VERB [OPTION…] [ARGUMENT…]\n\n"
           "Downloads AI models, and never loses a byte.\n\n"
#endif
           "Verbs:\n");
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      /* The padding of printf counts bytes, of which "…" has three. */
      int padding = 19 - (int) g_utf8_strlen (verbs[i].usage, -1);

      fprintf (stream, "  %-8s %s%*s  %s\n", verbs[i].name, verbs[i].usage, padding, "",
               verbs[i].summary);
    }
  fprintf (stream,
           "\n“dray VERB --help” tells more of a verb, “dray --version” which Dray this is.\n");
}

/* What is no verb opens the window if it is a source, or an option of the application's. */
static gboolean
is_for_window (const char *argument)
{
  g_autoptr (DrayReference) reference = NULL;

  if (argument == NULL || g_str_has_prefix (argument, "--gapplication-"))
    return TRUE;

  reference = dray_reference_parse (argument, NULL);
  return reference != NULL;
}

static int
open_window (int argc, char **argv)
{
#ifdef DRAY_HAS_UI
  return dray_application_run (argc, argv);
#else
  if (argc < 2)
    print_help (stderr);
  else
    fprintf (stderr, "dray: This Dray was built without its window.\nTry “dray get %s”.\n",
             argv[1]);
  return DRAY_EXIT_USAGE;
#endif
}

/**
 * dray_commands_run:
 * @argc: the program's arguments
 * @argv: the program's arguments
 *
 * Carries out a verb, or opens the window, and with it the toolkit, where there is none.
 *
 * Returns: the exit status
 */
int
dray_commands_run (int argc, char **argv)
{
  const char *verb = argc > 1 ? argv[1] : NULL;

  if (is_for_window (verb))
    return open_window (argc, argv);
  if (g_str_equal (verb, "--help") || g_str_equal (verb, "-h") || g_str_equal (verb, "help"))
    {
      print_help (stdout);
      return DRAY_EXIT_OK;
    }
  if (g_str_equal (verb, "--version"))
    {
      printf ("dray %s (%s)\n", DRAY_VERSION, DRAY_APPLICATION_ID);
      return DRAY_EXIT_OK;
    }

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verb, verbs[i].name))
      return verbs[i].run (argc - 1, argv + 1);

  fprintf (stderr, "dray: “%s” is neither a verb of Dray nor a link.\nTry “dray --help”.\n", verb);
  return DRAY_EXIT_USAGE;
}
