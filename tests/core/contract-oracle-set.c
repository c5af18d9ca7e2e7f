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
has_running_child (const Oracle *oracle, const OracleRequest *parent)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (oracle->requests, i);

      if (oracle_is_child (child, parent) && (child->states & ORACLE_RUNNING) != 0)
        return TRUE;
    }

  return FALSE;
}

/* The same for a parent, which goes with its children. */
static void
replace_earlier_set (Oracle *oracle, const OracleLink *first, const OracleWish *wish)
{
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      OracleRequest *parent = g_ptr_array_index (oracle->requests, i);

      if (parent->link != NULL || parent->first != first || parent->caller != wish->caller
          || parent->folder != wish->folder || has_running_child (oracle, parent)
          || parent->states == ORACLE_COMPLETED)
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
