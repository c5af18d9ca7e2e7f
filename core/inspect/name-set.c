/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/name-set.h"

#include <nettle/sha2.h>
#include <string.h>

#define FIRST_CAPACITY 64

typedef struct
{
  guint64 words[2]; /* both 0 where there is no name */
} Slot;

/* Open addressing; at most half of the slots are taken. */
struct _DrayNameSet
{
  guint32 seed[2];
  Slot *slots;
  gsize capacity; /* a power of two */
  gsize n_names;
};

DrayNameSet *
dray_name_set_new (void)
{
  DrayNameSet *set = g_new0 (DrayNameSet, 1);

  set->seed[0] = g_random_int ();
  set->seed[1] = g_random_int ();
  set->capacity = FIRST_CAPACITY;
  set->slots = g_new0 (Slot, set->capacity);

  return set;
}

void
dray_name_set_free (DrayNameSet *set)
{
  g_free (set->slots);
  g_free (set);
}

static Slot
slot_for (const DrayNameSet *set, const char *name, gsize length)
{
  struct sha256_ctx context;
  Slot slot;

  sha256_init (&context);
  sha256_update (&context, sizeof set->seed, (const guint8 *) set->seed);
  sha256_update (&context, length, (const guint8 *) name);
  sha256_digest (&context, sizeof slot, (guint8 *) &slot);

  return slot;
}

static gboolean
insert (Slot *slots, gsize capacity, const Slot *slot)
{
  gsize i = (gsize) slot->words[0] & (capacity - 1);

  while (slots[i].words[0] != 0 || slots[i].words[1] != 0)
    {
      if (memcmp (&slots[i], slot, sizeof *slot) == 0)
        return FALSE;
      i = (i + 1) & (capacity - 1);
    }
  slots[i] = *slot;

  return TRUE;
}

static void
grow (DrayNameSet *set)
{
  gsize capacity = 2 * set->capacity;
  Slot *slots = g_new0 (Slot, capacity);

  for (gsize i = 0; i < set->capacity; i++)
    if (set->slots[i].words[0] != 0 || set->slots[i].words[1] != 0)
      insert (slots, capacity, &set->slots[i]);

  g_free (set->slots);
  set->slots = slots;
  set->capacity = capacity;
}

/**
 * dray_name_set_add:
 * @set: a set
 * @name: a name
 * @length: its length in bytes
 *
 * Returns: whether the name is new
 */
gboolean
dray_name_set_add (DrayNameSet *set, const char *name, gsize length)
{
  Slot slot = slot_for (set, name, length);

  if (2 * (set->n_names + 1) > set->capacity)
    grow (set);
  if (!insert (set->slots, set->capacity, &slot))
    return FALSE;

  set->n_names++;
  return TRUE;
}
