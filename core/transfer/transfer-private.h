/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The inside of a transfer, shared by the files that each tell one part of its life: transfer.c
 * (the object, what comes next, the one way out), transfer-setup.c (the partial file),
 * transfer-fetch.c (the address, and what to do when asking breaks), transfer-lanes.c (which
 * connection asks for what), transfer-answer.c (what the server said), transfer-journal.c (what is
 * remembered), transfer-repair.c (a file whose digest is wrong), transfer-finish.c (from the last byte
 * to the final name). All of it runs in the main thread.
 */

#pragma once

#include "core/http/host-limits.h"
#include "core/http/retry.h"
#include "core/transfer/connection.h"
#include "core/transfer/dispatcher.h"
#include "core/transfer/speed.h"
#include "core/transfer/transfer.h"

G_BEGIN_DECLS

/* A place for one connection, and the bytes that it is after. */
typedef struct
{
  DrayTransfer *transfer;
  guint number;
  DrayConnection *connection; /* NULL until it is first needed */
  DrayClaim claim;            /* id DRAY_CLAIM_NONE until the dispatcher has admitted it */
  gint64 start;               /* the first byte that it asks for */
  gboolean leading;   /* began alone: its answer says what the file is, its failure what is next */
  gboolean unwanted;  /* is being stopped, through no fault of the server's */
  gboolean has_ended; /* its body came to its end, or its answer told of none */
  GError *error;      /* what the answer amounts to, until the connection has ended */
  guint status;       /* of an answer that brings no bytes; 0 for none */
  gint64 server_wait; /* seconds the server asked to wait; -1 */
} DrayTransferLane;

struct _DrayTransfer
{
  GObject parent_instance;

  /* Given when it was made. */
  char *directory;
  char *name; /* NULL until the first response */
  char *planned_name; /* NULL to let the server say it */
  char *suggested_name;
  char *expected_sha256;
  char *boot_id;
  gboolean restart_changed;
  guint interval;      /* milliseconds */
  guint n_connections; /* fixed; 0 for as many as pay */
  DrayKnownFile known; /* path NULL for none */
  DraySessionPool *sessions;
  DrayHostLimits *hosts;
  DrayWorker *disk;
  DrayJournal *journal;
  DrayResolver *resolver;

  /* The facts that the journal keeps. */
  gint64 total;
  gboolean length_proven;
  DrayValidator validator;
  DrayFileIdentity identity;
  gboolean sync_failed;
  gboolean digest_tied; /* bytes of several versions may be mixed: only expected_sha256 tells */
  char *sha256;         /* once hashed */
  GArray *found_pieces; /* of DrayPiece: what was recorded, until the map is made of it */
  GArray *saved_blocks; /* of DrayDigestState: what was recorded */
  guint n_recorded_blocks;

  /* What moves the bytes. The file and the hasher exist from the first response on. */
  DrayPieceMap *map;
  DrayPartialFile *file;
  DrayHasher *hasher;
  DrayRateLimiter *limiter;
  DrayDispatcher *dispatcher; /* of the map */
  DrayTransferLane lanes[DRAY_CONNECTIONS_MAX];
  DrayTransferLane *lane_waiting; /* has its answer and waits for the file to be made */
  guint tick_source;
  GArray *damages; /* of DrayClaim: held over damaged blocks until that is recorded */
  guint n_damages_recorded; /* so many of them are in the record under way */
  gboolean recording_damages;

  GPtrArray *needs; /* of DraySpaceNeed: of others on the drives; NULL until they were asked for */

  /* A repair: the map above then says what has been compared. */
  DrayPieceMap *kept_map; /* what is on the disk; NULL when nothing is repaired */
  gboolean repaired;      /* the file seems to be right now */
  gboolean was_tied;      /* digest_tied as it was before; meanwhile it is of what is compared */

  /* Where the bytes come from. */
  DrayLocation *location;     /* NULL before it was resolved */
  gboolean location_redirected; /* the location is where redirects led, and may expire */
  DrayHostShare *share;       /* of the location's host; NULL before it was resolved */
  gboolean proving_length;    /* the request under way only asks whether the file ends here */
  DrayNetwork *network;       /* NULL for one that is always there */
  DrayRetry retry;
  GError *interruption; /* why all lanes are being stopped, until they have ended */
  guint retry_source;
  gint64 wait_until;
  DrayError wait_reason;

