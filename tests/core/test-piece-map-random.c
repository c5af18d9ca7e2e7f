/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Random operations against an oracle, and many threads at once. */

#include "core/transfer/piece-map.h"

#include <string.h>

/* A map of bytes, one by one, that random operations are checked against. */

#define ORACLE_SIZE 160
#define ORACLE_CLAIMS 6

typedef struct
{
  guint id; /* DRAY_CLAIM_NONE for a free slot */
  gint64 position;
  gint64 end;
  gboolean stopped;
} OracleClaim;

typedef struct
{
  gint64 total;
  gboolean written[ORACLE_SIZE];
  gboolean synced[ORACLE_SIZE];
  OracleClaim claims[ORACLE_CLAIMS];
  guint last_id;
  gboolean snapshot_valid;
  gboolean snapshot_written[ORACLE_SIZE];
} Oracle;

static gint64
oracle_size (const Oracle *oracle)
{
  return oracle->total == DRAY_SIZE_UNKNOWN ? ORACLE_SIZE : oracle->total;
}

static gboolean
oracle_is_owned (const Oracle *oracle, gint64 byte)
{
  for (guint i = 0; i < ORACLE_CLAIMS; i++)
    {
      const OracleClaim *claim = &oracle->claims[i];

      if (claim->id != DRAY_CLAIM_NONE && !claim->stopped && claim->position <= byte
          && byte < claim->end)
        return TRUE;
    }

  return FALSE;
}

static gboolean
oracle_is_free (const Oracle *oracle, gint64 byte)
{
  return !oracle->written[byte] && !oracle_is_owned (oracle, byte);
}

static OracleClaim *
oracle_free_slot (Oracle *oracle)
{
  for (guint i = 0; i < ORACLE_CLAIMS; i++)
    if (oracle->claims[i].id == DRAY_CLAIM_NONE)
      return &oracle->claims[i];

  return NULL;
}

static OracleClaim *
oracle_random_claim (Oracle *oracle)
{
  OracleClaim *claim = &oracle->claims[g_test_rand_int_range (0, ORACLE_CLAIMS)];

  return claim->id != DRAY_CLAIM_NONE ? claim : NULL;
}

static void
oracle_adopt (Oracle *oracle, OracleClaim *slot, const DrayClaim *claim)
{
  g_assert_cmpuint (claim->id, >, oracle->last_id);
  oracle->last_id = claim->id;
  *slot = (OracleClaim){ claim->id, claim->start, claim->end, FALSE };
}

static void
step_claim (Oracle *oracle, DrayPieceMap *map)
{
  gint64 size = oracle_size (oracle);
  gint64 limit = g_test_rand_int_range (0, 3) == 0 ? 0 : g_test_rand_int_range (1, 40);
  gint64 start = 0;
  gint64 end;
  OracleClaim *slot = oracle_free_slot (oracle);
  DrayClaim claim;

  if (slot == NULL)
    return;

  while (start < size && !oracle_is_free (oracle, start))
    start++;
  if (start == size && (oracle->total != DRAY_SIZE_UNKNOWN || limit == 0))
    {
      if (oracle->total != DRAY_SIZE_UNKNOWN)
        g_assert_false (dray_piece_map_claim (map, limit, &claim));
      return;
    }
  if (start + limit >= size && oracle->total == DRAY_SIZE_UNKNOWN)
    return;

  for (end = start + 1; end < size && oracle_is_free (oracle, end); end++)
    ;
  if (end == ORACLE_SIZE && oracle->total == DRAY_SIZE_UNKNOWN
      && !oracle_is_owned (oracle, ORACLE_SIZE))
    end = DRAY_END_UNKNOWN;
  if (limit > 0 && end - start > limit)
    end = start + limit;

  g_assert_true (dray_piece_map_claim (map, limit, &claim));
  g_assert_cmpint (claim.start, ==, start);
  g_assert_cmpint (claim.end, ==, end);
  oracle_adopt (oracle, slot, &claim);
}

static void
step_advance (Oracle *oracle, DrayPieceMap *map)
{
  OracleClaim *claim = oracle_random_claim (oracle);
  gint64 n = g_test_rand_int_range (0, 30);
  gint64 end;

  if (claim == NULL)
    return;

  if (!claim->stopped && claim->end == DRAY_END_UNKNOWN)
    n = MIN (n, ORACLE_SIZE - claim->position);

  end = dray_piece_map_advance (map, claim->id, n);
  if (claim->stopped)
    {
      g_assert_cmpint (end, <=, claim->position);
      return;
    }

  g_assert_cmpint (end, ==, claim->end);
  for (; n > 0 && claim->position < claim->end; n--)
    oracle->written[claim->position++] = TRUE;
}

