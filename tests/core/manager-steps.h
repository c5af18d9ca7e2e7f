/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Further steps of tests of the manager: gates that hold a file's bytes back, other ways to open
 * and to ask, and what the server's log says of one path.
 *
 * As the fixture's functions, they run the main loop until what they wait for has come. The main
 * thread's.
 */

#pragma once

#include "tests/core/manager-fixture.h"

G_BEGIN_DECLS

void steps_add (ManagerFixture *fixture, const char *path, guint64 seed, gint64 gate);
void steps_add_same (ManagerFixture *fixture, DrayTestServer *server, const char *path);
void steps_set_gate (ManagerFixture *fixture, const char *path, gint64 gate);
void steps_set_headers (ManagerFixture *fixture, const char *path, const char *headers);
void steps_set_redirect (ManagerFixture *fixture, const char *path, const char *to);

void steps_open (ManagerFixture *fixture, guint max_transfers, gboolean resumes);
void steps_reopen (ManagerFixture *fixture, guint max_transfers, gboolean resumes);
DrayRequest *steps_load_with (ManagerFixture *fixture,
                              const char *path,
                              const char *first_option,
                              ...) G_GNUC_NULL_TERMINATED;
void steps_hold (ManagerFixture *fixture);
void steps_spin (ManagerFixture *fixture);

DrayRequest *steps_find (ManagerFixture *fixture, const char *id);
char *steps_dup_folder (ManagerFixture *fixture, const char *name);
char *steps_dup_sha256 (ManagerFixture *fixture, const char *path);
guint steps_count_asked (ManagerFixture *fixture, const char *path);
guint steps_count_in (const char *directory);

G_END_DECLS
