/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * From a link or a file's name to what a person would call the model.
 *
 * Pure; any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DrayModelName:
 * @title: what the model is called, as in "Qwen3 32B"
 * @variant: (nullable): how it is quantised, as in "Q4_K_M"
 * @publisher: (nullable): who publishes it: the account on a hub, else the host
 *
 * The parts of a model's name.
 */
typedef struct
{
  char *title;
  char *variant;
  char *publisher;
} DrayModelName;

void dray_model_name_init_for_link (DrayModelName *name, const char *url);
void dray_model_name_clear (DrayModelName *name);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DrayModelName, dray_model_name_clear)

G_END_DECLS
