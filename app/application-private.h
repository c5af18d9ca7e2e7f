/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of the application, shared by application.c (the process, what it is given and its
 * actions), application-catalog.c (opening the catalog, and closing it at the end) and
 * application-library.c (another folder for models). The main thread's.
 */

#pragma once

#include "app/application.h"
#include "app/service.h"
#include "ui/window.h"

G_BEGIN_DECLS

/* How long a process that was only activated waits for something to do, in milliseconds. */
#define DRAY_INACTIVITY_TIMEOUT 10000

struct _DrayApplication
{
  AdwApplication parent_instance;

  DrayService *service; /* NULL without a session bus */
  DrayManager *manager; /* NULL unless it is open, opening or closing */
  gboolean is_open;
  gboolean quitting;
  gboolean taking_over; /* a command is asked for the catalog */
  GSettings *settings;  /* NULL where their schema is not installed */
  guint n_busy;         /* how often the catalog was another's in a row */
  guint busy_source;    /* asks for it again */
  guint idle_source;    /* looks whether a process without a window is still of use */
  GPtrArray *sources;   /* of char *: what waits for the manager */
};

DrayWindow *dray_application_get_window (DrayApplication *self);
void dray_application_add_waiting_sources (DrayApplication *self);

void dray_application_open_catalog (DrayApplication *self);
void dray_application_reopen_catalog (DrayApplication *self);
void dray_application_show_manager (DrayApplication *self, DrayWindow *window);
void dray_application_end (DrayApplication *self);
void dray_application_quit (DrayApplication *self);

void dray_application_change_library (DrayApplication *self, const char *folder);

G_END_DECLS
