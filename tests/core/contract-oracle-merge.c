/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Two links that prove to lead to one file. */

#include "tests/core/contract-oracle-private.h"

/* Returns the link whose file it is. */
OracleLink *
oracle_resolve (OracleLink *link)
{
  return link->into != NULL ? link->into : link;
}

/* Returns the link that has become a further name of @link's file, if there is one. */
const OracleLink *
oracle_find_lost (const Oracle *oracle, const OracleLink *link)
{
  for (guint i = 0; i < oracle->links->len; i++)
    {
      const OracleLink *other = g_ptr_array_index (oracle->links, i);

      if (other->into == link)
        return other;
    }

  return NULL;
}

/* Returns the link for whose file the server was asked when it was asked for @path: NULL if it only
 * showed the way. */
OracleLink *
oracle_find_asked (const Oracle *oracle, const char *path)
{
  OracleLink *asked = NULL;

  for (guint i = 0; i < oracle->links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i);

      if (link->leads_to != NULL && g_str_equal (link->leads_to->path, path))
        return oracle_resolve (link);
      if (g_str_equal (link->path, path))
        asked = link;
    }

  return asked != NULL && asked->leads_to == NULL ? oracle_resolve (asked) : NULL;
}

/* @link leads to the file of @twin, or will seem to. */
void
oracle_pair (OracleLink *link, OracleLink *twin, gboolean differs)
{
  link->twin = twin;
  twin->twin = link;
  link->differs = twin->differs = differs;
  twin->elder = TRUE;
  link->elder = FALSE;
}

void
oracle_part (OracleLink *link)
{
  if (link->twin == NULL)
    return;

  link->differs = link->twin->differs = FALSE;
  link->twin->twin = NULL;
  link->twin = NULL;
}

/* The server redirects from @link to its twin. Whoever says the one means the other as well. */
void
oracle_lead (OracleLink *link)
{
  link->leads_to = link->twin;
  link->known_as = g_strdup (link->twin->model);
}

/* Everybody who wants the file of one link wants that of another from now on. */
static void
move_requests (Oracle *oracle, OracleLink *from, OracleLink *into)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (oracle->requests, i);

      if (request->link == from)
        request->link = into;
    }
  from->into = into;
  into->asked |= from->asked;
  from->active = from->unbroken = from->moves = FALSE;
  from->deleted = TRUE;
  from->low = 0;
}

/* A transfer of @link, which is all that begins, is told that its bytes are those of its twin: the
 * one with more of them, or the twin, goes on for both. */
void
oracle_merge (Oracle *oracle, OracleLink *link)
{
  OracleLink *twin = link->twin;

  oracle_part (link);
  link->min_transfers = link->max_transfers = 1;
  if (link->low > twin->low)
    move_requests (oracle, twin, link);
  else
    move_requests (oracle, link, twin);
}

/* A caller is about to say that the bytes of @link, which nobody has asked for, are those of its
 * twin. */
void
oracle_join (Oracle *oracle, OracleLink *link)
{
  OracleLink *twin = link->twin;

  oracle_part (link);
  move_requests (oracle, link, twin);
}
