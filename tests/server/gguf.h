/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The head of a GGUF file (version 3) whose tensors fill a file of a given size.
 *
 * The model is a small llama without a tokeniser. Everything in the head is as the format asks;
 * the tensors' numbers are whatever follows.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The smallest file that has room for every tensor. */
#define DRAY_TEST_GGUF_MIN_SIZE ((gint64) 64 * 1024)

GBytes *dray_test_gguf_header_new (const char *name, gint64 size, gint64 *data_end);

G_END_DECLS
