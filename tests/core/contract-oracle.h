/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the contract says must come of a sequence of calls: docs/contract.md as plain structs.
 *
 * It knows the links, the requests and what the server was told to do, and nothing of how Dray is
 * made. Calls that are issued together are a burst; what a burst leaves behind when all has come to
 * rest is a set of allowed outcomes wherever an end races a cancel, and one outcome everywhere else.
 * What was seen is then adopted, so that the next burst starts from one state again. No threads.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bits, so that a set of them says what is allowed. */
typedef enum
{
  ORACLE_RUNNING = 1 << 0,
  ORACLE_PAUSED = 1 << 1,
  ORACLE_FAILED = 1 << 2,
  ORACLE_COMPLETED = 1 << 3,
  ORACLE_GONE = 1 << 4,
} OracleState;

/* Who wants the bytes that are kept. */
#define ORACLE_WANTING (ORACLE_RUNNING | ORACLE_PAUSED | ORACLE_FAILED)

typedef struct _OracleLink OracleLink;

/* A link, and the one file that all its requests share. */
struct _OracleLink
{
  char *path;  /* on the server */
  char *model; /* the same, or with an asterisk for the shard's number */
  gint64 size;
  gboolean is_model; /* what the file holds can be loaded */
  gboolean promises; /* the server tells its digest */
  OracleLink *twin;  /* leads to the same file, which nobody knows yet, */
  gboolean differs;  /* or will seem to: the files are two; */
  gboolean elder;    /* the twin came later */
  OracleLink *into;  /* what is said of bytes and files is said there: it is the same file */
  char *known_as;    /* the model that its own goes by as well */

  /* What the server was told. */
  gint64 gate;      /* it sends the bytes before this one; the size is all */
  gboolean refuses; /* it answers every new request with 404 */

  /* The bytes that are kept, without a gap from the start: between these two, or none at all. */
  gint64 low;
  gint64 high;
  gboolean may_be_empty;
  gboolean complete; /* there is a finished file */
  gboolean deleted;  /* there is no partial file */
  gboolean active;   /* a transfer runs */
  guint asked;       /* the folders that it was asked for in, a bit for each */
  guint placed;      /* those of them where the finished file is */

  /* This burst. */
  OracleLink *leads_to;  /* the server redirects from here */
  gboolean unbroken;     /* its transfer has gone on since before */
  gboolean moves;        /* its transfer may be anywhere on its way to the gate */
  gboolean may_complete; /* and may have reached the end */
  gboolean may_fail;     /* or have been refused */
  gboolean discarded;    /* the last call that left it was a discard, */
  gboolean removed;      /* or a removal that came after a discard */
  gboolean looked_at;    /* somebody asked for what was finished, and was served */
  gint64 first;          /* a transfer begins no earlier, */
  gboolean from_start;   /* unless at the very start */
  guint min_transfers;   /* how many begin */
  guint max_transfers;
};

typedef struct _OracleRequest OracleRequest;

struct _OracleRequest
{
  guint number;
  guint caller;
  guint folder;
  OracleLink *link;      /* NULL for a parent */
  OracleLink *source;    /* the one that the caller named, where that is another */
  OracleRequest *parent; /* NULL for most */
  OracleLink *first;     /* a parent's first link */
  gboolean is_load;
  gboolean lost;          /* a parent that has lost a child */
  gboolean expects_other; /* a digest that the bytes do not have, */
  gboolean expects_right; /* or the one that they have */
  gboolean anew;          /* it came when the file was finished, and looks whether it still is */
  gboolean start_now;
  gint64 position;  /* in the person's order */
  guint states;     /* a set of OracleState */
  guint allowed;    /* the same, before what was seen was adopted */
  gboolean ran;     /* in this burst: whoever awaits it is told how it settles */
  gboolean left;    /* in this burst, a transfer that others shared */
  gboolean removed; /* in this burst, or was to be */
  gboolean unsure;  /* a cancel under way was taken back, or the program was killed */
};

/* What a caller may wish. */
typedef struct
{
  guint caller;
  guint folder;
  gboolean is_load;
  gboolean expects_other;
  gboolean expects_right;
} OracleWish;

typedef struct
{
  guint min;
  guint max;
} OracleCount;

/* Bits: what a removal may report. */
typedef enum
{
  ORACLE_REMOVED = 1 << 0,
  ORACLE_BUSY = 1 << 1,
} OracleRemoval;

typedef struct
{
  GPtrArray *links;    /* of OracleLink */
  GPtrArray *requests; /* of OracleRequest, those not known to be gone */
  GPtrArray *gone;     /* the others, to which children may still point */
  guint last_number;
  gint64 last_position;
  guint max_transfers;
  gboolean resumes; /* what ran when the program ended runs again at the next start */
  gboolean held;
} Oracle;

Oracle *oracle_new (void);
void oracle_free (Oracle *oracle);

OracleLink *
oracle_add_link (Oracle *oracle, const char *path, const char *model, gint64 size, gint64 gate);
void oracle_remove_link (Oracle *oracle, OracleLink *link);

void oracle_begin (Oracle *oracle);
OracleRequest *oracle_download (Oracle *oracle, OracleLink *link, const OracleWish *wish);
OracleRequest *oracle_download_set (Oracle *oracle, GPtrArray *links, const OracleWish *wish);
void oracle_resume (Oracle *oracle, OracleRequest *request);
OracleCount oracle_cancel (Oracle *oracle, OracleRequest *request, gboolean clear_cache);
OracleCount oracle_sweep (Oracle *oracle, const char *model);
OracleRemoval oracle_remove (Oracle *oracle, OracleRequest *request);
void oracle_raise_gate (Oracle *oracle, OracleLink *link, gint64 gate);
void oracle_refuse (Oracle *oracle, OracleLink *link, gboolean refuses);
void oracle_cut (Oracle *oracle, OracleLink *link);
void oracle_hold (Oracle *oracle);
void oracle_release (Oracle *oracle);
GPtrArray *oracle_get_queue (const Oracle *oracle);
void oracle_move (Oracle *oracle, OracleRequest *request, guint place);
void oracle_start_now (Oracle *oracle, OracleRequest *request);
void oracle_close (Oracle *oracle);
void oracle_restart (Oracle *oracle);
void oracle_kill (Oracle *oracle);

OracleLink *oracle_resolve (OracleLink *link);
const OracleLink *oracle_find_lost (const Oracle *oracle, const OracleLink *link);
OracleLink *oracle_find_asked (const Oracle *oracle, const char *path);
void oracle_pair (OracleLink *link, OracleLink *twin, gboolean differs);
void oracle_part (OracleLink *link);
void oracle_lead (OracleLink *link);
void oracle_merge (Oracle *oracle, OracleLink *link);
void oracle_join (Oracle *oracle, OracleLink *link);

void oracle_rest (Oracle *oracle);
void oracle_adopt (Oracle *oracle, OracleRequest *request, OracleState state);
void oracle_complete (OracleLink *link);
void oracle_conclude (Oracle *oracle);
gboolean
oracle_has_request (const Oracle *oracle, const OracleLink *link, guint states, gboolean sure);
gboolean oracle_is_queued (const Oracle *oracle, const OracleRequest *request);
guint oracle_count_transfers (const Oracle *oracle);

G_END_DECLS