  /* The journal's rhythm. */
  guint journal_source;
  gboolean recording;   /* a record of the rhythm is on its way */
  gboolean syncing;     /* so is a sync */
  gint64 last_recorded; /* bytes written, as last recorded */
  gint64 last_synced;   /* bytes written when the last sync began */
  gint64 last_sync_time;

  /* The run. */
  GTask *task; /* NULL before and after */
  GCancellable *run_cancellable; /* ends what is asynchronous inside */
  gulong cancelled_id;
  GError *failure;     /* why the run ends; set once */
  guint n_jobs;        /* what is under way whose end the run must wait for */
  gboolean finishing;  /* past the point where a cancel would come too late */
  gboolean named;      /* the file has its final name, whatever failed after that */
  gboolean settling;
  gboolean fetched;    /* a byte was fetched in this run */
  gboolean restarted;  /* it started over in this run */
  gboolean is_known;   /* the server still has the known file's version */
  DrayTransferState state;
  DraySpeed speed;
};

/* transfer.c */
void dray_transfer_step (DrayTransfer *self);
void dray_transfer_fail (DrayTransfer *self, GError *error);
void dray_transfer_begin_job (DrayTransfer *self);
gboolean dray_transfer_end_job (DrayTransfer *self);
void dray_transfer_complete (DrayTransfer *self);

/* transfer-setup.c */
void dray_transfer_set_map (DrayTransfer *self, DrayPieceMap *map);
void dray_transfer_open_partial (DrayTransfer *self);
void dray_transfer_create_partial (DrayTransfer *self, const char *suggested, guint attempt);
void dray_transfer_start_over (DrayTransfer *self);
void dray_transfer_proceed (DrayTransfer *self);

/* transfer-fetch.c */
void dray_transfer_fetch (DrayTransfer *self);
void dray_transfer_set_location (DrayTransfer *self, DrayLocation *location, gboolean redirected);
void dray_transfer_interrupt (DrayTransfer *self, GError *error);
void dray_transfer_wait (DrayTransfer *self, gint64 delay, DrayError reason);
void dray_transfer_lane_ended (DrayTransfer *self,
                               DrayTransferLane *lane,
                               gint64 n_bytes,
                               GError *error);

/* transfer-lanes.c */
void dray_transfer_init_lanes (DrayTransfer *self);
void dray_transfer_clear_lanes (DrayTransfer *self);
gboolean dray_transfer_is_asking (DrayTransfer *self);
void dray_transfer_fill_lanes (DrayTransfer *self);
gboolean dray_transfer_admit (DrayTransfer *self, DrayTransferLane *lane);
void dray_transfer_let_through (DrayTransfer *self, DrayTransferLane *lane);
void dray_transfer_drop_lane (DrayTransferLane *lane);
void dray_transfer_drop_lanes (DrayTransfer *self);
void dray_transfer_set_parallel (DrayTransfer *self, gboolean parallel);

/* transfer-answer.c */
void dray_transfer_answered (DrayTransfer *self,
                             DrayTransferLane *lane,
                             const DrayVerdict *verdict,
                             const DrayHttpAnswer *answer);

/* transfer-journal.c */
void dray_transfer_record (DrayTransfer *self,
                           DrayJournalPhase phase,
                           gboolean durable,
                           GAsyncReadyCallback callback);
void dray_transfer_record_step (DrayTransfer *self,
                                DrayJournalPhase phase,
                                GAsyncReadyCallback callback);
gboolean dray_transfer_recorded (DrayTransfer *self, GObject *source, GAsyncResult *result);
void dray_transfer_start_rhythm (DrayTransfer *self);
void dray_transfer_stop_rhythm (DrayTransfer *self);

/* transfer-repair.c */
gboolean dray_transfer_is_repairing (DrayTransfer *self);
void dray_transfer_begin_repair (DrayTransfer *self);
gboolean dray_transfer_end_repair (DrayTransfer *self);
void dray_transfer_forget_repair (DrayTransfer *self);
gboolean dray_transfer_is_tied (DrayTransfer *self);
char *dray_transfer_describe_differing (DrayTransfer *self);

/* transfer-finish.c */
void dray_transfer_finish (DrayTransfer *self);
extern const DrayHasherEvents dray_transfer_hasher_events;

G_END_DECLS
