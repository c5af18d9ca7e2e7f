/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/contract-world-private.h"

static const char *const callers[WORLD_CALLERS] = { "terminal", "window", "program" };

void
world_told_unref (WorldTold *told)
{
  if (--told->ref_count > 0)
    return;
  g_clear_error (&told->error);
  g_free (told);
}

static void
seen_free (WorldRequest *seen)
{
  g_clear_pointer (&seen->told, world_told_unref);
  g_free (seen->id);
  g_free (seen);
}

static void
report_free (WorldReport *report)
{
  g_clear_error (&report->error);
  g_free (report);
}

static void
asked_clear (WorldAsked *asked)
{
  g_free (asked->target);
}

/* In the server's threads: keeps what was asked for, as soon as it is. */
static void
log_cb (const DrayTestRecord *record, gpointer data)
{
  World *world = data;
  WorldAsked asked = { g_strdup (record->target), MAX (0, record->range_first) };

  if (record->status != 0 || record->finished != 0)
    {
      asked_clear (&asked);
      return;
    }
  dray_lock_acquire (&world->lock);
  g_array_append_val (world->asked, asked);
  dray_lock_release (&world->lock);
}

void
world_open (World *world)
{
  gboolean held;

  steps_open (&world->fixture, world->oracle->max_transfers, world->oracle->resumes);
  g_object_get (world->fixture.manager, "held", &held, NULL);
  if (held != world->oracle->held)
    g_string_append (world->problem, "  whether all is held is forgotten\n");
}

World *
world_new (guint max_transfers, gboolean resumes)
{
  World *world = g_new0 (World, 1);

  world->oracle = oracle_new ();
  world->seen = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) seen_free);
  world->reports = g_ptr_array_new_with_free_func ((GDestroyNotify) report_free);
  world->problem = g_string_new (NULL);
  dray_lock_init (&world->lock);
  world->asked = g_array_new (FALSE, FALSE, sizeof (WorldAsked));
  g_array_set_clear_func (world->asked, (GDestroyNotify) asked_clear);
  world->oracle->max_transfers = max_transfers;
  world->oracle->resumes = resumes;
  fixture_set_up (&world->fixture, NULL);
  fixture_close (&world->fixture);
  world_open (world);
  dray_test_server_set_log_func (world->fixture.server, log_cb, world);

  return world;
}

void
world_free (World *world)
{
  fixture_tear_down (&world->fixture, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  oracle_free (world->oracle);
  g_hash_table_unref (world->seen);
  g_ptr_array_unref (world->reports);
  g_string_free (world->problem, TRUE);
  g_array_unref (world->asked);
  g_clear_pointer (&world->displaced, dray_test_content_unref);
  dray_lock_clear (&world->lock);
  g_free (world);
}

WorldRequest *
world_find (World *world, const OracleRequest *request)
{
  return g_hash_table_lookup (world->seen, GUINT_TO_POINTER (request->number));
}

/* Returns where the files go of requests that ask for one of the folders. */
char *
world_dup_folder (World *world, guint folder)
{
  return folder == 0 ? g_strdup (world->fixture.directory)
                     : g_build_filename (world->fixture.root, "elsewhere", NULL);
}

void
world_begin (World *world)
{
  g_assert (world->n_pending == 0);
  g_ptr_array_set_size (world->reports, 0);
  world_tell_again (world);
  oracle_begin (world->oracle);
}

static void
awaited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WorldTold *told = user_data;
  G_GNUC_UNUSED g_autofree char *path =
      dray_request_await_finish (DRAY_REQUEST (source), result, &told->error);

  told->told = TRUE;
  world_told_unref (told);
}

void
world_await (World *world, const OracleRequest *request)
{
  WorldRequest *seen = world_find (world, request);
  DrayRequest *object = dray_manager_find_request (world->fixture.manager, seen->id);

  g_clear_pointer (&seen->told, world_told_unref);
  seen->told = g_new0 (WorldTold, 1);
  seen->told->ref_count = 2;
  dray_request_await_async (object, NULL, awaited_cb, seen->told);
}

/* Returns the digest that the caller expects, if it expects one. */
static char *
dup_expected (World *world, const OracleLink *link, const OracleWish *wish)
{
  g_autoptr (DrayTestContent) content = NULL;

  if (wish->expects_other)
    return g_compute_checksum_for_string (G_CHECKSUM_SHA256, link->path, -1);
  if (!wish->expects_right)
    return NULL;

  content = dray_test_server_dup_content (world->fixture.server, link->path);
  return dray_test_content_dup_sha256 (content);
}