static void
step_split (Oracle *oracle, DrayPieceMap *map)
{
  OracleClaim *claim = oracle_random_claim (oracle);
  gint64 at = g_test_rand_int_range (0, ORACLE_SIZE);
  gboolean possible;

  if (claim == NULL)
    return;

  possible = !claim->stopped && claim->position < at && at < claim->end;
  g_assert_cmpint (dray_piece_map_split (map, claim->id, at), ==, possible);
  if (possible)
    claim->end = at;
}

/* Of another claim at least one byte is left; of nobody's bytes none need be. */
static void
step_take (Oracle *oracle, DrayPieceMap *map)
{
  OracleClaim *victim = g_test_rand_int_range (0, 3) == 0 ? NULL : oracle_random_claim (oracle);
  OracleClaim *slot = oracle_free_slot (oracle);
  gint64 size = oracle_size (oracle);
  gint64 start = g_test_rand_int_range (0, ORACLE_SIZE);
  gint64 end = start + g_test_rand_int_range (1, 60);
  gint64 victim_end;
  gboolean possible;
  DrayClaim claim;

  if (slot == NULL || end >= size)
    return;

  if (victim == NULL)
    {
      possible = oracle_is_free (oracle, start);
      for (victim_end = start + 1; victim_end < size && oracle_is_free (oracle, victim_end);
           victim_end++)
        ;
    }
  else
    {
      possible = !victim->stopped && victim->position < start && start < victim->end;
      victim_end = victim->end;
    }

  g_assert_cmpint (
      dray_piece_map_take (map, victim == NULL ? DRAY_CLAIM_NONE : victim->id, start, end, &claim),
      ==, possible);
  if (!possible)
    return;

  g_assert_cmpint (claim.start, ==, start);
  g_assert_cmpint (claim.end, ==, MIN (end, victim_end));
  if (victim != NULL)
    victim->end = start;
  oracle_adopt (oracle, slot, &claim);
}

/* A claim that is filled may be known still, or not, once its end has been taken back. */
static void
check_claims (const Oracle *oracle, DrayPieceMap *map)
{
  for (guint i = 0; i < ORACLE_CLAIMS; i++)
    {
      const OracleClaim *claim = &oracle->claims[i];
      gint64 written, end;
      gboolean is_known = dray_piece_map_get_claim (map, claim->id, &written, &end);

      if (claim->id != DRAY_CLAIM_NONE && !claim->stopped)
        {
          g_assert_true (is_known);
          g_assert_cmpint (written, ==, claim->position);
          g_assert_cmpint (end, ==, claim->end);
        }
      else
        {
          g_assert_cmpint (written, ==, end);
          g_assert_true (is_known ? claim->id != DRAY_CLAIM_NONE : end == 0);
        }
    }
}

static void
step_release (Oracle *oracle, DrayPieceMap *map)
{
  OracleClaim *claim = oracle_random_claim (oracle);

  if (claim == NULL)
    return;

  dray_piece_map_release (map, claim->id);
  g_assert_cmpint (dray_piece_map_get_claim_end (map, claim->id), ==, 0);
  claim->id = DRAY_CLAIM_NONE;
}

static void
step_invalidate (Oracle *oracle, DrayPieceMap *map)
{
  OracleClaim *slot = oracle_free_slot (oracle);
  gint64 start = g_test_rand_int_range (0, ORACLE_SIZE);
  gint64 end = start + g_test_rand_int_range (0, 40);
  DrayClaim held;

  if (slot == NULL || end > ORACLE_SIZE)
    return;

  if (start == end || end > oracle_size (oracle))
    {
      g_assert_false (dray_piece_map_invalidate (map, start, end, &held));
      return;
    }

  for (guint i = 0; i < ORACLE_CLAIMS; i++)
    {
      OracleClaim *claim = &oracle->claims[i];

      if (claim->position < start)
        claim->end = MIN (claim->end, start);
      else if (claim->position < end)
        claim->stopped = TRUE;
      else if (claim->position == end && claim->end == end)
        claim->stopped = TRUE;
    }
  for (gint64 byte = start; byte < end; byte++)
    oracle->written[byte] = oracle->synced[byte] = FALSE;
  oracle->snapshot_valid = FALSE;

  g_assert_true (dray_piece_map_invalidate (map, start, end, &held));
  g_assert_cmpint (held.start, ==, start);
  g_assert_cmpint (held.end, ==, end);
  oracle_adopt (oracle, slot, &held);
}

