/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/safetensors.h"
#include "tests/fuzz/check.h"

#include <string.h>

#define LENGTH_SIZE sizeof (guint64)

/* The shortest numbers have four bits. */
#define PARAMETERS_PER_BYTE 2

gsize LLVMFuzzerMutate (guint8 *data, gsize size, gsize max_size);
gsize LLVMFuzzerCustomMutator (guint8 *data, gsize size, gsize max_size, guint seed);

/* How long the header is said to be, or all that follows if it is not as long as that. */
static gsize
header_length (const guint8 *data, gsize size)
{
  guint64 length;

  memcpy (&length, data, sizeof length);

  return (gsize) MIN (GUINT64_FROM_LE (length), size - sizeof length);
}

/* A change of the header seldom leaves it as long as it was said to be, and would not get past that
 * length. So it is put right, except now and then. */
gsize
LLVMFuzzerCustomMutator (guint8 *data, gsize size, gsize max_size, guint seed)
{
  g_autofree guint8 *rest = NULL;
  gsize length, rest_size;
  guint64 little;

  if (seed % 4 == 0 || size < LENGTH_SIZE + 2 || max_size <= size)
    return LLVMFuzzerMutate (data, size, max_size);

  length = header_length (data, size);
  rest_size = size - LENGTH_SIZE - length;
  rest = g_memdup2 (data + LENGTH_SIZE + length, rest_size);
  length = LLVMFuzzerMutate (data + LENGTH_SIZE, length, max_size - LENGTH_SIZE - rest_size);
  if (rest_size > 0)
    memcpy (data + LENGTH_SIZE + length, rest, rest_size);
  little = GUINT64_TO_LE ((guint64) length);
  memcpy (data, &little, sizeof little);

  return LENGTH_SIZE + length + rest_size;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (DrayModelFacts) facts = check_parser (dray_safetensors_read, data, size);

  if (facts != NULL && facts->n_unknown_tensors == 0)
    {
      gsize data_size = size - LENGTH_SIZE - header_length (data, size);

      g_assert_cmpuint ((guint64) facts->n_parameters, <=, PARAMETERS_PER_BYTE * data_size);
    }

  return 0;
}
