/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The bytes on disk before an asset is complete: `<name>.part` beside where `<name>` will be.
 *
 * Connections write and the hasher reads at offsets, each in its own thread; all else is for the
 * disk thread, since it can take long. The file and its folder are held open, so that nothing that
 * happens to the path meanwhile can lead a write elsewhere; a symbolic link is never followed.
 * Reference counted, since a sync may still run when the transfer has ended.
 */

#pragma once

#include "core/base/file-identity.h"
#include "core/library/drive.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DRAY_PARTIAL_SUFFIX ".part"

typedef struct _DrayPartialFile DrayPartialFile;

/**
 * DrayPartialPresence:
 * @DRAY_PARTIAL_PRESENT: the partial file is there
 * @DRAY_PARTIAL_FINISHED: there is no partial file, and the file under the final name is the one
 *   that the identity names
 * @DRAY_PARTIAL_ABSENT: neither
 */
typedef enum
{
  DRAY_PARTIAL_PRESENT,
  DRAY_PARTIAL_FINISHED,
  DRAY_PARTIAL_ABSENT,
} DrayPartialPresence;

gboolean dray_partial_file_check_room (const char *directory,
                                       gint64 total,
                                       gint64 promised,
                                       GError **error);
gboolean dray_partial_file_is_name_free (const char *directory,
                                         const char *name,
                                         gboolean *name_free,
                                         GError **error);
DrayPartialFile *dray_partial_file_create (const char *directory,
                                           const char *name,
                                           const char *boot_id,
                                           gboolean *name_taken,
                                           GError **error);
DrayPartialFile *dray_partial_file_open (const char *directory,
                                         const char *name,
                                         const char *boot_id,
                                         gboolean *missing,
                                         GError **error);
DrayPartialFile *dray_partial_file_ref (DrayPartialFile *file);
void dray_partial_file_unref (DrayPartialFile *file);

const DrayFileIdentity *dray_partial_file_get_identity (DrayPartialFile *file);
gboolean dray_partial_file_is_on_fixed_drive (DrayPartialFile *file);
gint64 dray_partial_file_get_size (DrayPartialFile *file);

gboolean dray_partial_file_reserve (DrayPartialFile *file,
                                    gint64 total,
                                    gint64 promised,
                                    GError **error);
gboolean dray_partial_file_write (DrayPartialFile *file,
                                  gint64 offset,
                                  gconstpointer bytes,
                                  gsize n_bytes,
                                  GError **error);
gssize dray_partial_file_read (DrayPartialFile *file,
                               gint64 offset,
                               gpointer buffer,
                               gsize size,
                               GError **error);
gboolean dray_partial_file_cut (DrayPartialFile *file, gint64 size, GError **error);
gboolean dray_partial_file_sync (DrayPartialFile *file, GError **error);
gboolean dray_partial_file_finish (DrayPartialFile *file, gboolean *named, GError **error);

gboolean dray_partial_file_sync_directory (const char *directory, GError **error);
gboolean dray_partial_file_discard (const char *directory, const char *name, GError **error);
DrayPartialPresence dray_partial_file_find (const char *directory,
                                            const char *name,
                                            const DrayFileIdentity *identity,
                                            gint64 *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayPartialFile, dray_partial_file_unref)

G_END_DECLS
