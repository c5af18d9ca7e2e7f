/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/contract-world-private.h"

#include "core/request/manager-private.h"

/* Generous, since the sanitizers are slow; what is right comes in milliseconds. */
#define DEADLINE (20 * G_USEC_PER_SEC)

static const char *
name_state (guint state)
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

static char *
dup_state_names (guint states)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint state = 1; state <= ORACLE_GONE; state <<= 1)
    if ((states & state) != 0)
      g_string_append_printf (names, "%s%s", names->len > 0 ? " or " : "", name_state (state));

  return g_string_free (g_steal_pointer (&names), FALSE);
}

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

  if (told == NULL || !request->ran)
    return TRUE;
  if (state == ORACLE_RUNNING)
    return !told->told || request->unsure;
  if (!told->told)
    return FALSE;
  if (request->unsure)
    return TRUE;

  cancelled = dray_error_is_cancelled (told->error);
  if (state == ORACLE_COMPLETED)
    return told->error == NULL;
  if (state == ORACLE_FAILED)
    return told->error != NULL && !cancelled;

  return cancelled
         || (state == ORACLE_GONE && (request->link->may_fail || request->link->complete));
}

static void
compare_states (World *world, GString *problem)
{
  GPtrArray *requests = world->oracle->requests;
  guint n_there = 0, n_rows = fixture_count_requests (&world->fixture);

  for (guint i = 0; i < requests->len; i++)
    {
      const OracleRequest *request = g_ptr_array_index (requests, i);
      OracleState state = classify (get_object (world, request));
      g_autofree char *allowed = dup_state_names (request->states);

      n_there += state != ORACLE_GONE ? 1 : 0;
      if ((request->states & state) == 0)
        g_string_append_printf (problem, "  #%u (%s) is %s, expected %s\n", request->number,
                                request->link->path, name_state (state), allowed);
      else if (!is_told_right (request, world_find (world, request)->told, state))
        g_string_append_printf (problem, "  whoever awaits #%u (%s), which is %s, is %s\n",
                                request->number, request->link->path, name_state (state),
                                world_find (world, request)->told->told ? "told otherwise"
                                                                        : "not told");
    }
  if (n_there != n_rows)
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
  if (link->complete)
    return;

  if (downloaded > link->high
      || (request->states == ORACLE_RUNNING
          && (downloaded != link->high
              || dray_request_get_state (object) != DRAY_REQUEST_DOWNLOADING
              || dray_request_get_total (object) != link->size))
      || (request->ran && !request->left && !link->moves && !is_allowed_size (link, downloaded)))
    g_string_append_printf (problem,
                            "  #%u (%s) is %s with %" G_GINT64_FORMAT " bytes, expected %s with "
                            "%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT "\n",
                            request->number, link->path,
                            dray_request_state_get_name (dray_request_get_state (object)),
                            downloaded, name_state (request->states), link->low, link->high);
}

static gboolean
has_file (World *world, const OracleLink *link, const char *suffix)
{
  g_autofree char *name = g_strconcat (link->path + 1, suffix, NULL);
  g_autofree char *path = g_build_filename (world->fixture.directory, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Which files there are: partial and finished ones, and none that nobody knows. */
static void
compare_files (World *world, GString *problem)
{
  GPtrArray *links = world->oracle->links;
  guint n_partial = 0, n_finished = 0;

  for (guint i = 0; i < links->len; i++)
    {
      const OracleLink *link = g_ptr_array_index (links, i);
      gboolean partial = has_file (world, link, ".part");
      gboolean finished = has_file (world, link, "");

      n_partial += partial ? 1 : 0;
      n_finished += finished ? 1 : 0;
      if (finished != link->complete)
        g_string_append_printf (problem, "  there is %s finished file of %s\n",
                                finished ? "a" : "no", link->path);
      if (partial ? link->deleted : link->low > 0 && !link->may_be_empty && !link->complete)
        g_string_append_printf (problem, "  there is %s partial file of %s\n", partial ? "a" : "no",
                                link->path);
    }
  if (fixture_count_files (&world->fixture, TRUE) != n_partial
      || fixture_count_files (&world->fixture, FALSE) != n_finished)
    g_string_append (problem, "  there is a file that nobody knows\n");
}

/* Which ranges were asked for: no byte again that was kept, and no new connection without cause. */
static void
compare_link_asked (World *world, const OracleLink *link, GString *problem)
{
  guint n_asked = 0;

  dray_lock_acquire (&world->lock);
  for (guint i = 0; i < world->asked->len; i++)
    {
      const WorldAsked *asked = &g_array_index (world->asked, WorldAsked, i);

      if (!g_str_equal (asked->target, link->path))
        continue;
      n_asked++;
      if (!link->complete
          && !((asked->first >= link->first && asked->first <= link->high)
               || (asked->first == 0 && link->from_start)))
        g_string_append_printf (problem,
                                "  %s was asked for from byte %" G_GINT64_FORMAT
                                " when %" G_GINT64_FORMAT " were kept\n",
                                link->path, asked->first, link->first);
    }
  dray_lock_release (&world->lock);

  if (n_asked < link->min_transfers || n_asked > link->max_transfers)
    g_string_append_printf (problem, "  %s was asked for %u times, expected %u to %u\n", link->path,
                            n_asked, link->min_transfers, link->max_transfers);
}

static void
compare_rest (World *world, GString *problem)
{
  GPtrArray *requests = world->oracle->requests;
  GPtrArray *links = world->oracle->links;
  guint n_bodies = dray_test_server_get_open_bodies (world->fixture.server);

  for (guint i = 0; i < requests->len; i++)
    compare_figures (world, g_ptr_array_index (requests, i), problem);
  for (guint i = 0; i < links->len; i++)
    compare_link_asked (world, g_ptr_array_index (links, i), problem);
  if (n_bodies != oracle_count_transfers (world->oracle))
    g_string_append_printf (problem, "  %u transfers run, expected %u\n", n_bodies,
                            oracle_count_transfers (world->oracle));
  if (problem->len == 0)
    compare_files (world, problem);
}

/* The manager shows progress ten times a second; here nobody waits for that. */
static void
sample (World *world)
{
  DrayManager *manager = world->fixture.manager;

  for (guint i = 0; i < manager->jobs->len; i++)
    dray_download_job_sample (g_ptr_array_index (manager->jobs, i));
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

static void
adopt (World *world)
{
  GPtrArray *requests = world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);
      OracleState state = classify (get_object (world, request));

      oracle_adopt (world->oracle, request, state);
      if (state == ORACLE_RUNNING && world_find (world, request)->told->told)
        world_await (world, request);
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

      if (request->ran && !link->complete && !link->may_be_empty && downloaded <= link->high)
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

  return world->problem->len > 0 ? world->problem->str : NULL;
}
