/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * One section of the Downloads page: a list of its own heading, which is the section itself, and
 * of those models that belong there; empty without such models. Knows no widget.
 *
 * The section is in the list that it is, so the flattened sections are what a list view shows.
 */

#pragma once

#include "core/request/model-list.h"

G_BEGIN_DECLS

#define DRAY_TYPE_SECTION (dray_section_get_type ())
G_DECLARE_FINAL_TYPE (DraySection, dray_section, DRAY, SECTION, GObject)

DraySection *dray_section_new (DrayModelSection kind, GListModel *models);
DrayModelSection dray_section_get_kind (DraySection *self);
gint64 dray_section_get_speed (DraySection *self);
guint dray_section_get_n_models (DraySection *self);
gint64 dray_section_get_free_bytes (DraySection *self);
gboolean dray_section_get_held (DraySection *self);

G_END_DECLS
