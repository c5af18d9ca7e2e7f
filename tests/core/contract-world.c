/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/contract-world-private.h"

#include "core/request/manager-private.h"

#include <sqlite3.h>
#include <unistd.h>

static const char *const callers[] = { "terminal", "window", "program" };

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

World *
world_new (void)
{
  World *world = g_new0 (World, 1);

  world->oracle = oracle_new ();
  world->seen = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) seen_free);
  world->reports = g_ptr_array_new_with_free_func ((GDestroyNotify) report_free);
  world->problem = g_string_new (NULL);
  dray_lock_init (&world->lock);
  world->asked = g_array_new (FALSE, FALSE, sizeof (WorldAsked));
  g_array_set_clear_func (world->asked, (GDestroyNotify) asked_clear);
  fixture_set_up (&world->fixture, NULL);
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
  dray_lock_clear (&world->lock);
  g_free (world);
}

WorldRequest *
world_find (World *world, const OracleRequest *request)
{
  return g_hash_table_lookup (world->seen, GUINT_TO_POINTER (request->number));
}

/* Tells the server how to serve a link, as the oracle has it. */
static void
tell_server (World *world, const OracleLink *link, gboolean breaks_off)
{
  DrayTestBehaviour behaviour = { .gate = link->gate < link->size ? link->gate : 0 };

  if (breaks_off)
    behaviour.gate = -1;
  if (link->refuses)
    behaviour.answer = (DrayTestAnswer){ .times = DRAY_TEST_ALWAYS, .status = 404 };
  dray_test_server_set_behaviour (world->fixture.server, link->path, &behaviour);
}

OracleLink *
world_add_link (World *world, const char *path, gint64 size, gint64 gate)
{
  OracleLink *link = oracle_add_link (world->oracle, path, size, gate);
  static guint64 seed;

  dray_test_server_add (world->fixture.server, path, dray_test_content_new (++seed, size));
  tell_server (world, link, FALSE);
  return link;
}

/* Takes a link that no request is for out of the world, with its files. */
void
world_remove_link (World *world, OracleLink *link)
{
  g_autofree char *path = g_build_filename (world->fixture.directory, link->path + 1, NULL);
  g_autofree char *partial = g_strconcat (path, ".part", NULL);

  g_unlink (path);
  g_unlink (partial);
  dray_test_server_remove (world->fixture.server, link->path);
  oracle_remove_link (world->oracle, link);
}

void
world_begin (World *world)
{
  g_assert (world->n_pending == 0);
  g_ptr_array_set_size (world->reports, 0);
  oracle_begin (world->oracle);
}

static void
awaited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WorldTold *told = user_data;
  g_autofree char *path = dray_request_await_finish (DRAY_REQUEST (source), result, &told->error);

  told->told = TRUE;
  g_assert ((path != NULL) == (told->error == NULL));
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

OracleRequest *
world_download (World *world, OracleLink *link, guint caller)
{
  gboolean joins = oracle_has_transfer (world->oracle, link) && link->unbroken && !link->moves;
  OracleRequest *request = oracle_download (world->oracle, link, caller);
  DrayRequest *object =
      fixture_get_with (&world->fixture, link->path, "caller", callers[caller], NULL);
  WorldRequest *seen = g_new0 (WorldRequest, 1);

  /* A late caller gets the current progress at once. */
  if (joins
      && (dray_request_get_downloaded (object) != link->low
          || dray_request_get_total (object) != link->size))
    g_string_append_printf (world->problem, "  #%u does not get the current progress at once\n",
                            request->number);
  seen->id = g_strdup (dray_request_get_id (object));
  g_hash_table_insert (world->seen, GUINT_TO_POINTER (request->number), seen);
  world_await (world, request);
  return request;
}

