/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/transfer/rate-limiter.h"

#include <pthread.h>

#define READ_MAX (256 * 1024)
#define START ((gint64) 1000 * G_USEC_PER_SEC)
#define SPAN (10 * G_USEC_PER_SEC)

#define READERS_MAX 16

/* One that reads: asks for a portion, gets it when the network has it, and waits as it is told. */
typedef struct
{
  DrayRateLimiter *limiter;
  gsize reading; /* the portion that is on its way; 0 while it waits */
  gint64 until;  /* when it has come, or when the wait is over */
  gint64 bytes;
} Reader;

/* Readers on a clock of their own. */
typedef struct
{
  GRand *random;
  Reader readers[READERS_MAX];
  guint n_readers;
  gint64 speed;    /* of the network for each reader, in bytes per second */
  gint64 lateness; /* how late a busy machine may go on after a wait, in microseconds */
  gint64 now;
} Play;

static void
play_init (Play *play, GRand *random, guint n_readers, gint64 speed, gint64 lateness)
{
  *play = (Play){
    .random = random,
    .n_readers = n_readers,
    .speed = speed,
    .lateness = lateness,
    .now = START,
  };
  for (guint i = 0; i < n_readers; i++)
    play->readers[i].until = START;
}

static void
play_clear (Play *play)
{
  for (guint i = 0; i < play->n_readers; i++)
    dray_rate_limiter_unref (play->readers[i].limiter);
}

static gint64
play_wait (Play *play, gint64 wait)
{
  return wait > 0 && play->lateness > 0
             ? wait + g_rand_int_range (play->random, 0, (gint) play->lateness)
             : wait;
}

static void
play_reader (Play *play, Reader *reader)
{
  gint64 wait;

  if (reader->reading == 0)
    {
      reader->reading = dray_rate_limiter_get_portion (reader->limiter, READ_MAX);
      reader->until
          = play->now + 1 + (gint64) reader->reading * G_USEC_PER_SEC / play->speed;
    }
  else
    {
      reader->bytes += (gint64) reader->reading;
      wait = dray_rate_limiter_book (reader->limiter, play->now, reader->reading);
      reader->until = play->now + play_wait (play, wait);
      reader->reading = 0;
    }
}

/* Those who wait measure anew how long, as after a change of the rate. */
static void
play_rate_changed (Play *play)
{
  for (guint i = 0; i < play->n_readers; i++)
    {
      Reader *reader = &play->readers[i];
      gint64 wait = dray_rate_limiter_get_wait (reader->limiter, play->now);

      if (reader->reading == 0 && reader->until > play->now)
        reader->until = play->now + play_wait (play, wait);
    }
}

/* Lets them read until @end; returns how many bytes came. */
static gint64
play_run (Play *play, gint64 end)
{
  gint64 bytes = 0;

  for (guint i = 0; i < play->n_readers; i++)
    bytes -= play->readers[i].bytes;

  for (;;)
    {
      Reader *next = &play->readers[0];

      for (guint i = 1; i < play->n_readers; i++)
        if (play->readers[i].until < next->until)
          next = &play->readers[i];
      if (next->until >= end)
        break;
      play->now = MAX (play->now, next->until);
      play_reader (play, next);
    }
  play->now = end;

  for (guint i = 0; i < play->n_readers; i++)
    bytes += play->readers[i].bytes;
  return bytes;
}

static void
assert_rate (gint64 bytes, gint64 rate)
{
  double part = (double) bytes * G_USEC_PER_SEC / (double) SPAN / (double) rate;

  g_assert_cmpfloat (part, >, 0.97);
  g_assert_cmpfloat (part, <, 1.03);
}

static const gint64 rates[] = {
  50 * 1000,          100 * 1000,       500 * 1000,        1000 * 1000,       5 * 1000 * 1000,
  20 * 1000 * 1000, 100 * 1000 * 1000, 250 * 1000 * 1000, 500 * 1000 * 1000,
};

static const guint reader_counts[] = { 1, 4, 16 };

