/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What holds of every file that a parser is given, whatever is in it.
 */

#pragma once

#include "core/inspect/facts.h"
#include "core/inspect/reader.h"

G_BEGIN_DECLS

typedef DrayModelFacts *(*DrayParser) (DrayReader *reader, GError **error);

/* Returns: (transfer full) (nullable): what the parser made of the file */
static inline DrayModelFacts *
check_parser (DrayParser parse, const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (DrayReader) reader = dray_reader_new_for_bytes (bytes, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DrayModelFacts) facts = parse (reader, &error);

  if (facts == NULL)
    {
      g_assert_nonnull (error);
      g_assert_true (error->domain == DRAY_ERROR);
      g_assert_true (error->code == DRAY_ERROR_MALFORMED_MODEL
                     || error->code == DRAY_ERROR_UNSUPPORTED);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return NULL;
    }

  g_assert_no_error (error);
  g_assert_cmpint (facts->size, ==, (gint64) size);
  g_assert_cmpint (facts->n_unknown_tensors, <=, facts->n_tensors);
  g_assert_cmpint (facts->n_parameters, >=, 0);
  g_assert_true (facts->name == NULL || g_utf8_validate (facts->name, -1, NULL));
  g_assert_true (facts->architecture == NULL || g_utf8_validate (facts->architecture, -1, NULL));

  return g_steal_pointer (&facts);
}

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

G_END_DECLS