void
world_resume (World *world, OracleRequest *request)
{
  WorldRequest *seen = world_find (world, request);
  g_autoptr (GError) error = NULL;
  gboolean expected = (request->states & ORACLE_COMPLETED) == 0;
  gboolean awaits = request->states != ORACLE_RUNNING && !request->ran && expected;
  gboolean runs;

  oracle_resume (world->oracle, request);
  runs = dray_manager_resume (world->fixture.manager, seen->id, FALSE, &error);
  if (expected && !runs)
    g_string_append_printf (world->problem, "  #%u cannot be resumed: %s\n", request->number,
                            error->message);
  else if (request->states == ORACLE_COMPLETED && runs)
    g_string_append_printf (world->problem, "  #%u is complete and can be resumed\n",
                            request->number);
  if (awaits && runs)
    world_await (world, request);
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

void
world_sweep (World *world, OracleLink *link)
{
  WorldReport *report = add_report (world);
  g_autofree char *uri = dray_test_server_get_uri (world->fixture.server, link->path);
  g_autofree char *model_id = g_strconcat ("url:", uri, NULL);

  report->allowed = oracle_sweep (world->oracle, link);
  dray_manager_cancel_model_async (world->fixture.manager, model_id, cancelled_cb, report);
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

void
world_raise_gate (World *world, OracleLink *link, gint64 gate)
{
  oracle_raise_gate (world->oracle, link, gate);
  tell_server (world, link, FALSE);
}

void
world_refuse (World *world, OracleLink *link, gboolean refuses)
{
  oracle_refuse (world->oracle, link, refuses);
  tell_server (world, link, FALSE);
}

void
world_cut (World *world, OracleLink *link)
{
  oracle_cut (world->oracle, link);
  tell_server (world, link, TRUE);
}

void
world_restart (World *world)
{
  oracle_close (world->oracle);
  fixture_close (&world->fixture);
  if (world->n_pending > 0)
    g_string_append_printf (world->problem, "  %u calls have not reported when all is closed\n",
                            world->n_pending);
  fixture_open (&world->fixture);
}

static void
copy_catalog (const char *path, const char *copy)
{
  g_autofree char *statement = g_strdup_printf ("VACUUM INTO '%s'", copy);
  sqlite3 *database = NULL;

  if (sqlite3_open_v2 (path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK
      || sqlite3_exec (database, statement, NULL, NULL, NULL) != SQLITE_OK)
    g_error ("Could not copy the catalog: %s", sqlite3_errmsg (database));
  sqlite3_close (database);
}

static void
written_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *written = user_data;

  *written = dray_catalog_write_finish (result, NULL);
}

static gboolean
is_set (gpointer data)
{
  return *(gboolean *) data;
}

/* What the manager has seen by now is written when a later change is. */
static void
wait_for_catalog (DrayManager *manager)
{
  gboolean written = FALSE;

  dray_catalog_write_async (manager->engine.catalog, dray_catalog_change_new (),
                            DRAY_DURABILITY_PROCESS, written_cb, &written);
  fixture_wait (is_set, &written);
}

/* Gives every file of one folder its name in another as well, so that it stays the same file. */
static void
link_files (const char *from, const char *to)
{
  g_autoptr (GDir) dir = g_dir_open (from, 0, NULL);
  const char *name;

  g_mkdir_with_parents (to, 0700);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *old = g_build_filename (from, name, NULL);
      g_autofree char *new = g_build_filename (to, name, NULL);

      if (link (old, new) != 0 && errno != EEXIST)
        g_error ("Could not link “%s”: %s", old, g_strerror (errno));
    }
}

static void
unlink_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
}

/* What a kill at this moment would leave: the catalog and the files as they are now, whatever the
 * manager still does to them before it has closed. */
void
world_kill (World *world)
{
  ManagerFixture *fixture = &world->fixture;
  g_autofree char *copy = g_build_filename (fixture->root, "killed.sqlite3", NULL);
  g_autofree char *aside = g_build_filename (fixture->root, "aside", NULL);
  g_autofree char *journal = g_strconcat (fixture->catalog_path, "-wal", NULL);
  g_autofree char *index = g_strconcat (fixture->catalog_path, "-shm", NULL);

  oracle_kill (world->oracle);
  wait_for_catalog (fixture->manager);
  copy_catalog (fixture->catalog_path, copy);
  link_files (fixture->directory, aside);
  fixture_close (fixture);
  unlink_files (fixture->directory);
  link_files (aside, fixture->directory);
  unlink_files (aside);
  g_unlink (journal);
  g_unlink (index);
  g_assert_cmpint (g_rename (copy, fixture->catalog_path), ==, 0);
  fixture_open (fixture);
}