/* From the first byte on, and again for as long after that, with all of one limit. */
static void
check_accuracy (GRand *random, gint64 rate, guint n_readers, gint64 lateness)
{
  g_autoptr (DrayRateLimiter) all = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, NULL);
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (rate, all);
  Play play;

  play_init (&play, random, n_readers, (gint64) 2000 * 1000 * 1000, lateness);
  for (guint i = 0; i < n_readers; i++)
    play.readers[i].limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);

  assert_rate (play_run (&play, START + SPAN), rate);
  assert_rate (play_run (&play, START + 2 * SPAN), rate);

  /* None of them is left behind. */
  for (guint i = 0; i < n_readers; i++)
    g_assert_cmpint (play.readers[i].bytes, >, 2 * SPAN / G_USEC_PER_SEC * rate / n_readers / 2);
  play_clear (&play);
}

static void
test_accuracy (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    for (guint j = 0; j < G_N_ELEMENTS (reader_counts); j++)
      {
        check_accuracy (random, rates[i], reader_counts[j], 0);
        check_accuracy (random, rates[i], reader_counts[j], 400);
        check_accuracy (random, rates[i], reader_counts[j], 20 * 1000);
      }
}

/* Two transfers below one limit for all: together they have that, the one of them that is limited
 * itself no more than its own, and the other all the rest. */
static void
test_tree (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (2);

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      g_autoptr (DrayRateLimiter) all = dray_rate_limiter_new (rates[i], NULL);
      g_autoptr (DrayRateLimiter) limited = dray_rate_limiter_new (rates[i] / 5, all);
      g_autoptr (DrayRateLimiter) other = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, all);
      gint64 bytes = 0;
      gint64 sum;
      Play play;

      play_init (&play, random, 8, (gint64) 2000 * 1000 * 1000, 400);
      for (guint j = 0; j < 8; j++)
        play.readers[j].limiter
            = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, j < 4 ? limited : other);

      sum = play_run (&play, START + SPAN);
      for (guint j = 0; j < 4; j++)
        bytes += play.readers[j].bytes;
      assert_rate (sum, rates[i]);
      assert_rate (bytes, rates[i] / 5);
      play_clear (&play);
    }
}

/* From any limit to any other, or from none: the new one holds at once, whatever was being read. */
static void
test_live (void)
{
  static const gint64 from[] = { DRAY_RATE_UNLIMITED, 50 * 1000, 20 * 1000 * 1000,
                                 500 * 1000 * 1000 };
  g_autoptr (GRand) random = g_rand_new_with_seed (3);

  for (guint i = 0; i < G_N_ELEMENTS (from); i++)
    for (guint j = 0; j < G_N_ELEMENTS (rates); j++)
      for (guint k = 0; k < G_N_ELEMENTS (reader_counts); k++)
        {
          g_autoptr (DrayRateLimiter) all = dray_rate_limiter_new (from[i], NULL);
          g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, all);
          const gint64 middle = START + 777777;
          gint64 in_flight = 0;
          Play play;

          play_init (&play, random, reader_counts[k], (gint64) 1000 * 1000 * 1000, 400);
          for (guint l = 0; l < play.n_readers; l++)
            play.readers[l].limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);
          play_run (&play, middle);
          for (guint l = 0; l < play.n_readers; l++)
            in_flight += (gint64) play.readers[l].reading;

          dray_rate_limiter_set_rate (all, middle, rates[j]);
          play_rate_changed (&play);
          assert_rate (play_run (&play, middle + SPAN) - in_flight, rates[j]);
          play_clear (&play);
        }
}

/* A network that is too slow for the limit, and then is not: no burst makes up for what it
 * missed. */
static void
test_slow_network (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (4);
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (10 * 1000 * 1000, NULL);
  gint64 bytes;
  Play play;

  play_init (&play, random, 4, 1000 * 1000, 400);
  for (guint i = 0; i < 4; i++)
    play.readers[i].limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);

  bytes = play_run (&play, START + SPAN);
  g_assert_cmpint (bytes, >, 35 * 1000 * 1000);
  g_assert_cmpint (bytes, <=, 40 * 1000 * 1000);
  play.speed = 1000 * 1000 * 1000;
  assert_rate (play_run (&play, START + 2 * SPAN), 10 * 1000 * 1000);
  play_clear (&play);
}

