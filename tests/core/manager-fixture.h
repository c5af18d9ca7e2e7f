/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A manager on a throwaway folder, the hostile server on loopback, and blocking forms of what a
 * caller asks of the manager.
 *
 * The functions run the main loop until what they wait for has come, and abort the test where it
 * does not come in time. The main thread's.
 */

#pragma once

#include "core/base/error.h"
#include "core/request/manager.h"
#include "tests/server/model-server.h"

#include <glib/gstdio.h>

G_BEGIN_DECLS

/* What most tests serve: a file that is small, but larger than what is compared on a resume. */
#define FIXTURE_PATH "/model.gguf"
#define FIXTURE_SIZE ((gint64) 300001)
#define FIXTURE_HELD ((gint64) 100000)

typedef struct
{
  char *root;         /* the folder to throw away */
  char *catalog_path;
  char *library_root;
  char *directory;    /* where the files go */
  DrayTestServer *server;
  DrayManager *manager; /* open */
} ManagerFixture;

typedef gboolean (*FixtureCondition) (gpointer data);

void fixture_set_up (ManagerFixture *fixture, gconstpointer unused);
void fixture_tear_down (ManagerFixture *fixture, gconstpointer unused);
void fixture_open (ManagerFixture *fixture);
void fixture_close (ManagerFixture *fixture);
void fixture_reopen (ManagerFixture *fixture);
void fixture_set_silence (ManagerFixture *fixture, guint seconds);

DrayRequest *fixture_get (ManagerFixture *fixture, const char *path);
DrayRequest *fixture_get_with (ManagerFixture *fixture,
                               const char *path,
                               const char *first_option,
                               ...) G_GNUC_NULL_TERMINATED;
DrayRequest *fixture_begin (ManagerFixture *fixture, const char *path, gint64 n_bytes);
void fixture_resume (ManagerFixture *fixture, DrayRequest *request);
guint fixture_cancel (ManagerFixture *fixture, const char *id, gboolean clear_cache);
guint fixture_cancel_model (ManagerFixture *fixture, const char *model_id);
gboolean fixture_remove (ManagerFixture *fixture, const char *id, GError **error);

void fixture_wait (FixtureCondition condition, gpointer data);
void fixture_wait_for_end (DrayRequest *request);
void fixture_wait_for_state (DrayRequest *request, DrayRequestState state);
void fixture_wait_for_bytes (DrayRequest *request, gint64 downloaded);
void fixture_wait_for_sent (ManagerFixture *fixture, gint64 n_bytes);
void fixture_wait_for_asked (ManagerFixture *fixture, guint n_requests);

guint fixture_count_requests (ManagerFixture *fixture);
DrayRequest *fixture_get_only_request (ManagerFixture *fixture);
gint64 fixture_get_body_bytes (ManagerFixture *fixture, const char *path);
char *fixture_dup_partial (ManagerFixture *fixture, const char *name);
guint fixture_count_files (ManagerFixture *fixture, gboolean partial);

void fixture_assert_file (const char *filename, DrayTestContent *content);
void fixture_assert_completed (ManagerFixture *fixture, DrayRequest *request, const char *path);
void fixture_assert_failed (ManagerFixture *fixture, DrayRequest *request, DrayError code);

G_END_DECLS