/* Asks the manager for what the oracle was asked for. */
static DrayRequest *
ask (World *world, const OracleLink *link, const OracleWish *wish)
{
  ManagerFixture *fixture = &world->fixture;
  g_autoptr (DrayDownloadOptions) options = dray_download_options_new ();
  g_autofree char *folder = world_dup_folder (world, wish->folder);
  g_autofree char *uri = dray_test_server_get_uri (fixture->server, link->path);
  g_autofree char *sha256 = NULL;
  g_autoptr (GError) error = NULL;
  DrayRequest *request;

  dray_download_options_set_caller (options, callers[wish->caller]);
  dray_download_options_set_directory (options, folder);
  sha256 = dup_expected (world, link, wish);
  dray_download_options_set_sha256 (options, sha256);
  request = wish->is_load ? dray_manager_load_model (fixture->manager, uri, options, &error)
                          : dray_manager_download_asset (fixture->manager, uri, options, &error);
  g_assert_no_error (error);

  return request;
}

static void
see (World *world, const OracleRequest *request, DrayRequest *object)
{
  WorldRequest *seen = g_new0 (WorldRequest, 1);

  seen->id = g_strdup (dray_request_get_id (object));
  g_hash_table_insert (world->seen, GUINT_TO_POINTER (request->number), seen);
  world_await (world, request);
}

OracleRequest *
world_download (World *world, OracleLink *link, const OracleWish *wish)
{
  const OracleLink *file = oracle_resolve (link);
  gboolean joins = file->active && file->unbroken && !file->moves;
  OracleRequest *request = oracle_download (world->oracle, link, wish);
  DrayRequest *object = ask (world, link, wish);

  /* A late caller gets the current progress at once. */
  if (joins
      && (dray_request_get_downloaded (object) != file->low
          || dray_request_get_total (object) != file->size))
    g_string_append_printf (world->problem, "  #%u does not get the current progress at once\n",
                            request->number);
  see (world, request, object);
  return request;
}

static DrayRequest *
find_child (World *world, DrayRequest *parent, const OracleLink *link)
{
  GListModel *list = dray_manager_get_requests (world->fixture.manager);
  g_autofree char *uri = dray_test_server_get_uri (world->fixture.server, link->path);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (DrayRequest) request = g_list_model_get_item (list, i);

      if (g_strcmp0 (dray_request_get_parent_id (request), dray_request_get_id (parent)) == 0
          && g_str_equal (dray_request_get_source (request), uri))
        return request;
    }

  g_error ("The set of %s has no child for it", uri);
}

OracleRequest *
world_download_set (World *world, GPtrArray *links, const OracleWish *wish)
{
  OracleRequest *parent = oracle_download_set (world->oracle, links, wish);
  DrayRequest *object = ask (world, g_ptr_array_index (links, 0), wish);
  GPtrArray *requests = world->oracle->requests;

  see (world, parent, object);
  for (guint i = 0; i < requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (requests, i);

      if (child->parent == parent)
        see (world, child, find_child (world, object, child->link));
    }

  return parent;
}

/* Whether a request runs again of which it was told already how the last run settled. */
static gboolean
begins_again (World *world, const OracleRequest *request, const OracleRequest *resumed)
{
  return (request == resumed || (request->parent == resumed && resumed->link == NULL))
         && request->link != NULL && (request->states & ORACLE_RUNNING) != 0
         && world_find (world, request)->told->told;
}

/* Whether a parent may be finished by now, since a child goes that was not. */
static gboolean
may_lose_child (World *world, const OracleRequest *parent)
{
  GPtrArray *requests = world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      const OracleRequest *child = g_ptr_array_index (requests, i);

      if (child->parent == parent && (child->states & ORACLE_GONE) != 0)
        return TRUE;
    }

  return FALSE;
}

void
world_resume (World *world, OracleRequest *request)
{
  GPtrArray *requests = world->oracle->requests;
  g_autoptr (GError) error = NULL;
  gboolean expected = (request->states & ORACLE_COMPLETED) == 0 && !may_lose_child (world, request);
  gboolean runs;

  oracle_resume (world->oracle, request);
  runs =
      dray_manager_resume (world->fixture.manager, world_find (world, request)->id, FALSE, &error);
  if (expected && !runs)
    g_string_append_printf (world->problem, "  #%u cannot be resumed: %s\n", request->number,
                            error->message);
  else if (request->states == ORACLE_COMPLETED && runs)
    g_string_append_printf (world->problem, "  #%u is complete and can be resumed\n",
                            request->number);
  for (guint i = 0; runs && i < requests->len; i++)
    if (begins_again (world, g_ptr_array_index (requests, i), request))
      world_await (world, g_ptr_array_index (requests, i));
}

