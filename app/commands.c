/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/commands.h"

#include "dray-config.h"

#include <stdio.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *usage;
  const char *summary;
} verbs[] = {
  { "get", dray_command_get, "[OPTION…] SOURCE…", "Download; return when all are complete" },
  { "list", dray_command_list, "[--all] [--json]", "Show unfinished downloads, or all" },
  { "pause", dray_command_pause, "REQUEST…", "Pause downloads; their bytes are kept" },
  { "resume", dray_command_resume, "[OPTION…] REQUEST…", "Go on with paused or failed downloads" },
  { "discard", dray_command_discard, "REQUEST…", "Give up unfinished downloads and their bytes" },
  { "remove", dray_command_remove, "REQUEST…", "Forget downloads; finished files stay" },
  { "cancel", dray_command_cancel, "--model MODEL", "Pause every running download of a model" },
};

static void
print_help (FILE *stream)
{
  fprintf (stream,
           "Usage: dray VERB [OPTION…] [ARGUMENT…]\n\n"
           "Downloads AI models, and never loses a byte.\n\nVerbs:\n");
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

/**
 * dray_commands_run:
 * @argc: the program's arguments
 * @argv: the program's arguments
 *
 * Returns: the exit status
 */
int
dray_commands_run (int argc, char **argv)
{
  const char *verb = argc > 1 ? argv[1] : NULL;

  if (verb == NULL)
    {
      print_help (stderr);
      return DRAY_EXIT_USAGE;
    }
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

  fprintf (stderr, "dray: “%s” is not a verb of Dray.\nTry “dray --help”.\n", verb);
  return DRAY_EXIT_USAGE;
}
