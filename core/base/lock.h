/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A mutex and a condition for the little state that threads share.
 *
 * They are pthread's rather than GLib's because ThreadSanitizer knows pthread's, while the
 * distribution's GLib is not built for it and GMutex gives false reports. The annotations are
 * clang's thread safety analysis (-Wthread-safety); other compilers see nothing.
 */

#pragma once

#include <glib.h>
#include <pthread.h>
#include <time.h>

#if defined(__clang__)
#define DRAY_THREAD_ATTRIBUTE(x) __attribute__ ((x))
#else
#define DRAY_THREAD_ATTRIBUTE(x)
#endif

#define DRAY_CAPABILITY(name) DRAY_THREAD_ATTRIBUTE (capability (name))
#define DRAY_ACQUIRES(lock) DRAY_THREAD_ATTRIBUTE (acquire_capability (lock))
#define DRAY_RELEASES(lock) DRAY_THREAD_ATTRIBUTE (release_capability (lock))
#define DRAY_REQUIRES(lock) DRAY_THREAD_ATTRIBUTE (requires_capability (lock))

typedef struct DRAY_CAPABILITY ("mutex")
{
  pthread_mutex_t mutex;
} DrayLock;

typedef struct
{
  pthread_cond_t cond;
} DrayCondition;

static inline void
dray_lock_init (DrayLock *lock)
{
  pthread_mutex_init (&lock->mutex, NULL);
}

static inline void
dray_lock_clear (DrayLock *lock)
{
  pthread_mutex_destroy (&lock->mutex);
}

static inline void
dray_lock_acquire (DrayLock *lock) DRAY_ACQUIRES (lock)
    DRAY_THREAD_ATTRIBUTE (no_thread_safety_analysis)
{
  pthread_mutex_lock (&lock->mutex);
}

static inline void
dray_lock_release (DrayLock *lock) DRAY_RELEASES (lock)
    DRAY_THREAD_ATTRIBUTE (no_thread_safety_analysis)
{
  pthread_mutex_unlock (&lock->mutex);
}

static inline void
dray_condition_init (DrayCondition *condition)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&condition->cond, &attributes);
  pthread_condattr_destroy (&attributes);
}

static inline void
dray_condition_clear (DrayCondition *condition)
{
  pthread_cond_destroy (&condition->cond);
}

static inline void
dray_condition_wait (DrayCondition *condition, DrayLock *lock) DRAY_REQUIRES (lock)
{
  pthread_cond_wait (&condition->cond, &lock->mutex);
}

/* Waits until @deadline, in microseconds of g_get_monotonic_time(), at the longest. */
static inline void
dray_condition_wait_until (DrayCondition *condition,
                           DrayLock *lock,
                           gint64 deadline) DRAY_REQUIRES (lock)
{
  struct timespec time = { deadline / G_USEC_PER_SEC, deadline % G_USEC_PER_SEC * 1000 };

  pthread_cond_timedwait (&condition->cond, &lock->mutex, &time);
}

static inline void
dray_condition_broadcast (DrayCondition *condition)
{
  pthread_cond_broadcast (&condition->cond);
}