static void
step_set_total (Oracle *oracle, DrayPieceMap *map)
{
  gint64 total = g_test_rand_int_range (ORACLE_SIZE / 2, ORACLE_SIZE);
  gboolean possible = oracle->total == DRAY_SIZE_UNKNOWN;

  for (gint64 byte = total; byte < ORACLE_SIZE; byte++)
    possible = possible && !oracle->written[byte];

  if (oracle->total == total)
    possible = TRUE;
  g_assert_cmpint (dray_piece_map_set_total (map, total), ==, possible);
  if (!possible || oracle->total == total)
    return;

  oracle->total = total;
  for (guint i = 0; i < ORACLE_CLAIMS; i++)
    {
      OracleClaim *claim = &oracle->claims[i];

      if (claim->position >= total)
        claim->stopped = TRUE;
      else
        claim->end = MIN (claim->end, total);
    }
}

/* A piece knows its synced bytes as one run: what is synced behind a gap in it is not recorded. */
static void
oracle_mark_synced (Oracle *oracle, DrayPieceMap *map)
{
  guint epoch;
  g_autoptr (GArray) pieces = dray_piece_map_snapshot (map, &epoch);

  if (!oracle->snapshot_valid)
    return;

  for (guint byte = 0; byte < ORACLE_SIZE; byte++)
    oracle->synced[byte] |= oracle->snapshot_written[byte];

  for (guint i = 0; i < pieces->len; i++)
    {
      const DrayPiece *piece = &g_array_index (pieces, DrayPiece, i);
      gint64 end = MIN (piece->end, ORACLE_SIZE);

      for (gint64 byte = piece->start + 1; byte < end; byte++)
        oracle->synced[byte] &= oracle->synced[byte - 1];
    }
}

static void
check_against_oracle (const Oracle *oracle, DrayPieceMap *map)
{
  guint epoch;
  g_autoptr (GArray) pieces = dray_piece_map_snapshot (map, &epoch);
  gint64 expected_start = 0;
  gint64 n_written = 0;
  gint64 front = 0;

  for (guint i = 0; i < pieces->len; i++)
    {
      const DrayPiece *piece = &g_array_index (pieces, DrayPiece, i);

      g_assert_cmpint (piece->start, ==, expected_start);
      g_assert_cmpint (piece->start, <, piece->end);
      for (gint64 byte = piece->start; byte < MIN (piece->end, ORACLE_SIZE); byte++)
        {
          g_assert_cmpint (byte < piece->written, ==, oracle->written[byte]);
          g_assert_cmpint (byte < piece->synced, ==, oracle->synced[byte]);
        }
      expected_start = piece->end;
    }
  g_assert_cmpint (expected_start, ==,
                   oracle->total == DRAY_SIZE_UNKNOWN ? DRAY_END_UNKNOWN : oracle->total);

  for (gint64 byte = 0; byte < ORACLE_SIZE; byte++)
    {
      n_written += oracle->written[byte];
      if (oracle->written[byte] && front == byte)
        front++;
    }
  g_assert_cmpint (dray_piece_map_get_written (map), ==, n_written);
  g_assert_cmpint (dray_piece_map_get_front (map), ==, front);
  for (gint64 byte = ORACLE_SIZE - 1, end = ORACLE_SIZE; byte >= 0; byte--)
    {
      if (!oracle->written[byte])
        end = byte;
      g_assert_cmpint (dray_piece_map_get_run_end (map, byte), ==, end);
    }
  g_assert_cmpint (dray_piece_map_is_complete (map), ==, n_written == oracle->total);
}

