/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Links that prove to lead to one file. */

#include "tests/core/contract-episode-private.h"

/* Whether somebody certainly wants the file of a link. */
gboolean
episode_wants (const Episode *episode, const OracleLink *link)
{
  GPtrArray *requests = episode->world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      const OracleRequest *request = g_ptr_array_index (requests, i);

      if (request->link == link && (request->states & ~(guint) ORACLE_WANTING) == 0)
        return TRUE;
    }

  return FALSE;
}

/* A link is a further name of a file for as long as there is somebody who wants the file. */
gboolean
episode_has_lost (const Episode *episode, const OracleLink *link)
{
  const OracleLink *into = link->into;

  return into != NULL && (into->discarded || into->removed || !episode_wants (episode, into));
}

/* Whether a caller may expect the digest of what a link leads to without saying that it leads to what
 * its twin does. */
gboolean
episode_may_tell (const OracleLink *link)
{
  return link->twin == NULL || link->differs || link->elder;
}

/* Twins must not be finished as two files. */
gint64
episode_get_last_gate (const OracleLink *link)
{
  return link->twin != NULL && !link->differs ? link->size - GATE_STEP : link->size;
}

/* Whether it is known how many bytes of a link are kept. */
static gboolean
is_certain (const OracleLink *link)
{
  return link->low == link->high && !link->may_be_empty;
}

static OracleRequest *
find_stopped (Episode *episode, const OracleLink *link)
{
  GPtrArray *requests = episode->world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      if (request->link == link && (request->states & (ORACLE_PAUSED | ORACLE_FAILED)) != 0)
        return request;
    }

  return NULL;
}

/* Whether one more transfer may begin, and nobody waits. */
static gboolean
has_room (const Oracle *oracle)
{
  g_autoptr (GPtrArray) queue = oracle_get_queue (oracle);

  return !oracle->held && queue->len == 0
         && oracle_count_transfers (oracle) < oracle->max_transfers;
}

/* Whether a transfer of a link, if it began now, would be told something of its twin. By a redirect,
 * it asks in the twin's place; then nothing that the twin does may depend on that. */
static gboolean
may_meet (const Episode *episode, const OracleLink *link)
{
  const OracleLink *twin = link->twin;

  if (twin == NULL || link->promises || link->active || link->refuses || link->complete
      || twin->complete || !is_certain (link) || !is_certain (twin) || twin->low == 0
      || !episode_wants (episode, twin))
    return FALSE;
  if (twin->promises)
    return TRUE;

  return !twin->refuses && (!twin->active || (!link->differs && link->low <= twin->low));
}

static OracleLink *
find_meeting (Episode *episode, gboolean differs)
{
  guint first = episode_draw (episode, EPISODE_SLOTS);

  if (!has_room (episode->world->oracle))
    return NULL;
  for (guint i = 0; i < EPISODE_SLOTS; i++)
    {
      OracleLink *link = episode->slots[(first + i) % EPISODE_SLOTS];

      if (may_meet (episode, link) && link->differs == differs)
        return link;
    }

  return NULL;
}

/* Begins a transfer of a link, which is all that happens in this burst. */
static void
begin_alone (Episode *episode, OracleLink *link)
{
  OracleRequest *request = find_stopped (episode, link);
  OracleWish wish = episode_draw_wish (episode);

  if (request != NULL)
    world_resume (episode->world, request);
  else
    request = world_download (episode->world, link, &wish);
  episode_note (episode, "by #%u", request->number);
  episode->alone = TRUE;
}

/* The server's first answer proves two links to be one file: it tells the same digest of both, or
 * redirects from the one to the other, where the file has the same validator. */
void
episode_merge (Episode *episode)
{
  OracleLink *link = find_meeting (episode, FALSE);

  if (link == NULL)
    return;
  episode_note (episode, "%s %s %s", link->path, link->twin->promises ? "proves to be" : "leads to",
                link->twin->path);
  if (link->twin->promises)
    world_promise (episode->world, link);
  else
    world_lead (episode->world, link);
  begin_alone (episode, link);
  world_merge (episode->world, link);
}

/* The one redirects to the other, where another file is now, which is completed. What is kept of the
 * file that was there is nobody else's; a call for that link would be one for either. */
void
episode_mislead (Episode *episode)
{
  OracleLink *link = find_meeting (episode, TRUE);
  OracleLink *twin;

  if (link == NULL)
    return;
  twin = link->twin;
  episode_note (episode, "%s leads to %s, which is another file now", link->path, twin->path);
  world_lead (episode->world, link);
  world_raise_gate (episode->world, link, link->size);
  world_raise_gate (episode->world, twin, twin->size);
  begin_alone (episode, link);
  oracle_part (link);
  for (guint i = 0; i < EPISODE_SLOTS; i++)
    if (episode->slots[i] == twin)
      episode_renew (episode, i);
}

/* Whether a file goes by its digest: the server has told it, or a caller expects it. */
static gboolean
goes_by_digest (const Episode *episode, const OracleLink *link)
{
  GPtrArray *requests = episode->world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      const OracleRequest *request = g_ptr_array_index (requests, i);

      if (request->link == link && request->expects_right
          && (request->states & ~(guint) ORACLE_WANTING) == 0)
        return TRUE;
    }

  return link->promises;
}

/* Whether a caller that names the digest with a link, which nobody has asked for, shares the file of
 * its twin. */
static gboolean
may_join (const Episode *episode, const OracleLink *link)
{
  const OracleLink *twin = link->twin;

  return twin != NULL && !link->differs && link->deleted && link->high == 0 && !link->complete
         && !oracle_has_request (episode->world->oracle, link, G_MAXUINT, FALSE) && !twin->complete
         && twin->low > 0 && !twin->may_be_empty && twin->gate < twin->size && !twin->discarded
         && !twin->removed && episode_wants (episode, twin) && goes_by_digest (episode, twin);
}

/* A caller says of a link that its bytes have the digest by which its twin goes. Only this call says
 * so, and the link is named by no other. */
void
episode_join (Episode *episode)
{
  OracleWish wish = episode_draw_wish (episode);
  OracleRequest *request;
  guint slot = 0;

  while (slot < EPISODE_SLOTS && !may_join (episode, episode->slots[slot]))
    slot++;
  if (slot == EPISODE_SLOTS)
    return;

  wish.expects_right = TRUE;
  episode_note (episode, "%s has the digest of %s", episode->slots[slot]->path,
                episode->slots[slot]->twin->path);
  world_join (episode->world, episode->slots[slot]);
  request = world_download (episode->world, episode->slots[slot], &wish);
  episode_note (episode, "by #%u", request->number);
  episode_renew (episode, slot);
}
