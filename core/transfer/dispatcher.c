/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The lives of the lanes: asking, moving, ended. */

#include "core/transfer/dispatcher-private.h"

/* A lane that broke is opened again after this, doubled each time that it gave next to nothing. */
#define FIRST_PAUSE ((gint64) 50 * 1000)
#define PROGRESS ((gint64) 64 * 1024)
#define LONGEST_PAUSE ((gint64) 30 * G_USEC_PER_SEC)

/**
 * dray_dispatcher_new:
 * @map: what is to be fetched; it must outlive the dispatcher
 * @n_fixed: how many lanes to have, at most %DRAY_CONNECTIONS_MAX; 0 to follow goodput
 *
 * Makes a dispatcher that has one lane until dray_dispatcher_set_parallel().
 *
 * Returns: (transfer full): a dispatcher
 */
DrayDispatcher *
dray_dispatcher_new (DrayPieceMap *map, guint n_fixed)
{
  DrayDispatcher *self;

  g_return_val_if_fail (map != NULL, NULL);
  g_return_val_if_fail (n_fixed <= DRAY_CONNECTIONS_MAX, NULL);

  self = g_new0 (DrayDispatcher, 1);
  self->map = map;
  self->answer_time = -1;
  self->exchange_gap = DRAY_FIRST_EXCHANGE_GAP;
  self->start_time[0] = self->start_time[1] = -1;
  dray_governor_init (&self->governor, n_fixed, DRAY_CONNECTIONS_MAX);

  return self;
}

/**
 * dray_dispatcher_free:
 * @self: a dispatcher; its claims are the caller's to release
 */
void
dray_dispatcher_free (DrayDispatcher *self)
{
  g_free (self);
}

/**
 * dray_dispatcher_set_parallel:
 * @self: a dispatcher
 * @parallel: whether there may be more than one lane
 *
 * Allows more lanes, once the server has shown that ranges work and something ties its answers
 * together. Taking it back ends no lane.
 */
void
dray_dispatcher_set_parallel (DrayDispatcher *self, gboolean parallel)
{
  self->is_parallel = parallel;
}

/**
 * dray_dispatcher_set_limit:
 * @self: a dispatcher
 * @limit: the most lanes that the server is known to let in, 1 to %DRAY_CONNECTIONS_MAX
 *
 * Lanes beyond @limit fill their claims and get no others, unless so many have been seen to do harm.
 */
void
dray_dispatcher_set_limit (DrayDispatcher *self, guint limit)
{
  dray_governor_set_limit (&self->governor, CLAMP (limit, 1, DRAY_CONNECTIONS_MAX));
}

/**
 * dray_dispatcher_set_throttled:
 * @self: a dispatcher
 * @throttled: whether a rate limit of ours, or what this machine can do, is what holds the bytes
 *   back
 *
 * While it is, the lanes' goodput says nothing of their connections: none is judged by it, and
 * their number stays as it is.
 */
void
dray_dispatcher_set_throttled (DrayDispatcher *self, gboolean throttled)
{
  self->is_throttled = throttled;
}

/**
 * dray_dispatcher_get_n_lanes:
 * @self: a dispatcher
 *
 * Returns: how many lanes ask or move
 */
guint
dray_dispatcher_get_n_lanes (const DrayDispatcher *self)
{
  guint n = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    n += self->lanes[i].state != DRAY_LANE_FREE;

  return n;
}

/**
 * dray_dispatcher_get_left:
 * @self: a dispatcher
 *
 * Returns: how many bytes are lacking; %G_MAXINT64 where the size is not known
 */
gint64
dray_dispatcher_get_left (DrayDispatcher *self)
{
  gint64 total = dray_piece_map_get_total (self->map);

  return total == DRAY_SIZE_UNKNOWN ? G_MAXINT64 : total - dray_piece_map_get_written (self->map);
}

static gboolean
wants_lane (DrayDispatcher *self)
{
  guint n_lanes = dray_dispatcher_get_n_lanes (self);

  if (n_lanes == 0)
    return TRUE;
  if (!self->is_parallel || n_lanes >= dray_governor_get_most (&self->governor)
      || dray_piece_map_get_total (self->map) == DRAY_SIZE_UNKNOWN
      || (!self->has_shared && dray_dispatcher_get_left (self) < DRAY_WORTH_SHARING))
    return FALSE;

  return n_lanes - (self->governor.is_fixed ? 0 : self->n_suspects)
         < dray_governor_get_n_wanted (&self->governor);
}

