/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How far a request or a model is, as it is shown. A plain value; the main thread's.
 */

#pragma once

#include "core/request/model.h"

G_BEGIN_DECLS

/**
 * DrayProgress:
 * @state: where it stands
 * @downloaded: bytes
 * @total: bytes; -1 while not known
 * @speed: bytes per second
 * @eta: seconds left; -1 while nobody can tell
 * @wait: seconds until the next attempt; -1 when nothing is waited for
 * @missing: bytes that the drive has too few, while those are waited for and known; else 0
 * @reason: (nullable): what is waited for: "held", or the name of an error
 * @queue_position: how many are to start before it, while it is queued; else -1
 * @caller: (nullable): who asked for it, if it was not this window
 * @also_for: (nullable): the other callers of the same transfer
 * @error: (nullable): why it failed
 * @external: (nullable): the program that keeps the finished file
 * @verified: whether the digest of the finished file was compared with an expected one
 *
 * What there is to say of a request, or of a model of several files. Borrows its strings.
 */
typedef struct
{
  DrayRequestState state;
  gint64 downloaded;
  gint64 total;
  gint64 speed;
  gint64 eta;
  gint64 wait;
  gint64 missing;
  const char *reason;
  gint queue_position;
  const char *caller;
  const char *also_for;
  const GError *error;
  const char *external;
  gboolean verified;
} DrayProgress;

void dray_progress_init_for_request (DrayProgress *progress, DrayRequest *request);
void dray_progress_init_for_model (DrayProgress *progress, DrayModel *model);

G_END_DECLS
