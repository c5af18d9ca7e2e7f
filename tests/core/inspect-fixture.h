/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Headers of model files, written number by number, and what is asked of them.
 */

#pragma once

#include "core/inspect/inspect.h"

G_BEGIN_DECLS

#define Q(number) ((guint64) (number))

GByteArray *test_bytes (const char *format, ...);
GByteArray *test_safetensors (const char *json, gsize data_size);

DrayModelFacts *test_inspect (GByteArray *bytes, const char *name);
void test_refused (GByteArray *bytes, const char *name, DrayError code, const char *says);
char *test_write_file (const char *name, GByteArray *bytes, gint64 size);

G_END_DECLS