typedef struct
{
  pthread_t thread;
  DrayRateLimiter *limiter;
  gint64 end;
  gint64 bytes;
} Thread;

static void *
read_in_thread (void *data)
{
  Thread *self = data;
  gint64 now;

  while ((now = g_get_monotonic_time ()) < self->end)
    {
      gsize n = dray_rate_limiter_get_portion (self->limiter, READ_MAX);
      gint64 wait = dray_rate_limiter_book (self->limiter, now, n);

      self->bytes += (gint64) n;
      g_usleep ((gulong) MIN (wait, self->end - now));
    }

  return NULL;
}

/* Threads, and a clock that runs: never faster than the limit, while others come and go and the
 * limit changes. How much slower a busy machine makes it says nothing. */
static void
test_threads (void)
{
  const gint64 rate = 20 * 1000 * 1000;
  g_autoptr (DrayRateLimiter) all = dray_rate_limiter_new (rate, NULL);
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, all);
  gint64 start = g_get_monotonic_time ();
  gint64 now = start;
  gint64 bytes = 0;
  Thread threads[READERS_MAX];

  for (guint i = 0; i < READERS_MAX; i++)
    {
      threads[i].limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);
      threads[i].bytes = 0;
      threads[i].end = start + G_USEC_PER_SEC;
      pthread_create (&threads[i].thread, NULL, read_in_thread, &threads[i]);
    }
  for (guint i = 0; now < start + G_USEC_PER_SEC; i++)
    {
      G_GNUC_UNUSED g_autoptr (DrayRateLimiter) another
          = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);

      g_usleep (10000);
      now = g_get_monotonic_time ();
      if (i % 25 == 0)
        dray_rate_limiter_set_rate (all, now, i % 2 == 0 ? rate / 2 : rate);
    }
  for (guint i = 0; i < READERS_MAX; i++)
    {
      pthread_join (threads[i].thread, NULL);
      dray_rate_limiter_unref (threads[i].limiter);
      g_assert_cmpint (threads[i].bytes, >, 0);
      bytes += threads[i].bytes;
    }
  now = g_get_monotonic_time ();

  /* What a read may be ahead of its time, and what is caught up. */
  g_assert_cmpfloat ((double) bytes, <,
                     (double) rate * ((double) (now - start) / G_USEC_PER_SEC + 0.3));
}

static void
test_stall (void)
{
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (1000 * 1000, NULL);
  gint64 now = START;
  gint64 burst = 0;

  dray_rate_limiter_book (limiter, now, 10 * 1000);
  now += (gint64) 3600 * G_USEC_PER_SEC;
  while (dray_rate_limiter_book (limiter, now, 10 * 1000) == 0)
    burst += 10 * 1000;

  g_assert_cmpint (burst, <=, 200 * 1000);
}

static void
test_unlimited (void)
{
  g_autoptr (DrayRateLimiter) all = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, NULL);
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, all);

  g_assert_cmpuint (dray_rate_limiter_get_portion (limiter, READ_MAX), ==, READ_MAX);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint (dray_rate_limiter_book (limiter, 1, READ_MAX), ==, 0);
}

static void
test_portion (void)
{
  static const struct
  {
    gint64 rate;
    guint n_readers;
    gsize most;
    gsize portion;
  } rows[] = {
    { 100, 1, READ_MAX, 256 },
    { 100, 1, 10, 10 },
    { 1000 * 1000, 1, READ_MAX, 50 * 1000 },
    { 1000 * 1000, 5, READ_MAX, 10 * 1000 },
    { 1000 * 1000, 16, READ_MAX, 3125 },
    { 1000 * 1000, 16, 3000, 3000 },
    { 500 * 1000 * 1000, 16, READ_MAX, READ_MAX },
    { G_MAXINT64 / 2, 1, READ_MAX, READ_MAX },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (rows[i].rate, NULL);
      DrayRateLimiter *readers[READERS_MAX] = { NULL };
      gsize alone = dray_rate_limiter_get_portion (limiter, READ_MAX);

      for (guint j = 0; j < rows[i].n_readers; j++)
        readers[j] = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);
      g_assert_cmpuint (dray_rate_limiter_get_portion (readers[0], rows[i].most), ==,
                        rows[i].portion);
      for (guint j = 0; j < rows[i].n_readers; j++)
        dray_rate_limiter_unref (readers[j]);
      g_assert_cmpuint (dray_rate_limiter_get_portion (limiter, READ_MAX), ==, alone);
    }
}

