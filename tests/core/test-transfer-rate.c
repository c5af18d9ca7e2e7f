/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A limit that changes while bytes move. */

#include "core/http/session-pool.h"
#include "core/transfer/transfer.h"

#include "tests/server/model-server.h"

#include <glib/gstdio.h>

#define PATH "/model.gguf"
#define SIZE ((gint64) 3 * 1024 * 1024)

/* Far longer than the test has to wait where the change is noticed, in microseconds. */
#define TIMEOUT (60 * G_USEC_PER_SEC)

/* Knows one address, and says that it remembers everything. */
#define STUB_TYPE (stub_get_type ())
G_DECLARE_FINAL_TYPE (Stub, stub, TEST, STUB, GObject)

struct _Stub
{
  GObject parent_instance;
  char *url;
};

static void stub_resolver_init (DrayResolverInterface *iface);
static void stub_journal_init (DrayJournalInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (Stub,
                               stub,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (DRAY_TYPE_RESOLVER, stub_resolver_init)
                               G_IMPLEMENT_INTERFACE (DRAY_TYPE_JOURNAL, stub_journal_init))

static void
stub_finalize (GObject *object)
{
  g_free (TEST_STUB (object)->url);

  G_OBJECT_CLASS (stub_parent_class)->finalize (object);
}

static void
stub_class_init (StubClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = stub_finalize;
}

static void
stub_init (G_GNUC_UNUSED Stub *self)
{
}

static void
stub_resolve_async (DrayResolver *resolver,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  g_task_return_pointer (task, dray_location_new (TEST_STUB (resolver)->url, NULL),
                         (GDestroyNotify) dray_location_free);
}

static DrayLocation *
stub_resolve_finish (G_GNUC_UNUSED DrayResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
stub_answered (G_GNUC_UNUSED DrayResolver *resolver, G_GNUC_UNUSED const DrayServerFacts *facts)
{
}

static gboolean
stub_accepts (G_GNUC_UNUSED DrayResolver *resolver, G_GNUC_UNUSED const char *sha256)
{
  return TRUE;
}

static void
stub_resolver_init (DrayResolverInterface *iface)
{
  iface->resolve_async = stub_resolve_async;
  iface->resolve_finish = stub_resolve_finish;
  iface->answered = stub_answered;
  iface->accepts = stub_accepts;
}

static char *
stub_claim_name (G_GNUC_UNUSED DrayJournal *journal,
                 const char *suggested,
                 G_GNUC_UNUSED guint attempt)
{
  return g_strdup (suggested);
}

static void
stub_record_async (DrayJournal *journal,
                   G_GNUC_UNUSED const DrayJournalEntry *entry,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (journal, NULL, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
stub_record_finish (G_GNUC_UNUSED DrayJournal *journal, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
stub_journal_init (DrayJournalInterface *iface)
{
  iface->claim_name = stub_claim_name;
  iface->record_async = stub_record_async;
  iface->record_finish = stub_record_finish;
}

static DrayTransfer *
new_transfer (const char *directory,
              const char *url,
              DrayHostLimits *hosts,
              DrayWorker *disk,
              gint64 rate_limit)
{
  g_autoptr (Stub) stub = g_object_new (STUB_TYPE, NULL);
  g_autoptr (DraySessionPool) sessions = dray_session_pool_new ();
  const DrayValidator validator = { 0 };
  const DrayFileIdentity identity = { 0 };
  const DrayTransferPlan plan = {
    .directory = directory,
    .suggested_name = "model.gguf",
    .total = DRAY_SIZE_UNKNOWN,
    .validator = &validator,
    .identity = &identity,
    .boot_id = "",
    .interval = 500,
    .rate_limit = rate_limit,
  };

  stub->url = g_strdup (url);
  return dray_transfer_new (&plan, sessions, hosts, disk, DRAY_JOURNAL (stub), DRAY_RESOLVER (stub));
}

static void
keep_result_cb (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static gboolean
tick_cb (G_GNUC_UNUSED gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static gboolean
is_downloading (DrayTransfer *transfer)
{
  DrayTransferProgress progress;

  dray_transfer_sample (transfer, &progress);
  return progress.state == DRAY_TRANSFER_DOWNLOADING;
}

/* Gives the connection's thread the time to read its first portion and to begin to wait; where the
 * machine is too busy for that, less is tested, and nothing fails. */
static void
let_it_wait (void)
{
  gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 2;

  while (g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
}

/* Under the first limit the second portion would come after minutes. */
static void
test_live (gconstpointer data)
{
  const gint64 *then = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("dray-rate-XXXXXX", &error);
  g_autofree char *file = g_build_filename (directory, "model.gguf", NULL);
  DrayTestServer *server = dray_test_server_new (&error);
  g_autofree char *url = dray_test_server_get_uri (server, PATH);
  g_autoptr (DrayHostLimits) hosts = dray_host_limits_new ();
  DrayWorker *disk = dray_worker_new ("disk");
  g_autoptr (DrayTransfer) transfer = new_transfer (directory, url, hosts, disk, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) ended = NULL;
  guint ticks = g_timeout_add (5, tick_cb, NULL);
  gint64 deadline = g_get_monotonic_time () + TIMEOUT;
  DrayTransferResult *result;

  dray_test_server_add_gguf (server, PATH, 7, SIZE);
  dray_transfer_run_async (transfer, cancellable, keep_result_cb, &ended);
  while (!is_downloading (transfer) && g_get_monotonic_time () < deadline)
    g_main_context_iteration (NULL, TRUE);
  let_it_wait ();
  g_assert_null (ended);

  dray_transfer_set_rate_limit (transfer, 2);
  dray_transfer_set_rate_limit (transfer, *then);
  while (ended == NULL && g_get_monotonic_time () < deadline)
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (ended);
  result = dray_transfer_run_finish (transfer, ended, &error);
  g_assert_no_error (error);
  g_assert_cmpint (result->size, ==, SIZE);

  dray_transfer_result_free (result);
  g_source_remove (ticks);
  g_clear_object (&transfer);
  dray_worker_free (disk);
  dray_test_server_free (server);
  g_unlink (file);
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  static const gint64 unlimited = DRAY_RATE_UNLIMITED;
  static const gint64 fast = 100 * 1000 * 1000;

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/transfer-rate/lifted", &unlimited, test_live);
  g_test_add_data_func ("/transfer-rate/raised", &fast, test_live);

  return g_test_run ();
}
