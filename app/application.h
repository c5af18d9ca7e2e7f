/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The application: one process on the session bus, which owns the manager and shows the window.
 *
 * Sources that a second process is given go to the first. The main thread's.
 */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define DRAY_TYPE_APPLICATION (dray_application_get_type ())
G_DECLARE_FINAL_TYPE (DrayApplication, dray_application, DRAY, APPLICATION, AdwApplication)

int dray_application_run (int argc, char **argv);

G_END_DECLS
