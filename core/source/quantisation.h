/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What names say of how a model is quantised, as in "UD-Q4_K_XL". Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean dray_quantisation_is (const char *text);
char *dray_quantisation_find_last (const char *text);

G_END_DECLS
