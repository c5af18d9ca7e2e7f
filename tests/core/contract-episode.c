/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What can be done. */

#include "tests/core/contract-episode-private.h"

typedef struct
{
  guint weight;
  gboolean alone; /* only as the first of a burst: what it says of the server holds throughout */
  void (*act) (Episode *episode);
} Action;

guint
episode_draw (Episode *episode, guint n)
{
  return (guint) g_rand_int_range (episode->rand, 0, (gint32) n);
}

void
episode_note (Episode *episode, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (episode->step->len > 0)
    g_string_append (episode->step, "; ");
  g_string_append_vprintf (episode->step, format, args);
  va_end (args);
}

static OracleLink *
draw_single (Episode *episode)
{
  return episode->slots[episode_draw (episode, EPISODE_SLOTS)];
}

static OracleLink *
draw_link (Episode *episode)
{
  guint drawn = episode_draw (episode, EPISODE_SLOTS + EPISODE_SET);

  return drawn < EPISODE_SLOTS ? episode->slots[drawn] : episode->set[drawn - EPISODE_SLOTS];
}

/* Any request, or one that has one of the states. */
static OracleRequest *
draw_request (Episode *episode, guint states)
{
  GPtrArray *requests = episode->world->oracle->requests;
  g_autoptr (GPtrArray) fitting = g_ptr_array_new ();

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      if ((request->states & states) != 0 && request->states != ORACLE_GONE)
        g_ptr_array_add (fitting, request);
    }

  return fitting->len > 0 ? g_ptr_array_index (fitting, episode_draw (episode, fitting->len))
                          : NULL;
}

OracleWish
episode_draw_wish (Episode *episode)
{
  return (OracleWish){
    .caller = episode_draw (episode, WORLD_CALLERS),
    .folder = episode_draw (episode, 4) == 0 ? 1 : 0,
  };
}

/* Whoever asks for what is being deleted waits for that, and is overtaken by others meanwhile, or is
 * not: where places are short, what comes of it is chance. */
static gboolean
may_be_overtaken (const Episode *episode, const OracleLink *link)
{
  return link->discarded && episode->world->oracle->max_transfers < EPISODE_NO_LIMIT;
}

static void
download (Episode *episode)
{
  OracleLink *named = draw_single (episode);
  OracleLink *link = oracle_resolve (named);
  OracleWish wish = episode_draw_wish (episode);
  OracleRequest *request;

  wish.is_load = episode_draw (episode, 4) == 0;
  wish.expects_other = !link->complete && episode_draw (episode, 8) == 0;
  wish.expects_right =
      !wish.expects_other && episode_may_tell (named) && episode_draw (episode, 3) == 0;
  if ((link->complete && (link->placed & 1u << wish.folder) == 0)
      || may_be_overtaken (episode, link) || episode_has_lost (episode, named))
    return;
  request = world_download (episode->world, named, &wish);
  episode_note (episode, "%s %s%s by %u into %u: #%u", wish.is_load ? "load" : "download",
                named->path,
                wish.expects_other   ? " with a wrong digest"
                : wish.expects_right ? " with its digest"
                                     : "",
                wish.caller, wish.folder, request->number);
}

static void
download_set (Episode *episode)
{
  g_autoptr (GPtrArray) links = g_ptr_array_new ();
  OracleWish wish = episode_draw_wish (episode);
  OracleRequest *parent;

  for (guint i = 0; i < EPISODE_SET; i++)
    {
      OracleLink *link = episode->set[i];

      if ((link->complete && (link->placed & 1u << wish.folder) == 0)
          || may_be_overtaken (episode, link))
        return;
      g_ptr_array_add (links, link);
    }
  parent = world_download_set (episode->world, links, &wish);
  episode_note (episode, "download the set %s by %u into %u: #%u", episode->set[0]->model,
                wish.caller, wish.folder, parent->number);
}

static void
hold (Episode *episode)
{
  if (episode->world->oracle->held)
    {
      episode_note (episode, "release");
      world_release (episode->world);
    }
  else
    {
      episode_note (episode, "hold");
      world_hold (episode->world);
    }
}

static OracleRequest *
draw_queued (Episode *episode)
{
  g_autoptr (GPtrArray) queue = oracle_get_queue (episode->world->oracle);

  return queue->len > 0 ? g_ptr_array_index (queue, episode_draw (episode, queue->len)) : NULL;
}