/* A kept connection is the soonest to bring anything. A lane that waits after it broke stands for a
 * connection that is wanted: no other takes its place. With nothing running, the transfer's own
 * retry policy has decided that it is time. */
static DrayLane *
find_free_lane (DrayDispatcher *self, gint64 now)
{
  guint n_waiting = 0;
  DrayLane *found = NULL;
  guint n_lanes = dray_dispatcher_get_n_lanes (self);
  guint n_counted = n_lanes - (self->governor.is_fixed ? 0 : self->n_suspects);

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      DrayLane *lane = &self->lanes[i];

      if (lane->state != DRAY_LANE_FREE)
        continue;
      if (n_lanes > 0 && lane->not_before > now)
        n_waiting++;
      else if (found == NULL || (lane->is_kept && !found->is_kept))
        found = lane;
    }

  return n_lanes == 0 || n_counted + n_waiting < dray_governor_get_n_wanted (&self->governor)
             ? found
             : NULL;
}

/* Whether the others will have fetched all before this lane could bring a thing. */
static gboolean
comes_too_late (DrayDispatcher *self, const DrayLane *lane)
{
  return dray_dispatcher_get_n_lanes (self) > 0
         && dray_dispatcher_get_seconds_left (self, NULL)
                < dray_dispatcher_get_start_time (self, lane);
}

/**
 * dray_dispatcher_assign:
 * @self: a dispatcher
 * @now: the time
 * @assignment: (out caller-allocates): what a lane is to ask for
 *
 * Chooses bytes for a free lane, which counts as asking from here on until
 * dray_dispatcher_ended(). The first bytes of all are the whole first gap. With no lane at work it
 * always finds some, unless the map is complete; when to try again after a failure of the only lane
 * is for the caller to decide.
 *
 * Returns: %FALSE if no lane is to be opened now; ask until then
 */
gboolean
dray_dispatcher_assign (DrayDispatcher *self, gint64 now, DrayAssignment *assignment)
{
  DrayLane *lane = wants_lane (self) ? find_free_lane (self, now) : NULL;

  if (lane == NULL)
    return FALSE;
  if ((comes_too_late (self, lane) || !dray_dispatcher_claim_gap (self, lane))
      && !dray_dispatcher_plan_theft (self, lane))
    return FALSE;

  lane->state = DRAY_LANE_ASKING;
  lane->asked_at = now;
  lane->is_first = !self->has_asked;
  lane->is_stopping = FALSE;
  lane->n_fetched = 0;
  self->has_asked = TRUE;
  *assignment = (DrayAssignment){
    .lane = (guint) (lane - self->lanes),
    .start = lane->start,
    .end = lane->end,
    .claim_id = lane->claim,
  };
  return TRUE;
}

/**
 * dray_dispatcher_admit:
 * @self: a dispatcher
 * @lane: a lane that asked and has got a good answer
 * @now: the time
 * @claim: (out caller-allocates): where its claim goes
 *
 * Lets a lane move. If its bytes are another lane's, that one's end is pulled in here. The claim's
 * end may be nearer than what was asked for.
 *
 * Returns: %FALSE if the bytes are not wanted any more; the lane is then to be stopped, and ended
 */
gboolean
dray_dispatcher_admit (DrayDispatcher *self, guint lane, gint64 now, DrayClaim *claim)
{
  DrayLane *admitted;
  gint64 written, end;

  g_return_val_if_fail (lane < DRAY_CONNECTIONS_MAX, FALSE);
  admitted = &self->lanes[lane];
  g_return_val_if_fail (admitted->state == DRAY_LANE_ASKING, FALSE);

  dray_dispatcher_note_answer (self, admitted, now);
  if (admitted->claim == DRAY_CLAIM_NONE && !dray_dispatcher_take_planned (self, admitted))
    return FALSE;
  if (!dray_piece_map_get_claim (self->map, admitted->claim, &written, &end))
    return FALSE;

  admitted->state = DRAY_LANE_MOVING;
  admitted->moving_at = now;
  admitted->seen = written;
  admitted->left = end - written;
  admitted->n_fetched = 0;
  admitted->average = admitted->latest = admitted->goodput = 0;
  admitted->is_timed = FALSE;
  admitted->is_trial = self->has_exchanged;
  self->has_exchanged = FALSE;
  self->has_shared = self->has_shared || dray_dispatcher_get_n_lanes (self) > 1;
  dray_dispatcher_claim_planned (self);
  *claim = (DrayClaim){ admitted->claim, written, end };
  return TRUE;
}

