/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the server is told: which files there are, and how each is served. */

#include "tests/core/contract-world-private.h"

/* Tells the server how to serve a link, as the oracle has it. */
static void
tell_server (World *world, const OracleLink *link, gboolean breaks_off)
{
  DrayTestBehaviour behaviour = { .gate = link->gate < link->size ? link->gate : 0 };

  if (breaks_off)
    behaviour.gate = -1;
  if (link->refuses)
    behaviour.answer = (DrayTestAnswer){ .times = DRAY_TEST_ALWAYS, .status = 404 };
  dray_test_server_set_behaviour (world->fixture.server, link->path, &behaviour);
}

OracleLink *
world_add_link (World *world, const char *path, const char *model, gint64 gate)
{
  OracleLink *link = oracle_add_link (world->oracle, path, model, WORLD_SIZE, gate);
  static guint64 seed;

  link->is_model = g_str_has_suffix (path, ".gguf");
  if (link->is_model)
    dray_test_server_add_gguf (world->fixture.server, path, ++seed, WORLD_SIZE);
  else
    dray_test_server_add (world->fixture.server, path, dray_test_content_new (++seed, WORLD_SIZE));
  tell_server (world, link, FALSE);
  return link;
}

/* Takes a link that no request is for out of the world, with its files. */
void
world_remove_link (World *world, OracleLink *link)
{
  for (guint i = 0; i < WORLD_FOLDERS; i++)
    {
      g_autofree char *folder = world_dup_folder (world, i);
      g_autofree char *path = g_build_filename (folder, link->path + 1, NULL);
      g_autofree char *partial = g_strconcat (path, ".part", NULL);

      g_unlink (path);
      g_unlink (partial);
    }
  dray_test_server_remove (world->fixture.server, link->path);
  oracle_remove_link (world->oracle, link);
}

void
world_raise_gate (World *world, OracleLink *link, gint64 gate)
{
  oracle_raise_gate (world->oracle, link, gate);
  tell_server (world, link, FALSE);
}

void
world_refuse (World *world, OracleLink *link, gboolean refuses)
{
  oracle_refuse (world->oracle, link, refuses);
  tell_server (world, link, FALSE);
}

void
world_cut (World *world, OracleLink *link)
{
  oracle_cut (world->oracle, link);
  tell_server (world, link, TRUE);
}
