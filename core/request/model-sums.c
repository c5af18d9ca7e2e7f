/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/request/model-sums.h"

#include "core/base/piece.h"

static const GEnumValue section_values[] = {
  { DRAY_MODEL_IN_PROGRESS, "DRAY_MODEL_IN_PROGRESS", "in-progress" },
  { DRAY_MODEL_NEEDS_YOU, "DRAY_MODEL_NEEDS_YOU", "needs-you" },
  { DRAY_MODEL_PAUSED, "DRAY_MODEL_PAUSED", "paused" },
  { DRAY_MODEL_FINISHED, "DRAY_MODEL_FINISHED", "finished" },
  { 0, NULL, NULL },
};

GType
dray_model_section_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("DrayModelSection", section_values));

  return type;
}

/* Which of two requests speaks for their model, or for their transfer: the higher. */
static guint
get_weight (DrayRequestState state)
{
  static const guint8 weights[] = {
    [DRAY_REQUEST_DOWNLOADING] = 10, [DRAY_REQUEST_VERIFYING] = 9, [DRAY_REQUEST_LOADING] = 8,
    [DRAY_REQUEST_WAITING] = 7,      [DRAY_REQUEST_CONNECTING] = 6, [DRAY_REQUEST_RESOLVING] = 5,
    [DRAY_REQUEST_QUEUED] = 4,       [DRAY_REQUEST_FAILED] = 3,     [DRAY_REQUEST_PAUSED] = 2,
    [DRAY_REQUEST_COMPLETED] = 1,    [DRAY_REQUEST_DISCARDED] = 0,
  };

  return weights[state];
}

static void
add (DrayModelSums *sums, DrayRequest *request)
{
  gint64 total = dray_request_get_total (request);

  sums->n_files++;
  sums->downloaded += dray_request_get_downloaded (request);
  sums->speed += dray_request_get_speed (request);
  sums->eta = MAX (sums->eta, dray_request_get_eta (request));
  if (total == DRAY_SIZE_UNKNOWN || sums->total == DRAY_SIZE_UNKNOWN)
    sums->total = DRAY_SIZE_UNKNOWN;
  else
    sums->total += total;
}

/* Takes @request for its transfer unless another one knows more of it. */
static void
elect (GHashTable *speakers, DrayRequest *request)
{
  const char *key = dray_request_get_download_key (request);
  DrayRequest *other = g_hash_table_lookup (speakers, key);

  if (other == NULL
      || get_weight (dray_request_get_state (request))
             > get_weight (dray_request_get_state (other)))
    g_hash_table_insert (speakers, (gpointer) key, request);
}

static void
add_transfers (DrayModelSums *sums, GPtrArray *requests)
{
  g_autoptr (GHashTable) speakers = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer speaker;

  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequest *request = g_ptr_array_index (requests, i);

      if (dray_request_get_download_key (request) == NULL)
        add (sums, request);
      else
        elect (speakers, request);
    }

  g_hash_table_iter_init (&iter, speakers);
  while (g_hash_table_iter_next (&iter, NULL, &speaker))
    add (sums, speaker);
}

/**
 * dray_model_sums_of:
 * @requests: (element-type DrayRequest): the requests of one model
 *
 * Returns: what they come to
 */
DrayModelSums
dray_model_sums_of (GPtrArray *requests)
{
  DrayModelSums sums = DRAY_MODEL_SUMS_INIT;

  for (guint i = 0; i < requests->len; i++)
    {
      DrayRequestState state = dray_request_get_state (g_ptr_array_index (requests, i));

      if (get_weight (state) > get_weight (sums.state))
        sums.state = state;
    }

  if (requests->len == 1)
    add (&sums, g_ptr_array_index (requests, 0));
  else
    add_transfers (&sums, requests);
  if (sums.n_files > 1 && sums.total != DRAY_SIZE_UNKNOWN && sums.speed > 0)
    sums.eta = (sums.total - sums.downloaded + sums.speed - 1) / sums.speed;

  return sums;
}

DrayModelSection
dray_model_sums_get_section (const DrayModelSums *self)
{
  if (dray_request_state_is_running (self->state))
    return DRAY_MODEL_IN_PROGRESS;

  switch (self->state)
    {
    case DRAY_REQUEST_FAILED:
      return DRAY_MODEL_NEEDS_YOU;

    case DRAY_REQUEST_COMPLETED:
      return DRAY_MODEL_FINISHED;

    default:
      return DRAY_MODEL_PAUSED;
    }
}

/**
 * dray_model_sums_get_percentage:
 * @self: sums
 *
 * Returns: 0 to 100; -1 while the size is not known
 */
double
dray_model_sums_get_percentage (const DrayModelSums *self)
{
  if (self->total == DRAY_SIZE_UNKNOWN)
    return -1;
  if (self->total == 0)
    return self->state == DRAY_REQUEST_COMPLETED ? 100 : 0;

  return MIN (100.0, 100.0 * (double) self->downloaded / (double) self->total);
}
