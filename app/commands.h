/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The command line: one verb, one function, which returns the exit status.
 */

#pragma once

#include "core/request/manager.h"

G_BEGIN_DECLS

#define DRAY_EXIT_OK 0
#define DRAY_EXIT_FAILED 1
#define DRAY_EXIT_USAGE 2

int dray_commands_run (int argc, char **argv);

/* Each verb, given its own arguments with the verb as argv[0]. */
int dray_command_get (int argc, char **argv);
int dray_command_resume (int argc, char **argv);
int dray_command_list (int argc, char **argv);
int dray_command_pause (int argc, char **argv);
int dray_command_discard (int argc, char **argv);
int dray_command_remove (int argc, char **argv);
int dray_command_cancel (int argc, char **argv);
int dray_command_inspect (int argc, char **argv);

/* What the verbs share: command-common.c. */
gboolean dray_command_parse (const char *usage,
                             const char *summary,
                             const GOptionEntry *entries,
                             int *argc,
                             char ***argv,
                             int *status);
int dray_command_usage_error (const char *verb, const char *message);
void dray_command_arrived_cb (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *dray_command_wait_for (GAsyncResult **arrived);
char *dray_command_get_catalog_path (void);
DrayManager *dray_command_open_manager (GError **error);
void dray_command_close_manager (DrayManager *manager);
DrayRequest *dray_command_find_request (GListModel *requests, const char *id, GError **error);

G_END_DECLS
