/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which files there are, and what the server was asked for. */

#include "tests/core/contract-world-private.h"

static gboolean
has_file (World *world, const OracleLink *link, guint folder, const char *suffix)
{
  g_autofree char *directory = world_dup_folder (world, folder);
  g_autofree char *name = g_strconcat (link->path + 1, suffix, NULL);
  g_autofree char *path = g_build_filename (directory, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
compare_link_files (World *world, const OracleLink *link, guint *n_files, GString *problem)
{
  guint n_partial = 0;

  for (guint i = 0; i < WORLD_FOLDERS; i++)
    {
      gboolean finished = has_file (world, link, i, "");
      gboolean placed = (link->placed & 1u << i) != 0;

      n_partial += has_file (world, link, i, ".part") ? 1 : 0;
      *n_files += finished ? 1 : 0;
      if (finished ? !link->complete || (link->asked & 1u << i) == 0 : placed)
        g_string_append_printf (problem, "  there is %s finished file of %s in folder %u\n",
                                finished ? "a" : "no", link->path, i);
    }
  *n_files += n_partial;
  if (n_partial > 0 ? link->deleted || n_partial > 1
                    : link->low > 0 && !link->may_be_empty && !link->complete)
    g_string_append_printf (problem, "  there is %s partial file of %s\n",
                            n_partial > 0 ? "a" : "no", link->path);
}

static guint
count_files (World *world, guint folder)
{
  g_autofree char *directory = world_dup_folder (world, folder);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  guint n_files = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n_files++;

  return n_files;
}

/* Which files there are: partial and finished ones, and none that nobody knows. */
void
world_compare_files (World *world, GString *problem)
{
  GPtrArray *links = world->oracle->links;
  guint n_known = 0, n_files = 0;

  for (guint i = 0; i < links->len; i++)
    compare_link_files (world, g_ptr_array_index (links, i), &n_known, problem);
  for (guint i = 0; i < WORLD_FOLDERS; i++)
    n_files += count_files (world, i);
  if (n_files != n_known)
    g_string_append_printf (problem, "  there are %u files, known are %u\n", n_files, n_known);
}

/* Whether a transfer of the link may have begun at @first. */
static gboolean
is_expected_start (const OracleLink *link, gint64 first)
{
  return link->max_transfers > 0
         && ((first >= link->first && first <= link->high) || (first == 0 && link->from_start));
}

/* Which ranges were asked for: no byte again that was kept, and no new connection without cause. */
void
world_compare_asked (World *world, const OracleLink *link, GString *problem)
{
  const OracleLink *lost = oracle_find_lost (world->oracle, link);
  guint min = link->min_transfers + (lost != NULL ? lost->min_transfers : 0);
  guint max = link->max_transfers + (lost != NULL ? lost->max_transfers : 0);
  guint n_asked = 0;

  if (link->into != NULL)
    return;
  dray_lock_acquire (&world->lock);
  for (guint i = 0; i < world->asked->len; i++)
    {
      const WorldAsked *asked = &g_array_index (world->asked, WorldAsked, i);

      if (oracle_find_asked (world->oracle, asked->target) != link)
        continue;
      n_asked++;
      if (!link->complete && max > 0 && !is_expected_start (link, asked->first)
          && (lost == NULL || !is_expected_start (lost, asked->first)))
        g_string_append_printf (problem,
                                "  %s was asked for from byte %" G_GINT64_FORMAT
                                " when %" G_GINT64_FORMAT " were kept\n",
                                link->path, asked->first, link->first);
    }
  dray_lock_release (&world->lock);

  if (n_asked < min || n_asked > max)
    g_string_append_printf (problem, "  %s was asked for %u times, expected %u to %u\n", link->path,
                            n_asked, min, max);
}

gboolean
world_has_file (World *world, const OracleLink *link, guint folder)
{
  return has_file (world, link, folder, "");
}