static void
move (Episode *episode)
{
  OracleRequest *request = draw_queued (episode);
  guint place = episode_draw (episode, 4);

  if (request == NULL)
    return;
  episode_note (episode, "move #%u to place %u", request->number, place);
  world_move (episode->world, request, place);
}

static void
start_now (Episode *episode)
{
  OracleRequest *request = draw_queued (episode);

  /* Beyond the limit it must not be over at once: who else shares it would be chance. So it would be
   * whether a place that another call frees now is taken by this one. */
  if (request == NULL || request->link->gate == request->link->size || request->link->refuses
      || request->link->high == request->link->size)
    return;
  episode_note (episode, "start #%u now", request->number);
  world_start_now (episode->world, request);
  episode->alone = TRUE;
}

static void
pause_one (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_RUNNING);

  if (request == NULL)
    return;
  episode_note (episode, "pause #%u", request->number);
  world_cancel (episode->world, request, FALSE);
}

static void
discard_one (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_RUNNING | ORACLE_PAUSED | ORACLE_FAILED);

  if (request == NULL)
    return;
  episode_note (episode, "discard #%u", request->number);
  world_cancel (episode->world, request, TRUE);
}

/* Of whatever state: what has settled is not touched. */
static void
cancel_any (Episode *episode)
{
  OracleRequest *request = draw_request (episode, G_MAXUINT);

  if (request == NULL)
    return;
  episode_note (episode, "cancel #%u", request->number);
  world_cancel (episode->world, request, FALSE);
}

static void
discard_completed (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_COMPLETED);

  if (request == NULL)
    return;
  episode_note (episode, "discard the completed #%u", request->number);
  world_cancel (episode->world, request, TRUE);
}

static void
cancel_unknown (Episode *episode)
{
  static const char *const ids[] = { "", "no-such-request", "url:http://nowhere/" };

  episode_note (episode, "cancel what nobody knows");
  world_cancel_unknown (episode->world, ids[episode_draw (episode, G_N_ELEMENTS (ids))]);
}

/* One that is paused or has failed, or preferably one whose pause is under way. */
static OracleRequest *
draw_stopped (Episode *episode)
{
  GPtrArray *requests = episode->world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      if (request->link != NULL && request->ran && (request->states & ORACLE_PAUSED) != 0
          && episode_draw (episode, 2) == 0)
        return request;
    }

  return draw_request (episode, ORACLE_PAUSED | ORACLE_FAILED);
}

static void
resume_one (Episode *episode)
{
  OracleRequest *request = draw_stopped (episode);

  /* After a cancel that has not reported, and while the server refuses, all is allowed. */
  if (request == NULL || (request->ran && (request->link == NULL || request->link->refuses))
      || (request->states & ORACLE_GONE) != 0 || request->lost
      || (request->link != NULL && may_be_overtaken (episode, request->link)))
    return;
  episode_note (episode, "resume #%u", request->number);
  world_resume (episode->world, request);
}

static void
resume_running (Episode *episode)
{
  OracleRequest *request = draw_request (episode, ORACLE_RUNNING);

  if (request == NULL || request->states != ORACLE_RUNNING || request->link == NULL
      || request->link->complete)
    return;
  episode_note (episode, "resume the running #%u", request->number);
  world_resume (episode->world, request);
}

static void
remove_one (Episode *episode)
{
  OracleRequest *request = draw_request (episode, G_MAXUINT);

  if (request == NULL || request->parent != NULL || (request->states & ORACLE_GONE) != 0)
    return;
  episode_note (episode, "remove #%u", request->number);
  world_remove (episode->world, request);
}

static OracleLink *
find_model (const Oracle *oracle, const char *model)
{
  for (guint i = 0; i < oracle->links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (oracle->links, i);

      if (g_strcmp0 (link->model, model) == 0)
        return link;
    }

  return NULL;
}

