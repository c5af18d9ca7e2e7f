/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A piece: a byte range of an asset, what a connection claims and the catalog records.
 *
 * A plain value that every room above may copy. All four figures are byte offsets in the file, and
 * start <= synced <= written <= end always holds.
 */

#pragma once

#include <glib.h>

/* The size of an asset whose server has not told it. */
#define DRAY_SIZE_UNKNOWN (-1)

/* The end of a piece whose asset's size is unknown. */
#define DRAY_END_UNKNOWN G_MAXINT64

typedef struct
{
  gint64 start;   /* the first byte */
  gint64 end;     /* one past the last byte; DRAY_END_UNKNOWN while the size is not known */
  gint64 written; /* [start, written) was handed to the kernel */
  gint64 synced;  /* [start, synced) survived an fdatasync */
} DrayPiece;