static WorldReport *
add_report (World *world)
{
  WorldReport *report = g_new0 (WorldReport, 1);

  report->world = world;
  world->n_pending++;
  g_ptr_array_add (world->reports, report);
  return report;
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WorldReport *report = user_data;

  report->n_cancelled = dray_manager_cancel_finish (DRAY_MANAGER (source), result);
  report->reported = TRUE;
  report->world->n_pending--;
}

void
world_cancel (World *world, OracleRequest *request, gboolean clear_cache)
{
  WorldReport *report = add_report (world);

  report->allowed = oracle_cancel (world->oracle, request, clear_cache);
  dray_manager_cancel_async (world->fixture.manager, world_find (world, request)->id, clear_cache,
                             cancelled_cb, report);
}

void
world_cancel_unknown (World *world, const char *id)
{
  dray_manager_cancel_async (world->fixture.manager, id, FALSE, cancelled_cb, add_report (world));
  dray_manager_cancel_async (world->fixture.manager, id, TRUE, cancelled_cb, add_report (world));
  dray_manager_cancel_model_async (world->fixture.manager, id, cancelled_cb, add_report (world));
}

/* By the model's id, or by what a person would type. */
void
world_sweep (World *world, OracleLink *link, gboolean by_source)
{
  WorldReport *report = add_report (world);
  g_autofree char *uri = dray_test_server_get_uri (world->fixture.server, link->model);
  g_autofree char *source = dray_test_server_get_uri (world->fixture.server, link->path);
  g_autofree char *model_id = g_strconcat ("url:", uri, NULL);

  report->allowed = oracle_sweep (world->oracle, link->model);
  dray_manager_cancel_model_async (world->fixture.manager, by_source ? source : model_id,
                                   cancelled_cb, report);
}

/* A caller that goes away has its requests cancelled one by one. */
void
world_leave (World *world, guint caller)
{
  GPtrArray *requests = world->oracle->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      OracleRequest *request = g_ptr_array_index (requests, i);

      if (request->caller == caller)
        world_cancel (world, request, FALSE);
    }
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WorldReport *report = user_data;

  dray_manager_remove_finish (DRAY_MANAGER (source), result, &report->error);
  report->reported = TRUE;
  report->world->n_pending--;
}

void
world_remove (World *world, OracleRequest *request)
{
  WorldReport *report = add_report (world);

  report->removal = oracle_remove (world->oracle, request);
  dray_manager_remove_async (world->fixture.manager, world_find (world, request)->id, removed_cb,
                             report);
}

static void
held_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WorldReport *report = user_data;

  dray_manager_hold_finish (DRAY_MANAGER (source), result);
  report->reported = TRUE;
  report->world->n_pending--;
}

void
world_hold (World *world)
{
  WorldReport *report = add_report (world);

  report->waits = TRUE;
  oracle_hold (world->oracle);
  dray_manager_hold_async (world->fixture.manager, held_cb, report);
}

void
world_release (World *world)
{
  oracle_release (world->oracle);
  dray_manager_release (world->fixture.manager);
}

void
world_move (World *world, OracleRequest *request, guint place)
{
  oracle_move (world->oracle, request, place);
  if (!dray_manager_move (world->fixture.manager, world_find (world, request)->id, place, NULL))
    g_string_append_printf (world->problem, "  #%u cannot be moved\n", request->number);
}

void
world_start_now (World *world, OracleRequest *request)
{
  oracle_start_now (world->oracle, request);
  if (!dray_manager_start_now (world->fixture.manager, world_find (world, request)->id, NULL))
    g_string_append_printf (world->problem, "  #%u cannot start now\n", request->number);
}

/* Where what ran runs again, the program ends at rest. */
void
world_restart (World *world)
{
  if (world->oracle->resumes)
    oracle_restart (world->oracle);
  else
    oracle_close (world->oracle);
  fixture_close (&world->fixture);
  if (world->n_pending > 0)
    g_string_append_printf (world->problem, "  %u calls have not reported when all is closed\n",
                            world->n_pending);
  world_open (world);
}