/* Any link, or preferably one by whose model those of another go as well. */
static OracleLink *
draw_swept (Episode *episode)
{
  const Oracle *oracle = episode->world->oracle;
  guint n_links = oracle->links->len;
  guint first = episode_draw (episode, n_links);
  gboolean any = episode_draw (episode, 2) == 0;

  for (guint i = 0; i < n_links && !any; i++)
    {
      const OracleLink *link = g_ptr_array_index (oracle->links, (first + i) % n_links);
      OracleLink *other = find_model (oracle, link->known_as);

      if (other != NULL)
        return other;
    }

  return g_ptr_array_index (oracle->links, first);
}

static void
sweep (Episode *episode)
{
  OracleLink *link = draw_swept (episode);
  gboolean by_source = episode_draw (episode, 2) == 0;

  episode_note (episode, "sweep %s", by_source ? link->path : link->model);
  world_sweep (episode->world, link, by_source);
}

static void
leave (Episode *episode)
{
  guint caller = episode_draw (episode, WORLD_CALLERS);

  episode_note (episode, "caller %u dies", caller);
  world_leave (episode->world, caller);
}

static void
raise_gate (Episode *episode)
{
  OracleLink *link = oracle_resolve (draw_link (episode));
  gint64 next = link->gate + GATE_STEP * (1 + (gint64) episode_draw (episode, 2));
  gint64 gate = MIN (episode_get_last_gate (link), next);

  if (gate == link->gate)
    return;
  episode_note (episode, "%s sends to %" G_GINT64_FORMAT, link->path, gate);
  world_raise_gate (episode->world, link, gate);
}

static void
complete (Episode *episode)
{
  OracleLink *link = oracle_resolve (draw_link (episode));

  if (link->twin != NULL && !link->differs)
    return;
  episode_note (episode, "%s sends all", link->path);
  world_raise_gate (episode->world, link, link->size);
}

static void
refuse (Episode *episode)
{
  OracleLink *link = oracle_resolve (draw_link (episode));

  episode_note (episode, "%s %s", link->path, link->refuses ? "is served again" : "is refused");
  world_refuse (episode->world, link, !link->refuses);
}

static void
cut (Episode *episode)
{
  OracleLink *link = oracle_resolve (draw_link (episode));

  episode_note (episode, "%s breaks off and is refused", link->path);
  world_cut (episode->world, link);
}

void
episode_restart (Episode *episode)
{
  episode_note (episode, "restart");
  world_restart (episode->world);
}

void
episode_kill (Episode *episode)
{
  episode_note (episode, "kill");
  world_kill (episode->world);
}

static const Action actions[] = {
  { 25, FALSE, download },
  { 12, FALSE, pause_one },
  { 14, FALSE, resume_one },
  { 8, FALSE, discard_one },
  { 3, FALSE, remove_one },
  { 4, FALSE, sweep },
  { 2, FALSE, cancel_any },
  { 1, FALSE, leave },
  { 1, FALSE, cancel_unknown },
  { 1, FALSE, resume_running },
  { 1, FALSE, discard_completed },
  { 14, TRUE, raise_gate },
  { 6, TRUE, complete },
  { 5, TRUE, refuse },
  { 1, TRUE, cut },
  { 6, FALSE, download_set },
  { 3, TRUE, hold },
  { 2, TRUE, move },
  { 2, TRUE, start_now },
  { 60, TRUE, episode_merge },
  { 80, TRUE, episode_mislead },
  { 30, FALSE, episode_join },
};

static const Action *
draw_action (Episode *episode)
{
  guint sum = 0, drawn;

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    sum += actions[i].weight;
  drawn = episode_draw (episode, sum);
  for (guint i = 0;; i++)
    {
      if (drawn < actions[i].weight)
        return &actions[i];
      drawn -= actions[i].weight;
    }
}

/* Does one thing that can be done now. */
void
episode_act (Episode *episode, gboolean first)
{
  gsize noted = episode->step->len;

  while (episode->step->len == noted)
    {
      const Action *action = draw_action (episode);

      if (first || !action->alone)
        action->act (episode);
    }
}

void
episode_remove_finished (Episode *episode)
{
  GPtrArray *requests = episode->world->oracle->requests;

  for (guint i = 0; i < requests->len && requests->len > 20; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      if (request->link != NULL && request->parent == NULL && request->link->complete
          && request->states == ORACLE_COMPLETED)
        {
          episode_note (episode, "remove #%u", request->number);
          world_remove (episode->world, request);
        }
    }
}