static void
pause_lane (DrayLane *lane, gint64 now)
{
  gint64 pause;

  if (lane->n_fetched >= PROGRESS)
    lane->n_failures = 0;
  pause = MIN (LONGEST_PAUSE, FIRST_PAUSE << MIN (lane->n_failures, 20));
  lane->n_failures++;
  lane->not_before = now + pause;
}

/* An answer whose claim was pulled in is cut off, and its connection with it. */
static gboolean
was_read_to_its_end (DrayDispatcher *self, const DrayLane *lane)
{
  gint64 written, end;

  return dray_piece_map_get_claim (self->map, lane->claim, &written, &end) && end == lane->end;
}

/**
 * dray_dispatcher_ended:
 * @self: a dispatcher
 * @lane: a lane that asked or moved
 * @now: the time
 * @how: how it ended
 *
 * Frees a lane and releases its claim.
 */
void
dray_dispatcher_ended (DrayDispatcher *self, guint lane, gint64 now, DrayLaneEnd how)
{
  DrayLane *ended;

  g_return_if_fail (lane < DRAY_CONNECTIONS_MAX);
  ended = &self->lanes[lane];
  g_return_if_fail (ended->state != DRAY_LANE_FREE);

  ended->is_kept = how == DRAY_LANE_FILLED && was_read_to_its_end (self, ended);
  dray_dispatcher_retire (self, ended, now);
  self->n_suspects -= ended->is_suspect;
  ended->is_suspect = FALSE;
  if (ended->claim != DRAY_CLAIM_NONE)
    dray_piece_map_release (self->map, ended->claim);
  ended->claim = DRAY_CLAIM_NONE;
  ended->is_grown = FALSE;
  ended->state = DRAY_LANE_FREE;
  dray_dispatcher_claim_planned (self);

  switch (how)
    {
    case DRAY_LANE_FILLED:
      ended->n_failures = 0;
      break;

    case DRAY_LANE_BROKEN:
      pause_lane (ended, now);
      break;

    case DRAY_LANE_REFUSED:
      dray_governor_refused (&self->governor, now, dray_dispatcher_get_n_lanes (self));
      break;

    case DRAY_LANE_STOPPED:
      break;

    default:
      g_assert_not_reached ();
    }
}

static guint
count_moving (const DrayDispatcher *self)
{
  guint n = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    n += self->lanes[i].state == DRAY_LANE_MOVING;

  return n;
}

static guint
count_starting (const DrayDispatcher *self)
{
  guint n = 0;

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    n += self->lanes[i].state != DRAY_LANE_FREE && !self->lanes[i].is_grown;

  return n;
}

/**
 * dray_dispatcher_tick:
 * @self: a dispatcher
 * @now: the time
 * @lane: (out): a lane
 *
 * Looks at what the lanes bring, about every 50 milliseconds. Assignments may follow.
 *
 * Returns: whether @lane is to be stopped, and ended: it has collapsed, is one too
 *   many, or is to be exchanged for a new connection. Ask until %FALSE
 */
gboolean
dray_dispatcher_tick (DrayDispatcher *self, gint64 now, guint *lane)
{
  if (now > self->sampled_at)
    {
      DrayGovernorSample sample = { .now = now };

      dray_dispatcher_sample (self, now);
      sample.n_bytes = self->n_fetched;
      sample.n_starting = count_starting (self);
      sample.n_suspects = self->n_suspects;
      sample.n_lanes = dray_dispatcher_get_n_lanes (self) - self->n_suspects;
      sample.n_moving = count_moving (self) - self->n_suspects;
      sample.start_time = (gint64) (dray_dispatcher_get_start_time (self, NULL) * G_USEC_PER_SEC);
      sample.time_left =
          (gint64) (MIN (dray_dispatcher_get_seconds_left (self, NULL), 1e9) * G_USEC_PER_SEC);
      sample.answer_time = dray_dispatcher_get_answer_time (self);
      if (self->is_parallel && !self->is_throttled)
        dray_governor_sample (&self->governor, &sample);
    }

  for (guint i = 0; i < DRAY_CONNECTIONS_MAX; i++)
    {
      DrayLane *candidate = &self->lanes[i];

      if (!candidate->is_stopping
          && (dray_dispatcher_is_collapsed (self, candidate, now)
              || dray_dispatcher_is_excess (self, candidate)
              || dray_dispatcher_is_exchanged (self, candidate, now)))
        {
          candidate->is_stopping = TRUE;
          *lane = i;
          return TRUE;
        }
    }

  return FALSE;
}
