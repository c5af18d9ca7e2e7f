/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the oracle knows, in words. */

#include "tests/core/contract-world-private.h"

const char *
world_name_state (guint state)
{
  switch (state)
    {
    case ORACLE_RUNNING:
      return "running";

    case ORACLE_PAUSED:
      return "paused";

    case ORACLE_FAILED:
      return "failed";

    case ORACLE_COMPLETED:
      return "completed";

    default:
      return "gone";
    }
}

char *
world_dup_state_names (guint states)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint state = 1; state <= ORACLE_GONE; state <<= 1)
    if ((states & state) != 0)
      g_string_append_printf (names, "%s%s", names->len > 0 ? " or " : "",
                              world_name_state (state));

  return g_string_free (g_steal_pointer (&names), FALSE);
}

/* What the oracle knows, for whoever has to find the mistake. */
void
world_describe (World *world)
{
  const Oracle *oracle = world->oracle;

  g_string_append_printf (world->problem, "the oracle%s, %u transfers at once:\n",
                          oracle->held ? ", held" : "", oracle->max_transfers);
  for (guint i = 0; i < oracle->links->len; i++)
    {
      const OracleLink *link = g_ptr_array_index (oracle->links, i);

      g_string_append_printf (world->problem,
                              "  %s%s%s%s%s%s sends to %" G_GINT64_FORMAT ", has %" G_GINT64_FORMAT
                              " to %" G_GINT64_FORMAT "%s\n",
                              link->path, link->active ? " active" : "",
                              link->complete ? " complete" : "", link->refuses ? " refuses" : "",
                              link->twin != NULL   ? " has twin "
                              : link->into != NULL ? " is "
                                                   : "",
                              link->twin != NULL   ? link->twin->path
                              : link->into != NULL ? link->into->path
                                                   : "",
                              link->gate, link->low, link->high,
                              link->may_be_empty ? " or nothing" : "");
    }
  for (guint i = 0; i < oracle->requests->len; i++)
    {
      const OracleRequest *request = g_ptr_array_index (oracle->requests, i);
      g_autofree char *states = world_dup_state_names (request->states);

      g_string_append_printf (world->problem, "  #%u %s by %u%s%s: %s\n", request->number,
                              request->link != NULL ? request->link->path : "a set",
                              request->caller, request->ran ? " ran" : "",
                              request->anew ? " anew" : "", states);
    }
}
