/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/contract-world-private.h"

#include "core/request/manager-private.h"

/* Generous, since the sanitizers are slow; what is right comes in milliseconds. */
#define DEADLINE (20 * G_USEC_PER_SEC)

static OracleState
classify (DrayRequest *object)
{
  if (object == NULL)
    return ORACLE_GONE;
  if (dray_request_is_running (object))
    return ORACLE_RUNNING;

  switch (dray_request_get_state (object))
    {
    case DRAY_REQUEST_PAUSED:
      return ORACLE_PAUSED;

    case DRAY_REQUEST_FAILED:
      return ORACLE_FAILED;

    case DRAY_REQUEST_COMPLETED:
      return ORACLE_COMPLETED;

    default:
      return ORACLE_GONE;
    }
}

static DrayRequest *
get_object (World *world, const OracleRequest *request)
{
  return dray_manager_find_request (world->fixture.manager, world_find (world, request)->id);
}

/* Whether those who await a request were told what its state says, and no more. */
static gboolean
is_told_right (const OracleRequest *request, const WorldTold *told, OracleState state)
{
  gboolean cancelled;

  if (told == NULL || !request->ran || request->link == NULL)
    return TRUE;
  if (state == ORACLE_RUNNING)
    return !told->told || request->unsure;
  if (!told->told)
    return FALSE;
  if (request->unsure)
    return TRUE;

  cancelled = g_error_matches (told->error, DRAY_ERROR, DRAY_ERROR_CANCELLED);
  if (state == ORACLE_COMPLETED)
    return told->error == NULL;
  if (state == ORACLE_FAILED)
    return told->error != NULL && !cancelled;

  return cancelled
         || (state == ORACLE_GONE && (request->link->may_fail || request->link->complete));
}

/* A parent runs while one of its children does; else it has settled as they have. Of one that has
 * lost a child only the running ones tell. */
static guint
derive_state (World *world, const OracleRequest *parent)
{
  GPtrArray *requests = world->oracle->requests;
  guint states = 0;

  for (guint i = 0; i < requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (requests, i);

      if (child->parent == parent)
        states |= classify (get_object (world, child));
    }
  if ((states & ORACLE_RUNNING) != 0)
    return ORACLE_RUNNING;
  if ((states & ORACLE_GONE) != 0 || parent->lost)
    return G_MAXUINT;
  if ((states & (ORACLE_FAILED | ORACLE_PAUSED)) != 0)
    return ORACLE_FAILED | ORACLE_PAUSED;

  if ((states & ORACLE_COMPLETED) == 0)
    return ORACLE_GONE;

  /* While all is held nobody completes. */
  return ORACLE_COMPLETED | (world->oracle->held ? ORACLE_RUNNING | ORACLE_PAUSED : 0);
}

/* Whether there is a parent whose children are not all known any more. */
static gboolean
has_lost_parent (World *world)
{
  GPtrArray *requests = world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    if (((const OracleRequest *) g_ptr_array_index (requests, i))->lost)
      return TRUE;

  return FALSE;
}

static void
compare_states (World *world, GString *problem)
{
  GPtrArray *requests = world->oracle->requests;
  guint n_there = 0, n_rows = fixture_count_requests (&world->fixture);

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);
      OracleState state = classify (get_object (world, request));
      g_autofree char *allowed = NULL;

      if (request->link == NULL)
        request->states = derive_state (world, request);
      allowed = world_dup_state_names (request->states);
      n_there += state != ORACLE_GONE ? 1 : 0;
      if ((request->states & state) == 0)
        g_string_append_printf (problem, "  #%u (%s) is %s, expected %s\n", request->number,
                                request->link != NULL ? request->link->path : "a set",
                                world_name_state (state), allowed);
      else if (!is_told_right (request, world_find (world, request)->told, state))
        g_string_append_printf (problem, "  whoever awaits #%u (%s), which is %s, is %s\n",
                                request->number, request->link->path, world_name_state (state),
                                world_find (world, request)->told->told ? "told otherwise"
                                                                        : "not told");
    }
  if (n_there != n_rows && !has_lost_parent (world))
    g_string_append_printf (problem, "  there are %u requests, expected %u\n", n_rows, n_there);
}

