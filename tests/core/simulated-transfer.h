/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A transfer over a simulated network: the real dispatcher, governor, piece map and retry policy,
 * executed as core/transfer does it, without a thread, a socket or a clock.
 */

#pragma once

#include "tests/core/simulated-network.h"

G_BEGIN_DECLS

/**
 * SimulatedResult:
 * @is_complete: whether every byte came
 * @seconds: how long that took
 * @ideal: how long it had to take, as network_find_ideal() has it
 * @n_wasted: how many bytes were sent in vain
 * @n_asked: how many requests there were
 * @n_refused: how many of them the server refused
 * @n_usual: the median of the number of lanes over time
 */
typedef struct
{
  gboolean is_complete;
  double seconds;
  double ideal;
  double n_wasted;
  guint n_asked;
  guint n_refused;
  guint n_usual;
} SimulatedResult;

SimulatedResult simulate_transfer (const NetworkShape *shape, guint32 seed, guint n_fixed);

G_END_DECLS
