/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/extents.h"

/* How many ranges are looked at between two looks at whether the work was cancelled: well below a
 * millisecond's worth. */
#define STRIDE 4096

typedef struct
{
  guint64 start;
  guint64 end;
} Extent;

struct _DrayExtents
{
  GArray *extents; /* of Extent */
  gboolean is_ordered;
  guint64 end;
};

DrayExtents *
dray_extents_new (void)
{
  DrayExtents *extents = g_new0 (DrayExtents, 1);

  extents->extents = g_array_new (FALSE, FALSE, sizeof (Extent));
  extents->is_ordered = TRUE;

  return extents;
}

void
dray_extents_free (DrayExtents *extents)
{
  g_array_unref (extents->extents);
  g_free (extents);
}

/* An empty range stands before one that begins at the same byte. */
static gboolean
is_before (const Extent *a, const Extent *b)
{
  return a->start < b->start || (a->start == b->start && a->end < b->end);
}

/**
 * dray_extents_add:
 * @extents: the ranges
 * @start: a range's first byte
 * @end: one past its last byte; the same for a range without bytes
 */
void
dray_extents_add (DrayExtents *extents, guint64 start, guint64 end)
{
  Extent extent = { start, end };
  guint n = extents->extents->len;

  g_assert (start <= end);

  if (n > 0 && is_before (&extent, &g_array_index (extents->extents, Extent, n - 1)))
    extents->is_ordered = FALSE;
  g_array_append_val (extents->extents, extent);
  extents->end = MAX (extents->end, end);
}

/* One past the last byte of all. */
guint64
dray_extents_get_end (const DrayExtents *extents)
{
  return extents->end;
}

static void
sift_down (Extent *heap, gsize root, gsize n)
{
  Extent moved = heap[root];
  gsize child;

  while ((child = 2 * root + 1) < n)
    {
      if (child + 1 < n && is_before (&heap[child], &heap[child + 1]))
        child++;
      if (!is_before (&moved, &heap[child]))
        break;
      heap[root] = heap[child];
      root = child;
    }
  heap[root] = moved;
}

/* A heapsort, because it can be left in the middle, takes no memory and has no bad case. */
static gboolean
sort (DrayExtents *extents, DrayReader *reader, GError **error)
{
  Extent *heap = (Extent *) (void *) extents->extents->data;
  gsize n = extents->extents->len;

  for (gsize i = n / 2; i-- > 0;)
    {
      sift_down (heap, i, n);
      if (i % STRIDE == 0 && !dray_reader_check_cancelled (reader, error))
        return FALSE;
    }
  for (gsize i = n; i-- > 1;)
    {
      Extent last = heap[0];

      heap[0] = heap[i];
      heap[i] = last;
      sift_down (heap, 0, i);
      if (i % STRIDE == 0 && !dray_reader_check_cancelled (reader, error))
        return FALSE;
    }
  extents->is_ordered = TRUE;

  return TRUE;
}

/**
 * dray_extents_check:
 * @extents: the ranges
 * @gaps_allowed: whether there may be bytes between them, and before the first
 * @reader: whose cancelling ends this
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_MALFORMED_MODEL, %DRAY_ERROR_CANCELLED.
 *
 * Returns: whether no byte belongs to two ranges, and none to no range unless that is allowed
 */
gboolean
dray_extents_check (DrayExtents *extents, gboolean gaps_allowed, DrayReader *reader, GError **error)
{
  guint64 reached = 0;

  if (!extents->is_ordered && !sort (extents, reader, error))
    return FALSE;

  for (guint i = 0; i < extents->extents->len; i++)
    {
      const Extent *extent = &g_array_index (extents->extents, Extent, i);

      if (extent->start < reached)
        return dray_malformed (error, "Two tensors share the byte at %" G_GUINT64_FORMAT,
                               extent->start);
      if (extent->start > reached && !gaps_allowed)
        return dray_malformed (error,
                               "The bytes from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                               " belong to no tensor",
                               reached, extent->start);
      reached = extent->end;
      if (i % STRIDE == 0 && !dray_reader_check_cancelled (reader, error))
        return FALSE;
    }

  return TRUE;
}