static void
compare_report (const WorldReport *report, GString *problem)
{
  OracleRemoval removal;

  if (!report->reported)
    {
      g_string_append (problem, "  a call has not reported\n");
      return;
    }
  if (report->waits)
    return;
  if (report->removal == 0)
    {
      if (report->n_cancelled < report->allowed.min || report->n_cancelled > report->allowed.max)
        g_string_append_printf (problem, "  a cancel says %u, expected %u to %u\n",
                                report->n_cancelled, report->allowed.min, report->allowed.max);
      return;
    }

  removal = report->error == NULL ? ORACLE_REMOVED : ORACLE_BUSY;
  if ((report->removal & removal) == 0)
    g_string_append_printf (problem, "  a removal says %s\n",
                            report->error != NULL ? report->error->message : "that it is done");
}

static void
compare_settled (World *world, GString *problem)
{
  compare_states (world, problem);
  for (guint i = 0; i < world->reports->len; i++)
    compare_report (g_ptr_array_index (world->reports, i), problem);
}

static gboolean
is_allowed_size (const OracleLink *link, gint64 n_bytes)
{
  return (n_bytes >= link->low && n_bytes <= link->high) || (n_bytes == 0 && link->may_be_empty);
}

static void
compare_completed (World *world, OracleRequest *request, GString *problem)
{
  WorldRequest *seen = world_find (world, request);
  DrayRequest *object = get_object (world, request);
  g_autoptr (DrayTestContent) content =
      dray_test_server_dup_content (world->fixture.server, request->link->path);
  g_autofree char *sha256 = NULL;

  if (seen->checked)
    return;

  sha256 = dray_test_content_dup_sha256 (content);
  if (dray_request_get_downloaded (object) != request->link->size
      || g_strcmp0 (dray_request_get_sha256 (object), sha256) != 0)
    {
      g_string_append_printf (problem, "  #%u has not the figures of its file\n", request->number);
      return;
    }
  fixture_assert_file (dray_request_get_path (object), content);
  seen->checked = TRUE;
}

/* How a running request shows itself. */
static gboolean
runs_right (World *world, const OracleRequest *request, DrayRequest *object)
{
  DrayRequestState state = dray_request_get_state (object);

  if (world->oracle->held)
    return state == DRAY_REQUEST_WAITING
           && g_strcmp0 (dray_request_get_reason (object), "held") == 0;
  if (oracle_is_queued (world->oracle, request))
    return state == DRAY_REQUEST_QUEUED;

  return state == DRAY_REQUEST_DOWNLOADING
         && dray_request_get_downloaded (object) == request->link->high
         && dray_request_get_total (object) == request->link->size;
}

static void
compare_figures (World *world, OracleRequest *request, GString *problem)
{
  const OracleLink *link = request->link;
  DrayRequest *object = get_object (world, request);
  gint64 downloaded = dray_request_get_downloaded (object);

  if (request->states == ORACLE_COMPLETED)
    {
      compare_completed (world, request, problem);
      return;
    }
  if (request->states == ORACLE_RUNNING ? !runs_right (world, request, object)
                                        : !link->complete && downloaded > link->high)
    g_string_append_printf (problem,
                            "  #%u (%s) is %s with %" G_GINT64_FORMAT " bytes, expected %s with "
                            "%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT "\n",
                            request->number, link->path,
                            dray_request_state_get_name (dray_request_get_state (object)),
                            downloaded, world_name_state (request->states), link->low, link->high);
  else if (!link->complete && request->ran && !request->left && !link->moves
           && request->states != ORACLE_RUNNING && !is_allowed_size (link, downloaded))
    g_string_append_printf (problem,
                            "  #%u (%s) has %" G_GINT64_FORMAT " bytes, expected %" G_GINT64_FORMAT
                            " to %" G_GINT64_FORMAT "\n",
                            request->number, link->path, downloaded, link->low, link->high);
}

/* The figures of a parent are the sums of its children's. */
static void
compare_sums (World *world, const OracleRequest *parent, GString *problem)
{
  GPtrArray *requests = world->oracle->requests;
  DrayRequest *object = get_object (world, parent);
  gint64 downloaded = 0;

  for (guint i = 0; i < requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (requests, i);

      if (child->parent == parent)
        downloaded += dray_request_get_downloaded (get_object (world, child));
    }
  if ((parent->states == ORACLE_RUNNING && dray_request_get_downloaded (object) != downloaded)
      || dray_request_get_download_key (object) != NULL)
    g_string_append_printf (
        problem, "  #%u (a set) has %" G_GINT64_FORMAT " bytes, expected %" G_GINT64_FORMAT "\n",
        parent->number, dray_request_get_downloaded (object), downloaded);
}

