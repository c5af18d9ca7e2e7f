/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The look for a file of a known digest on this machine, before it is fetched: among the files that
 * Dray has finished, and in the stores of other programs, where the digest of what is found is
 * computed.
 *
 * A download job owns one, for as long as it takes; the main thread's.
 */

#pragma once

#include "core/request/engine.h"

G_BEGIN_DECLS

#define DRAY_TYPE_ALREADY_HERE (dray_already_here_get_type ())
G_DECLARE_FINAL_TYPE (DrayAlreadyHere, dray_already_here, DRAY, ALREADY_HERE, GObject)

gboolean dray_already_here_is_sensible (const DrayStoredAsset *asset);
DrayAlreadyHere *dray_already_here_new (DrayEngine *engine, const DrayStoredAsset *asset);
void dray_already_here_run_async (DrayAlreadyHere *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean dray_already_here_run_finish (DrayAlreadyHere *self,
                                       GAsyncResult *result,
                                       GError **error);
gint64 dray_already_here_adopt (DrayAlreadyHere *self, const DrayStoredAsset *asset);
gboolean dray_already_here_sample (DrayAlreadyHere *self, DrayTransferProgress *progress);

G_END_DECLS
