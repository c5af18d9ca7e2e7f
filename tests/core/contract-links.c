/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which links calls are made for. */

#include "tests/core/contract-episode-private.h"

static gint64
draw_gate (Episode *episode)
{
  return GATE_STEP * (1 + (gint64) episode_draw (episode, 3));
}

/* A link that another may be paired with. */
static OracleLink *
find_twin (Episode *episode, guint slot)
{
  for (guint i = 0; i < EPISODE_SLOTS; i++)
    {
      OracleLink *link = episode->slots[i];

      if (i != slot && link != NULL && link->twin == NULL && link->into == NULL && !link->complete
          && link->gate < link->size && oracle_find_lost (episode->world->oracle, link) == NULL)
        return link;
    }

  return NULL;
}

/* Of the links, some lead to what is no model, though it can be downloaded; of some the server tells
 * the digest; and some lead to the file of another, or will seem to. */
void
episode_renew (Episode *episode, guint slot)
{
  g_autofree char *path = g_strdup_printf ("/m%u-%u.%s", slot, ++episode->n_links,
                                           episode_draw (episode, 3) == 0 ? "bin" : "gguf");
  OracleLink *link = world_add_link (episode->world, path, path, draw_gate (episode));
  OracleLink *twin;

  if (episode->slots[slot] != NULL)
    oracle_part (episode->slots[slot]);
  episode->slots[slot] = link;
  twin = find_twin (episode, slot);
  if (twin != NULL)
    world_pair (episode->world, link, twin, !twin->promises && episode_draw (episode, 2) == 0);
  else if (episode_draw (episode, 2) == 0)
    world_promise (episode->world, link);
}

static void
renew_set (Episode *episode)
{
  guint number = ++episode->n_links;
  g_autofree char *model = g_strdup_printf ("/s%u-*-of-%05u.gguf", number, EPISODE_SET);

  for (guint i = 0; i < EPISODE_SET; i++)
    {
      g_autofree char *path =
          g_strdup_printf ("/s%u-%05u-of-%05u.gguf", number, i + 1, EPISODE_SET);

      episode->set[i] = world_add_link (episode->world, path, model, draw_gate (episode));
    }
}

static gboolean
has_request (const Oracle *oracle, const OracleLink *link)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->link == link || request->source == link)
        return TRUE;
    }

  return FALSE;
}

/* A file may be fetched from any link that leads to it, and a link that has become another goes
 * before that one does. */
static gboolean
is_used (const Oracle *oracle, const OracleLink *link)
{
  return has_request (oracle, link) || (link->into != NULL && has_request (oracle, link->into))
         || oracle_find_lost (oracle, link) != NULL;
}

/* Finished links make way for new ones, most of the time; once all their requests are removed, they
 * leave the world. */
void
episode_tidy (Episode *episode)
{
  Oracle *oracle = episode->world->oracle;

  for (guint i = 0; i < EPISODE_SLOTS; i++)
    {
      const OracleLink *into = episode->slots[i]->into;

      if (into != NULL
          && (into->complete || !episode_wants (episode, into) || episode_draw (episode, 16) == 0))
        episode_renew (episode, i);
    }
  for (guint i = 0; i < EPISODE_SLOTS; i++)
    if (episode->slots[i]->complete && episode_draw (episode, 4) > 0)
      episode_renew (episode, i);
  if (episode->set[0]->complete && episode->set[1]->complete)
    renew_set (episode);
  for (guint i = oracle->links->len; i > 0; i--)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i - 1);
      gboolean current = FALSE;

      for (guint j = 0; j < EPISODE_SLOTS; j++)
        current |= episode->slots[j] == link;
      for (guint j = 0; j < EPISODE_SET; j++)
        current |= episode->set[j] == link;
      if (!current && !is_used (oracle, link))
        world_remove_link (episode->world, link);
    }
}

/* The world's first links. */
void
episode_fill (Episode *episode)
{
  renew_set (episode);
  for (guint i = 0; i < EPISODE_SLOTS; i++)
    episode_renew (episode, i);
}