/* Whether each waits in its place. */
static void
compare_queue (World *world, GString *problem)
{
  g_autoptr (GPtrArray) queue = oracle_get_queue (world->oracle);

  for (guint i = 0; i < queue->len && !world->oracle->held; i++)
    {
      const OracleRequest *request = g_ptr_array_index (queue, i);
      gint place = dray_request_get_queue_position (get_object (world, request));

      if (place != (gint) i)
        g_string_append_printf (problem, "  #%u waits in place %d, expected %u\n", request->number,
                                place, i);
    }
}

/* One that was still running when it was looked at first may have come to another of its ends. */
static void
adopt_later_end (World *world, OracleRequest *request)
{
  OracleState state = classify (get_object (world, request));

  if (request->link == NULL || state == request->states || (request->allowed & state) == 0)
    return;
  request->states |= state;
  oracle_adopt (world->oracle, request, state);
}

static void
compare_rest (World *world, GString *problem)
{
  GPtrArray *requests = world->oracle->requests;
  GPtrArray *links = world->oracle->links;
  guint n_bodies = dray_test_server_get_open_bodies (world->fixture.server);

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      adopt_later_end (world, request);
      if (request->link != NULL)
        compare_figures (world, request, problem);
      else
        compare_sums (world, request, problem);
    }
  compare_queue (world, problem);
  for (guint i = 0; i < links->len; i++)
    world_compare_asked (world, g_ptr_array_index (links, i), problem);
  if (n_bodies != oracle_count_transfers (world->oracle))
    g_string_append_printf (problem, "  %u transfers run, expected %u\n", n_bodies,
                            oracle_count_transfers (world->oracle));
  if (problem->len == 0)
    world_compare_files (world, problem);
}

/* The manager shows progress ten times a second; here nobody waits for that. */
static void
sample (World *world)
{
  DrayManager *manager = world->fixture.manager;

  for (guint i = 0; i < manager->jobs->len; i++)
    dray_download_job_sample (g_ptr_array_index (manager->jobs, i));
  dray_manager_sum_up_parents (manager);
}

static gboolean
wake_cb (G_GNUC_UNUSED gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Runs the main loop until @compare finds nothing, or keeps what it found. */
static gboolean
wait_until_right (World *world, void (*compare) (World *, GString *))
{
  g_autoptr (GString) problem = g_string_new (NULL);
  gint64 deadline = g_get_monotonic_time () + DEADLINE;
  guint source = g_timeout_add (1, wake_cb, NULL);

  do
    {
      g_main_context_iteration (NULL, TRUE);
      sample (world);
      g_string_truncate (problem, 0);
      compare (world, problem);
    }
  while (problem->len > 0 && g_get_monotonic_time () < deadline);

  g_source_remove (source);
  g_string_append (world->problem, problem->str);
  return problem->len == 0;
}

/* A file may be finished although every request for it was paused, held or refused. */
static void
adopt (World *world)
{
  GPtrArray *requests = world->oracle->requests;
  GPtrArray *links = world->oracle->links;

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);
      OracleState state = classify (get_object (world, request));

      request->allowed = request->states;
      oracle_adopt (world->oracle, request, state);
      if (state == ORACLE_GONE && request->parent != NULL)
        request->parent->lost = TRUE;
      request->lost |= request->link == NULL && world->oracle->held && state == ORACLE_PAUSED;
      if (state == ORACLE_RUNNING && request->link != NULL
          && world_find (world, request)->told->told)
        world_await (world, request);
    }
  for (guint i = 0; i < links->len; i++)
    {
      OracleLink *link = g_ptr_array_index (links, i);

      if (link->moves && (world_has_file (world, link, 0) || world_has_file (world, link, 1)))
        oracle_complete (link);
    }
  oracle_conclude (world->oracle);
}

/* What a request that has stopped shows is how many bytes are kept at least. */
static void
adopt_bytes (World *world)
{
  GPtrArray *requests = world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);
      OracleLink *link = request->link;
      gint64 downloaded = dray_request_get_downloaded (get_object (world, request));

      if (link != NULL && request->ran && !link->complete && !link->may_be_empty
          && downloaded <= link->high)
        link->low = MAX (link->low, downloaded);
    }
}

/**
 * world_compare:
 * @world: a world after a burst of calls
 *
 * Returns: (nullable): what is not as the contract has it
 */
const char *
world_compare (World *world)
{
  oracle_rest (world->oracle);
  if (wait_until_right (world, compare_settled))
    {
      adopt (world);
      if (wait_until_right (world, compare_rest))
        adopt_bytes (world);
    }
  dray_lock_acquire (&world->lock);
  g_array_set_size (world->asked, 0);
  dray_lock_release (&world->lock);

  if (world->problem->len == 0)
    return NULL;
  world_describe (world);
  return world->problem->str;
}
