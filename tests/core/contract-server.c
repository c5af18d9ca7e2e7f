/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the server is told: which files there are, and how each is served. */

#include "tests/core/contract-world-private.h"

/* The header with which a server tells the digest of a file. */
static char *
dup_promise (World *world, const OracleLink *link)
{
  g_autoptr (DrayTestContent) content =
      dray_test_server_dup_content (world->fixture.server, link->path);
  g_autofree char *sha256 = dray_test_content_dup_sha256 (content);
  g_autofree char *encoded = NULL;
  guchar digest[32];

  for (guint i = 0; i < sizeof digest; i++)
    digest[i] = (guchar) (g_ascii_xdigit_value (sha256[2 * i]) << 4
                          | g_ascii_xdigit_value (sha256[2 * i + 1]));
  encoded = g_base64_encode (digest, sizeof digest);
  return g_strdup_printf ("Repr-Digest: sha-256=:%s:\r\n", encoded);
}

/* Tells the server how to serve the file of a link under its own path or a further one. */
static void
tell_path (World *world, const OracleLink *link, const OracleLink *named, gboolean breaks_off)
{
  g_autofree char *promise = link->promises ? dup_promise (world, link) : NULL;
  DrayTestBehaviour behaviour = { .headers = promise };

  if (named->leads_to != NULL)
    behaviour.redirect = named->leads_to->path;
  else if (breaks_off)
    behaviour.gate = -1;
  else if (link->gate < link->size)
    behaviour.gate = link->gate;
  if (link->refuses)
    behaviour.answer = (DrayTestAnswer){ .times = DRAY_TEST_ALWAYS, .status = 404 };
  dray_test_server_set_behaviour (world->fixture.server, named->path, &behaviour);
}

/* Whichever link leads to a file serves it alike: a transfer may take any of them. */
static void
tell_server (World *world, const OracleLink *link, gboolean breaks_off)
{
  const OracleLink *lost = oracle_find_lost (world->oracle, link);

  tell_path (world, link, link, breaks_off);
  if (lost != NULL)
    tell_path (world, link, lost, breaks_off);
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

/* From now on the server tells the digest of a link's file. */
void
world_promise (World *world, OracleLink *link)
{
  link->promises = TRUE;
  tell_server (world, link, FALSE);
}

/* Pairs a link that nobody has asked for with another, whose bytes it has unless it differs. */
void
world_pair (World *world, OracleLink *link, OracleLink *twin, gboolean differs)
{
  oracle_pair (link, twin, differs);
  if (differs)
    return;

  dray_test_server_add (world->fixture.server, link->path,
                        dray_test_server_dup_content (world->fixture.server, twin->path));
  link->is_model = twin->is_model;
  tell_server (world, link, FALSE);
}

/* In this burst the server redirects from a link to its twin, which for that time has the bytes of the
 * link. */
void
world_lead (World *world, OracleLink *link)
{
  DrayTestServer *server = world->fixture.server;
  const OracleLink *twin = link->twin;

  oracle_lead (link);
  if (link->differs)
    {
      world->displaced = dray_test_server_dup_content (server, twin->path);
      dray_test_server_add (server, twin->path, dray_test_server_dup_content (server, link->path));
      tell_path (world, link, twin, FALSE);
    }
  tell_server (world, link, FALSE);
}

/* A transfer of a link, which begins in this burst, proves that it is its twin. */
void
world_merge (World *world, OracleLink *link)
{
  oracle_merge (world->oracle, link);
  if (link->leads_to != NULL)
    tell_server (world, oracle_resolve (link), FALSE);
}

/* A caller is about to say so. */
void
world_join (World *world, OracleLink *link)
{
  oracle_join (world->oracle, link);
  tell_server (world, link->into, FALSE);
}

/* Serves every link as itself again, and those that are one file alike. */
void
world_tell_again (World *world)
{
  GPtrArray *links = world->oracle->links;

  for (guint i = 0; i < links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (links, i);
      OracleLink *led_to = g_steal_pointer (&link->leads_to);

      if (led_to != NULL && world->displaced != NULL)
        dray_test_server_add (world->fixture.server, led_to->path,
                              g_steal_pointer (&world->displaced));
      if (led_to != NULL)
        tell_server (world, oracle_resolve (led_to), FALSE);
      if (led_to != NULL || link->into != NULL)
        tell_server (world, oracle_resolve (link), FALSE);
    }
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