/* The narrowest limit of all above decides. */
static void
test_narrowest (void)
{
  static const gint64 narrow[][2] = { { 2000, 1000 }, { 1000, 2000 }, { 1000, 0 }, { 0, 1000 } };

  for (guint i = 0; i < G_N_ELEMENTS (narrow); i++)
    {
      g_autoptr (DrayRateLimiter) all = dray_rate_limiter_new (narrow[i][0], NULL);
      g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (narrow[i][1], all);
      g_autoptr (DrayRateLimiter) reader = dray_rate_limiter_new (DRAY_RATE_UNLIMITED, limiter);

      g_assert_cmpint (dray_rate_limiter_book (reader, START, 250), ==, G_USEC_PER_SEC / 4);
      g_assert_cmpint (dray_rate_limiter_get_wait (reader, START), ==, G_USEC_PER_SEC / 4);
      g_assert_cmpint (dray_rate_limiter_get_wait (reader, START + G_USEC_PER_SEC), ==, 0);
    }
}

/* What is owed is owed at the better of the two rates, and nothing is owed without a limit. */
static void
test_change (void)
{
  g_autoptr (DrayRateLimiter) limiter = dray_rate_limiter_new (100 * 1000, NULL);
  gint64 now = START;

  for (guint i = 1; i <= 4; i++)
    g_assert_cmpint (dray_rate_limiter_book (limiter, now, 5000), ==, i * G_USEC_PER_SEC / 20);
  now += G_USEC_PER_SEC / 10;
  dray_rate_limiter_set_rate (limiter, now, 200 * 1000);
  g_assert_cmpint (dray_rate_limiter_get_wait (limiter, now), ==, G_USEC_PER_SEC / 20);
  dray_rate_limiter_set_rate (limiter, now, 50 * 1000);
  g_assert_cmpint (dray_rate_limiter_get_wait (limiter, now), ==, G_USEC_PER_SEC / 20);

  /* A read of before the change counts as one of after it. */
  g_assert_cmpint (dray_rate_limiter_book (limiter, now, READ_MAX), ==, G_USEC_PER_SEC / 10);

  dray_rate_limiter_set_rate (limiter, now, DRAY_RATE_UNLIMITED);
  g_assert_cmpint (dray_rate_limiter_get_wait (limiter, now), ==, 0);
  g_assert_cmpint (dray_rate_limiter_book (limiter, now, READ_MAX), ==, 0);
  g_assert_cmpuint (dray_rate_limiter_get_portion (limiter, READ_MAX), ==, READ_MAX);

  /* Neither is what came without a limit paid for afterwards, nor is any of it missed. */
  now += G_USEC_PER_SEC;
  dray_rate_limiter_set_rate (limiter, now, 200 * 1000);
  g_assert_cmpint (dray_rate_limiter_book (limiter, now, 10 * 1000), ==, G_USEC_PER_SEC / 20);
  now += G_USEC_PER_SEC;
  dray_rate_limiter_set_rate (limiter, now, 100 * 1000);
  g_assert_cmpint (dray_rate_limiter_book (limiter, now, 5000), ==, G_USEC_PER_SEC / 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rate-limiter/accuracy", test_accuracy);
  g_test_add_func ("/rate-limiter/tree", test_tree);
  g_test_add_func ("/rate-limiter/live", test_live);
  g_test_add_func ("/rate-limiter/slow-network", test_slow_network);
  g_test_add_func ("/rate-limiter/threads", test_threads);
  g_test_add_func ("/rate-limiter/stall", test_stall);
  g_test_add_func ("/rate-limiter/unlimited", test_unlimited);
  g_test_add_func ("/rate-limiter/portion", test_portion);
  g_test_add_func ("/rate-limiter/narrowest", test_narrowest);
  g_test_add_func ("/rate-limiter/change", test_change);

  return g_test_run ();
}
