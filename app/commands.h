/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The command line: one verb, one function, which returns the exit status.
 */

#pragma once

#include "app/door.h"

G_BEGIN_DECLS

#define DRAY_EXIT_OK 0
#define DRAY_EXIT_FAILED 1
#define DRAY_EXIT_USAGE 2

int dray_commands_run (int argc, char **argv);

/* Each verb, given its own arguments with the verb as argv[0]. */
int dray_command_get (int argc, char **argv);
int dray_command_load (int argc, char **argv);
int dray_command_resume (int argc, char **argv);
int dray_command_list (int argc, char **argv);
int dray_command_pause (int argc, char **argv);
int dray_command_discard (int argc, char **argv);
int dray_command_remove (int argc, char **argv);
int dray_command_cancel (int argc, char **argv);
int dray_command_inspect (int argc, char **argv);
int dray_command_models (int argc, char **argv);
int dray_command_plan (int argc, char **argv);
int dray_command_hold (int argc, char **argv);
int dray_command_release (int argc, char **argv);

/* What the verbs share: command-common.c. */
gboolean dray_command_parse (const char *usage,
                             const char *summary,
                             const GOptionEntry *entries,
                             int *argc,
                             char ***argv,
                             int *status);
int dray_command_usage_error (const char *verb, const char *message);
char *dray_command_get_catalog_path (void);
char *dray_command_read_token (const char *path, GError **error);
gboolean dray_command_print_facts (GPtrArray *paths,
                                   gboolean json,
                                   const char *request_id,
                                   GError **error);
DrayRow *dray_command_find_row (DrayDoor *door, const char *id, GError **error);

G_END_DECLS
