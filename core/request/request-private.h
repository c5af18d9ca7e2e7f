/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a request: what only the manager and its jobs do to one (request-update.c), what
 * request.c shows of it, and that by the names of properties (request-properties.c).
 *
 * A request with children is a parent: it moves no bytes, and shows the sums of its children. The
 * parent owns its children's membership, the manager's list owns them all.
 */

#pragma once

#include "core/catalog/records.h"
#include "core/inspect/facts.h"
#include "core/request/request.h"
#include "core/transfer/transfer.h"

G_BEGIN_DECLS

/**
 * DrayRequestWishes:
 * @url: (nullable): the link that the source is understood as
 * @token: (nullable): a bearer token for the origin of @url
 * @rate_limit: bytes per second, or %DRAY_RATE_UNLIMITED
 * @connections: how many connections to fetch with; 0 for as many as pay
 * @restart_changed: whether to start over if the file on the server has changed
 * @start_now: whether to start beyond the number of transfers that may run at once
 *
 * What a caller wished for the run that comes next; never stored.
 */
typedef struct
{
  char *url;
  char *token;
  gint64 rate_limit;
  guint connections;
  gboolean restart_changed;
  gboolean start_now;
} DrayRequestWishes;

/**
 * DrayRequestFate:
 * @DRAY_FATE_RUN: it is to run to its end
 * @DRAY_FATE_PAUSE: it is to settle as paused as soon as what it uses has stopped
 * @DRAY_FATE_RUN_AGAIN: likewise, and then to run again at once
 * @DRAY_FATE_DISCARD: it is to be discarded as soon as what it uses has stopped
 *
 * What is to become of a request.
 */
typedef enum
{
  DRAY_FATE_RUN,
  DRAY_FATE_PAUSE,
  DRAY_FATE_RUN_AGAIN,
  DRAY_FATE_DISCARD,
} DrayRequestFate;

struct _DrayRequest
{
  GObject parent_instance;

  DrayRequestRecord *record;
  DrayRequestState state;
  char *download_key;
  char *path;
  char *sha256;
  char *external;         /* the program that keeps the file; NULL where Dray does */
  gboolean length_proven;
  char *reason;
  char *also_for;         /* other callers of the same transfer; NULL for none */
  gint64 wait;
  gint64 missing;         /* bytes that its drive has too few, while it waits for them; else 0 */
  gint64 downloaded;
  gint64 total;
  gint64 speed;
  gint64 eta;
  gint queue_position;
  DrayModelFacts *facts;  /* NULL before a load */
  GError *error;
  DrayRequestWishes wishes;
  DrayRequestFate fate;
  gboolean in_queue;
  gboolean is_parent;     /* has, or had, children */
  DrayRequest *parent;    /* unowned; NULL for none */
  GPtrArray *children;    /* of DrayRequest */
  GPtrArray *waiters;     /* of GTask */
};

enum
{
  DRAY_PROP_0,
  DRAY_PROP_ID,
  DRAY_PROP_KIND,
  DRAY_PROP_SOURCE,
  DRAY_PROP_MODEL_ID,
  DRAY_PROP_PARENT_ID,
  DRAY_PROP_CALLER,
  DRAY_PROP_DOWNLOAD_KEY,
  DRAY_PROP_STATE,
  DRAY_PROP_REASON,
  DRAY_PROP_ALSO_FOR,
  DRAY_PROP_WAIT,
  DRAY_PROP_MISSING,
  DRAY_PROP_QUEUE_POSITION,
  DRAY_PROP_DOWNLOADED,
  DRAY_PROP_TOTAL,
  DRAY_PROP_PERCENTAGE,
  DRAY_PROP_SPEED,
  DRAY_PROP_ETA,
  DRAY_PROP_PATH,
  DRAY_PROP_SHA256,
  DRAY_PROP_EXTERNAL,
  DRAY_PROP_VERIFIED,
  DRAY_PROP_FACTS,
  DRAY_PROP_ERROR_NAME,
  DRAY_PROP_ERROR_MESSAGE,
  DRAY_N_PROPS
};

DrayRequest *dray_request_new (const DrayRequestRecord *record);
DrayRequestRecord *dray_request_get_record (DrayRequest *self);
DrayRequestWishes *dray_request_get_wishes (DrayRequest *self);
void dray_request_become_parent (DrayRequest *self);
void dray_request_add_child (DrayRequest *self, DrayRequest *child);
void dray_request_remove_child (DrayRequest *self, DrayRequest *child);

void dray_request_set_asset (DrayRequest *self, const DrayStoredAsset *asset);
void dray_request_set_downloaded (DrayRequest *self, gint64 downloaded);
void dray_request_set_progress (DrayRequest *self, const DrayTransferProgress *progress);
gboolean dray_request_set_held (DrayRequest *self);
gboolean dray_request_set_short_of_space (DrayRequest *self, gint64 missing);
gboolean dray_request_set_waiting (DrayRequest *self, DrayError reason);
gboolean dray_request_mirror (DrayRequest *self, DrayRequest *child);
void dray_request_set_key (DrayRequest *self, const char *download_key);
void dray_request_set_facts (DrayRequest *self, const DrayModelFacts *facts);
gboolean dray_request_accepts (DrayRequest *self, const char *sha256);
void dray_request_set_also_for (DrayRequest *self, const char *callers);
void dray_request_set_queue_position (DrayRequest *self, gint position);
void dray_request_sum_up (DrayRequest *self);
gboolean dray_request_set_state (DrayRequest *self, DrayRequestState state);
GPtrArray *dray_request_settle (DrayRequest *self,
                                DrayRequestState state,
                                const GError *error);

void dray_request_answer (DrayRequest *self,
                          GTask *task,
                          DrayRequestState state,
                          const GError *error);

/* request-properties.c */
void dray_request_install_properties (GObjectClass *object_class);
void dray_request_notify (DrayRequest *self, guint property);

G_END_DECLS
