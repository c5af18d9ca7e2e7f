/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/journal.h"

G_DEFINE_INTERFACE (DrayJournal, dray_journal, G_TYPE_OBJECT)

static void
dray_journal_default_init (G_GNUC_UNUSED DrayJournalInterface *iface)
{
}

/**
 * dray_journal_claim_name:
 * @self: a journal
 * @suggested: what the server or the link calls the file
 * @attempt: 1, then one more each time the name was found on the disk
 *
 * Returns: (transfer full): a name that is safe and, as far as the catalog knows, free
 */
char *
dray_journal_claim_name (DrayJournal *self, const char *suggested, guint attempt)
{
  g_assert (DRAY_IS_JOURNAL (self));

  return DRAY_JOURNAL_GET_IFACE (self)->claim_name (self, suggested, attempt);
}

/**
 * dray_journal_record_async:
 * @self: a journal
 * @entry: (transfer none): the state of the asset, copied before the call returns
 * @callback: (nullable): called in the main thread when the entry is written
 * @user_data: for @callback
 */
void
dray_journal_record_async (DrayJournal *self,
                           const DrayJournalEntry *entry,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_assert (DRAY_IS_JOURNAL (self));

  DRAY_JOURNAL_GET_IFACE (self)->record_async (self, entry, callback, user_data);
}

/**
 * dray_journal_record_finish:
 * @self: a journal
 * @result: as given to the callback
 * @error: return location for a #GError
 *
 * Returns: whether the entry is written
 */
gboolean
dray_journal_record_finish (DrayJournal *self, GAsyncResult *result, GError **error)
{
  g_assert (DRAY_IS_JOURNAL (self));

  return DRAY_JOURNAL_GET_IFACE (self)->record_finish (self, result, error);
}
