/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/commands.h"

#include "core/base/error.h"

#include <stdio.h>
#include <string.h>

/* The fewest digits of an id that stand for all of it. */
#define ID_PREFIX_MIN 4

/**
 * dray_command_parse:
 * @usage: what follows the verb in the first line of its help
 * @summary: what the verb does
 * @entries: its options
 * @argc: (inout): the arguments, the verb first
 * @argv: (inout): the arguments; afterwards those that are not options
 * @status: (out): the exit status, if there is nothing more to do
 *
 * Returns: whether the verb is to be carried out
 */
gboolean
dray_command_parse (const char *usage,
                    const char *summary,
                    const GOptionEntry *entries,
                    int *argc,
                    char ***argv,
                    int *status)
{
  g_autofree char *program = g_strconcat ("dray ", (*argv)[0], NULL);
  g_autoptr (GOptionContext) context = g_option_context_new (usage);
  g_autoptr (GError) error = NULL;

  g_set_prgname (program);
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    {
      *status = dray_command_usage_error ((*argv)[0], error->message);
      return FALSE;
    }
  if (*argc > 1 && g_str_equal ((*argv)[1], "--"))
    {
      memmove (*argv + 1, *argv + 2, sizeof (char *) * (gsize) (*argc - 1));
      (*argc)--;
    }

  return TRUE;
}

int
dray_command_usage_error (const char *verb, const char *message)
{
  fprintf (stderr, "dray: %s\nTry “dray %s --help”.\n", message, verb);
  return DRAY_EXIT_USAGE;
}

char *
dray_command_get_catalog_path (void)
{
  return g_build_filename (g_get_user_data_dir (), "dray", "catalog.sqlite3", NULL);
}

/**
 * dray_command_find_row:
 * @door: the way to the manager
 * @id: an id, or its first digits
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the one request whose id begins so
 */
DrayRow *
dray_command_find_row (DrayDoor *door, const char *id, GError **error)
{
  g_autoptr (GPtrArray) rows = dray_door_list (door, error);
  DrayRow *found = NULL;

  if (rows == NULL)
    return NULL;

  for (guint i = 0; i < rows->len; i++)
    {
      DrayRow *row = g_ptr_array_index (rows, i);
      const char *other = dray_row_read (row)->id;

      if (!g_str_equal (other, id)
          && (strlen (id) < ID_PREFIX_MIN || !g_str_has_prefix (other, id)))
        continue;
      if (found != NULL)
        {
          g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                       "More than one download has an id that begins with %s", id);
          return NULL;
        }
      found = row;
    }

  if (found == NULL)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                 "No download has the id %s; “dray list --all” shows them", id);

  return found != NULL ? g_object_ref (found) : NULL;
}

/**
 * dray_command_read_token:
 * @path: a file
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the token that the file holds
 */
char *
dray_command_read_token (const char *path, GError **error)
{
  g_autofree char *token = NULL;

  if (!g_file_get_contents (path, &token, NULL, error))
    return NULL;

  g_strstrip (token);
  for (const char *p = token; *p != '\0'; p++)
    {
      if (!g_ascii_isgraph (*p))
        {
          g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                       "“%s” does not hold a token: one line of letters, digits and signs", path);
          return NULL;
        }
    }

  return g_steal_pointer (&token);
}
