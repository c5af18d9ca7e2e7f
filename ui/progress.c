/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/progress.h"

#include "ui/downloads.h"

/**
 * dray_progress_init_for_request:
 * @progress: (out caller-allocates): where it goes
 * @request: a request, whose strings @progress borrows
 */
void
dray_progress_init_for_request (DrayProgress *progress, DrayRequest *request)
{
  const char *caller = dray_request_get_caller (request);

  *progress = (DrayProgress){
    .state = dray_request_get_state (request),
    .downloaded = dray_request_get_downloaded (request),
    .total = dray_request_get_total (request),
    .speed = dray_request_get_speed (request),
    .eta = dray_request_get_eta (request),
    .wait = dray_request_get_wait (request),
    .missing = dray_request_get_missing (request),
    .reason = dray_request_get_reason (request),
    .queue_position = dray_request_get_queue_position (request),
    .caller = g_str_equal (caller, DRAY_WINDOW_CALLER) ? NULL : caller,
    .also_for = dray_request_get_also_for (request),
    .error = dray_request_get_error (request),
    .external = dray_request_get_external (request),
    .verified = dray_request_is_digest_expected (request),
  };
}

/**
 * dray_progress_init_for_model:
 * @progress: (out caller-allocates): where it goes
 * @model: a model, whose strings @progress borrows
 *
 * The sums of the model, and the reason and the error of the request that speaks for it.
 */
void
dray_progress_init_for_model (DrayProgress *progress, DrayModel *model)
{
  guint n_requests = dray_model_get_n_requests (model);

  *progress = (DrayProgress){
    .state = dray_model_get_state (model),
    .downloaded = dray_model_get_downloaded (model),
    .total = dray_model_get_total (model),
    .speed = dray_model_get_speed (model),
    .eta = dray_model_get_eta (model),
    .wait = -1,
    .queue_position = -1,
    .verified = n_requests > 0,
  };

  for (guint i = 0; i < n_requests; i++)
    {
      DrayRequest *request = dray_model_get_request (model, i);

      if (i == 0 || g_strcmp0 (progress->external, dray_request_get_external (request)) != 0)
        progress->external = i == 0 ? dray_request_get_external (request) : NULL;
      progress->verified = progress->verified && dray_request_is_digest_expected (request);
      if (dray_request_get_state (request) != progress->state || progress->reason != NULL)
        continue;

      progress->reason = dray_request_get_reason (request);
      progress->queue_position = dray_request_get_queue_position (request);
      progress->wait = dray_request_get_wait (request);
      progress->missing = dray_request_get_missing (request);
      progress->error = dray_request_get_error (request);
    }
}
