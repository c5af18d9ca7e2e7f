/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A parent and its children: the calls. */

#include "tests/core/contract-oracle-private.h"

gboolean
oracle_is_child (const OracleRequest *request, const OracleRequest *parent)
{
  return request->parent == parent && parent != NULL;
}

/* Gives the children of a parent further states, or only those. */
void
oracle_mark_children (Oracle *oracle, const OracleRequest *parent, guint states, gboolean only)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *child = g_ptr_array_index (oracle->requests, i);

      if (oracle_is_child (child, parent))
        child->states = states | (only ? 0 : child->states);
    }
}

static gboolean
has_child (const Oracle *oracle, const OracleRequest *parent, guint states)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (oracle->requests, i);

      if (oracle_is_child (child, parent) && (child->states & states) != 0)
        return TRUE;
    }

  return FALSE;
}

/* A parent is complete at once when the child that it waited for is discarded, unless that child runs:
 * then the discard has not reported. */
static gboolean
is_complete (const Oracle *oracle, const OracleRequest *parent)
{
  gboolean discarded = FALSE;

  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (oracle->requests, i);

      if (!oracle_is_child (child, parent))
        continue;
      if (child->states != ORACLE_COMPLETED && (child->states != ORACLE_GONE || child->ran))
        return FALSE;
      discarded |= child->states == ORACLE_GONE;
    }

  return discarded;
}

/* The same call by the same caller takes the place of a parent that was paused, or has failed, and of
 * its children; where something of it has not reported yet, it may be too early for that. */
static void
replace_earlier_set (Oracle *oracle, const OracleLink *first, const OracleWish *wish)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *parent = g_ptr_array_index (oracle->requests, i);

      if (parent->link != NULL || parent->first != first || parent->caller != wish->caller
          || parent->folder != wish->folder || has_child (oracle, parent, ORACLE_RUNNING)
          || parent->states == ORACLE_COMPLETED || is_complete (oracle, parent))
        continue;
      oracle_mark_children (oracle, parent, ORACLE_GONE,
                            (parent->states & (ORACLE_RUNNING | ORACLE_GONE)) == 0);
      parent->states |= ORACLE_GONE;
    }
}

/* A parent with a child for each of @links. */
OracleRequest *
oracle_download_set (Oracle *oracle, GPtrArray *links, const OracleWish *wish)
{
  OracleRequest *parent;

  replace_earlier_set (oracle, g_ptr_array_index (links, 0), wish);
  parent = oracle_add_request (oracle, NULL, wish, NULL);
  parent->first = g_ptr_array_index (links, 0);
  parent->is_load = wish->is_load;
  parent->states = ORACLE_RUNNING;
  for (guint i = 0; i < links->len; i++)
    oracle_add_request (oracle, g_ptr_array_index (links, i), wish, parent);

  return parent;
}
