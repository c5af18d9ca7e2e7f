/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How a served file misbehaves.
 *
 * A plain struct: all zeros is a correct server, and each group can be set without the others.
 * `times` counts down with every response that it touched; DRAY_TEST_ALWAYS never ends. Texts
 * belong to whoever made the struct; the server keeps copies.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DRAY_TEST_ALWAYS G_MAXUINT

typedef enum
{
  DRAY_TEST_RANGES_CORRECT,
  DRAY_TEST_RANGES_IGNORED,     /* always the whole file with 200 */
  DRAY_TEST_RANGES_DENIED,      /* so too, and says Accept-Ranges: none */
  DRAY_TEST_RANGES_UNANNOUNCED, /* correct, but without Accept-Ranges */
  DRAY_TEST_RANGES_MULTIPART,   /* multipart/byteranges for a single range */
} DrayTestRanges;

typedef enum
{
  DRAY_TEST_IF_RANGE_CORRECT,
  DRAY_TEST_IF_RANGE_IGNORED, /* as if it were not there: 206 whatever it says */
  DRAY_TEST_IF_RANGE_FAILS,   /* 200 whatever it says */
} DrayTestIfRange;

typedef enum
{
  DRAY_TEST_VALIDATORS_BOTH,
  DRAY_TEST_VALIDATORS_WEAK, /* the ETag is a weak one, with Last-Modified */
  DRAY_TEST_VALIDATORS_ONLY_ETAG,
  DRAY_TEST_VALIDATORS_ONLY_DATE,
  DRAY_TEST_VALIDATORS_NONE,
  DRAY_TEST_VALIDATORS_CHANGING, /* another ETag with each response; If-Range never matches */
} DrayTestValidators;

typedef enum
{
  DRAY_TEST_FRAMING_LENGTH,
  DRAY_TEST_FRAMING_CLOSE, /* no length; the body ends with the connection */
  DRAY_TEST_FRAMING_CHUNKED,
  DRAY_TEST_FRAMING_CHUNKED_AND_LENGTH,
  DRAY_TEST_FRAMING_TWO_LENGTHS, /* the right one, then one that is 100 bytes more */
} DrayTestFraming;

typedef enum
{
  DRAY_TEST_CONTENT_RANGE_CORRECT,
  DRAY_TEST_CONTENT_RANGE_MISSING,
  DRAY_TEST_CONTENT_RANGE_BROKEN,
  DRAY_TEST_CONTENT_RANGE_STAR,        /* x-y with * for the total */
  DRAY_TEST_CONTENT_RANGE_WRONG_TOTAL, /* 1000 bytes more than the file has */
} DrayTestContentRange;

typedef enum
{
  DRAY_TEST_UNSATISFIABLE_CORRECT,
  DRAY_TEST_UNSATISFIABLE_BARE,        /* 416 without Content-Range */
  DRAY_TEST_UNSATISFIABLE_WRONG_TOTAL, /* 1000 bytes more than the file has */
  DRAY_TEST_UNSATISFIABLE_WHOLE_FILE,  /* 200 */
} DrayTestUnsatisfiable;

typedef enum
{
  DRAY_TEST_BREAK_CUT,            /* closes; a chunked body at a chunk's boundary */
  DRAY_TEST_BREAK_CUT_IN_CHUNK,   /* closes with a chunk that announced more */
  DRAY_TEST_BREAK_BAD_CHUNK_SIZE, /* sends a chunk size that is no number, and closes */
  DRAY_TEST_BREAK_RESET,          /* the peer sees a reset */
  DRAY_TEST_BREAK_STALL,          /* sends no more, until the client goes away */
} DrayTestBreak;

typedef struct
{
  guint skip;            /* so many requests are answered normally first */
  guint times;           /* then so many get this answer; 0 is none */
  gboolean only_resumes; /* only requests for a range that begins after byte 0 count */
  guint status;
  const char *headers; /* (nullable) further lines, each ended by CRLF */
  const char *body;    /* (nullable) */
} DrayTestAnswer;

typedef struct
{
  /* Speed, of each connection. */
  gint64 rate;           /* bytes per second; 0 is the server's own */
  guint collapse_every;  /* each connection whose number this divides collapses; 0 is none */
  gint64 collapse_after; /* when so many bytes of bodies have gone over it */
  gint64 collapse_rate;  /* to so many bytes per second, at least 1 */
  guint drip_times;      /* how many responses drip */
  gint64 drip_after;     /* body bytes after which a byte a second comes */
  gint64 gate;           /* the file's bytes from here on wait until this is raised; 0 is no gate;
                            negative breaks off what is being sent */
  gboolean gate_seeps;   /* a byte passes the gate every two seconds, so that no client gives up */

  /* Before the body. */
  guint delay;           /* milliseconds before the head */
  guint interim;         /* how many 103 responses come first */
  gint64 header_padding; /* further bytes of header; G_MAXINT64 never ends */
  const char *headers;   /* (nullable) further lines, each ended by CRLF; of a redirect too */
  const char *content_encoding; /* (nullable) only the header: the body is as ever */

  /* Instead of the file. */
  DrayTestAnswer answer;
  const char *redirect;    /* (nullable) a path or an absolute URI */
  guint redirect_status;   /* 0 is 302 */
  gboolean refuses_head;   /* 405 */
  guint max_bodies;        /* more bodies of this file at once are refused; 0 is no limit */
  guint max_bodies_status; /* with which status; 0 closes without an answer */

  /* Ranges and validators. */
  DrayTestRanges ranges;
  DrayTestIfRange if_range;
  DrayTestValidators validators;
  DrayTestContentRange content_range;
  DrayTestUnsatisfiable unsatisfiable;
  gint64 start_shift; /* a 206 begins so many bytes later than asked, and says so */
  gint64 end_shift;   /* a 206 ends so many bytes later than asked, and says so */

  /* The body. */
  DrayTestFraming framing;
  gint64 excess;      /* bytes sent beyond what was announced */
  guint break_times;  /* how many responses break off */
  gint64 break_after; /* after so many bytes of the body */
  DrayTestBreak break_how;
  guint wrong_times;    /* how many responses that reach it carry a wrong byte */
  gint64 wrong_offset;  /* at this offset of the file */
  gboolean close_after; /* closes the connection after each response */
} DrayTestBehaviour;

void dray_test_behaviour_copy (DrayTestBehaviour *to, const DrayTestBehaviour *from);
void dray_test_behaviour_clear (DrayTestBehaviour *behaviour);
gboolean dray_test_behaviour_use (guint *times);

G_END_DECLS
