/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The Downloads page: sections of cards, or what a first run is told, or why there is no list.
 *
 * Shows a #DrayDownloads and offers the `downloads.` actions on it.
 */

#pragma once

#include "ui/downloads.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define DRAY_TYPE_DOWNLOADS_PAGE (dray_downloads_page_get_type ())
G_DECLARE_FINAL_TYPE (DrayDownloadsPage, dray_downloads_page, DRAY, DOWNLOADS_PAGE, AdwBin)

void dray_downloads_page_set_downloads (DrayDownloadsPage *self, DrayDownloads *downloads);
void dray_downloads_page_set_failure (DrayDownloadsPage *self, const char *message);
DrayDownloads *dray_downloads_page_get_downloads (DrayDownloadsPage *self);
void dray_downloads_page_set_library (DrayDownloadsPage *self,
                                      const char *folder,
                                      gboolean can_change);
const char *dray_downloads_page_get_library (DrayDownloadsPage *self);
void dray_downloads_page_close (DrayDownloadsPage *self);
void dray_downloads_page_show_request (DrayDownloadsPage *self, DrayRequest *request);
void dray_downloads_page_tell (DrayDownloadsPage *self, const char *message);

G_END_DECLS
