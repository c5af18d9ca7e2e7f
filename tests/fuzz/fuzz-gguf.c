/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/gguf.h"
#include "tests/fuzz/check.h"

/* No type has less than a bit for a number. */
#define PARAMETERS_PER_BYTE 8

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (DrayModelFacts) facts = check_parser (dray_gguf_read, data, size);

  if (facts != NULL && facts->n_unknown_tensors == 0)
    g_assert_cmpuint ((guint64) facts->n_parameters, <=, PARAMETERS_PER_BYTE * size);

  return 0;
}