static void
run_random_steps (gint64 total, guint n_steps)
{
  g_autoptr (DrayPieceMap) map = dray_piece_map_new (total);
  g_autoptr (GArray) snapshot = NULL;
  Oracle oracle = { .total = total };
  guint epoch = 0;

  for (guint i = 0; i < n_steps; i++)
    {
      gint32 dice = g_test_rand_int_range (0, 100);

      if (dice < 25)
        step_claim (&oracle, map);
      else if (dice < 60)
        step_advance (&oracle, map);
      else if (dice < 64)
        step_split (&oracle, map);
      else if (dice < 68)
        step_take (&oracle, map);
      else if (dice < 80)
        step_release (&oracle, map);
      else if (dice < 83)
        step_invalidate (&oracle, map);
      else if (dice < 84)
        step_set_total (&oracle, map);
      else if (dice < 92)
        {
          g_clear_pointer (&snapshot, g_array_unref);
          snapshot = dray_piece_map_snapshot (map, &epoch);
          memcpy (oracle.snapshot_written, oracle.written, sizeof oracle.written);
          oracle.snapshot_valid = TRUE;
        }
      else if (snapshot != NULL)
        {
          dray_piece_map_mark_synced (map, snapshot, epoch);
          oracle_mark_synced (&oracle, map);
        }
      check_against_oracle (&oracle, map);
      check_claims (&oracle, map);
    }
}

static void
test_random_steps (void)
{
  for (guint i = 0; i < 60; i++)
    {
      run_random_steps (g_test_rand_int_range (1, ORACLE_SIZE + 1), 400);
      run_random_steps (DRAY_SIZE_UNKNOWN, 400);
    }
}

/* Several connections, a thief, and somebody who syncs, all at once. */

#define SHARED_TOTAL 400000
#define N_CONNECTIONS 4

typedef struct
{
  DrayPieceMap *map;
  gint fetched[SHARED_TOTAL]; /* atomic: how often each byte was fetched */
  guint last_claim;           /* atomic */
} Shared;

static gpointer
connection_thread (gpointer data)
{
  Shared *shared = data;
  DrayClaim claim;

  while (!dray_piece_map_is_complete (shared->map))
    {
      gint64 end;
      guint n_reports = 0;

      if (!dray_piece_map_claim (shared->map, 5000, &claim))
        {
          g_thread_yield ();
          continue;
        }
      g_atomic_int_set (&shared->last_claim, claim.id);
      end = claim.end;
      for (gint64 position = claim.start; position < end && n_reports < 40; n_reports++)
        {
          gint64 n = MIN (97, end - position);

          for (gint64 i = 0; i < n; i++)
            g_atomic_int_inc (&shared->fetched[position + i]);
          position += n;
          end = dray_piece_map_advance (shared->map, claim.id, n);
        }
      dray_piece_map_release (shared->map, claim.id);
    }

  return NULL;
}

static gpointer
thief_thread (gpointer data)
{
  Shared *shared = data;

  while (!dray_piece_map_is_complete (shared->map))
    {
      guint victim = g_atomic_int_get (&shared->last_claim);
      gint64 end = dray_piece_map_get_claim_end (shared->map, victim);

      dray_piece_map_split (shared->map, victim, end - 150);
      g_thread_yield ();
    }

  return NULL;
}

static void
sync_all (DrayPieceMap *map)
{
  guint epoch;
  g_autoptr (GArray) pieces = dray_piece_map_snapshot (map, &epoch);

  dray_piece_map_mark_synced (map, pieces, epoch);
}

static gpointer
sync_thread (gpointer data)
{
  Shared *shared = data;

  while (!dray_piece_map_is_complete (shared->map))
    {
      sync_all (shared->map);
      g_thread_yield ();
    }
  sync_all (shared->map);

  return NULL;
}

static void
test_threads (void)
{
  g_autofree Shared *shared = g_new0 (Shared, 1);
  g_autoptr (GArray) pieces = NULL;
  GThread *threads[N_CONNECTIONS + 2];

  shared->map = dray_piece_map_new (SHARED_TOTAL);
  for (guint i = 0; i < N_CONNECTIONS; i++)
    threads[i] = g_thread_new ("connection", connection_thread, shared);
  threads[N_CONNECTIONS] = g_thread_new ("thief", thief_thread, shared);
  threads[N_CONNECTIONS + 1] = g_thread_new ("sync", sync_thread, shared);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  for (guint i = 0; i < SHARED_TOTAL; i++)
    g_assert_cmpint (shared->fetched[i], >, 0);
  pieces = dray_piece_map_snapshot (shared->map, NULL);
  g_assert_cmpuint (pieces->len, ==, 1);
  g_assert_cmpint (g_array_index (pieces, DrayPiece, 0).synced, ==, SHARED_TOTAL);
  dray_piece_map_free (shared->map);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/piece-map/random-steps", test_random_steps);
  g_test_add_func ("/piece-map/threads", test_threads);

  return g_test_run ();
}
