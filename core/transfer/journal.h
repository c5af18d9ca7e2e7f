/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a transfer needs remembered, and by whom is not its business.
 *
 * The transfer calls it in the main thread. It never waits for the answer where bytes
 * move, and always where the next step would be wrong if the machine lost this one.
 */

#pragma once

#include "core/base/file-identity.h"
#include "core/base/piece.h"
#include "core/http/validator.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * DrayJournalPhase:
 * @DRAY_JOURNAL_FETCHING: bytes are missing or not verified
 * @DRAY_JOURNAL_FINISHING: whole, verified and synced; the final name comes next
 * @DRAY_JOURNAL_COMPLETE: the finished file is in its place
 */
typedef enum
{
  DRAY_JOURNAL_FETCHING,
  DRAY_JOURNAL_FINISHING,
  DRAY_JOURNAL_COMPLETE,
} DrayJournalPhase;

/**
 * DrayJournalEntry:
 * @phase: how far the asset is
 * @durable: whether it must outlive a power cut before the answer
 * @name: (nullable): the name of the finished file
 * @total: size in bytes, or %DRAY_SIZE_UNKNOWN
 * @length_proven: whether the server proved that the file ends there
 * @validator: the version of the bytes
 * @identity: of the partial file
 * @sync_failed: whether a sync of it failed
 * @digest_tied: whether only the expected digest ties some of the bytes to the others
 * @sha256: (nullable): of the finished file
 * @pieces: (element-type DrayPiece): all pieces
 * @first_block: the first block whose state is in @blocks
 * @blocks: (element-type DrayDigestState): the states from there on; what was recorded beyond
 *   them counts no more
 *
 * The state of one asset. All of it belongs to the transfer.
 */
typedef struct
{
  DrayJournalPhase phase;
  gboolean durable;
  const char *name;
  gint64 total;
  gboolean length_proven;
  const DrayValidator *validator;
  const DrayFileIdentity *identity;
  gboolean sync_failed;
  gboolean digest_tied;
  const char *sha256;
  GArray *pieces;
  guint first_block;
  GArray *blocks;
} DrayJournalEntry;

#define DRAY_TYPE_JOURNAL (dray_journal_get_type ())
G_DECLARE_INTERFACE (DrayJournal, dray_journal, DRAY, JOURNAL, GObject)

/**
 * DrayJournalInterface:
 * @claim_name: gives a clean name from a suggested one that nothing in the catalog uses in that
 *   folder; @attempt counts from 1 and goes up when a file of that name is on the disk
 * @record_async: writes an entry; entries are written in the order of the calls
 * @record_finish: whether it is written
 */
struct _DrayJournalInterface
{
  GTypeInterface parent_iface;

  char *(*claim_name) (DrayJournal *self, const char *suggested, guint attempt);
  void (*record_async) (DrayJournal *self,
                        const DrayJournalEntry *entry,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
  gboolean (*record_finish) (DrayJournal *self, GAsyncResult *result, GError **error);
};

char *dray_journal_claim_name (DrayJournal *self, const char *suggested, guint attempt);
void dray_journal_record_async (DrayJournal *self,
                                const DrayJournalEntry *entry,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean dray_journal_record_finish (DrayJournal *self, GAsyncResult *result, GError **error);

G_END_DECLS
