/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a server answered, and what that answer is good for.
 *
 * A response is the plain facts of a status line and its headers; the judge turns them, with what
 * was asked and what is known, into the one thing to do next. The judge is where a server's
 * misbehaviour is met (206 that starts elsewhere, 200 to a range, an error page, another version):
 * no byte is written that it has not placed. Pure: no I/O, no clock.
 */

#pragma once

#include "core/base/error.h"
#include "core/base/piece.h"
#include "core/http/validator.h"

G_BEGIN_DECLS

/* A Content-Length that is no number, or that no file has. */
#define DRAY_LENGTH_INVALID (-2)

/* The largest size that is believed: sums of a few such sizes still fit their type. */
#define DRAY_LENGTH_MAX ((gint64) 1 << 60)

/**
 * DrayResponse:
 * @status: the status code
 * @has_content_range: whether a Content-Range header came that follows the grammar
 * @bad_content_range: whether one came that does not
 * @range_start: the first byte of the body; -1 for an unsatisfied range (`bytes *\/N`)
 * @range_end: one past the last byte of the body; -1 likewise
 * @range_total: the size of the whole file; %DRAY_SIZE_UNKNOWN for `*`
 * @content_length: bytes of this body; %DRAY_SIZE_UNKNOWN where none was announced,
 *   %DRAY_LENGTH_INVALID where it cannot be
 * @validator: the version of the file
 * @content_type: (nullable): the media type without parameters, in lower case
 * @content_encoding: (nullable): the coding, in lower case; %NULL for none or `identity`
 * @accept_ranges_none: whether the server said `Accept-Ranges: none`
 * @retry_after: seconds that the server asks to wait; -1 where it does not say
 * @error_code: (nullable): the hub's X-Error-Code
 * @sha256: (nullable): the digest of the whole file, in hexadecimal (RFC 9530 Repr-Digest, or the
 *   hub's X-Linked-ETag)
 */
typedef struct
{
  guint status;
  gboolean has_content_range;
  gboolean bad_content_range;
  gint64 range_start;
  gint64 range_end;
  gint64 range_total;
  gint64 content_length;
  DrayValidator validator;
  char *content_type;
  char *content_encoding;
  gboolean accept_ranges_none;
  gint64 retry_after;
  char *error_code;
  char *sha256;
} DrayResponse;

void dray_response_init (DrayResponse *response);
void dray_response_clear (DrayResponse *response);
gboolean dray_response_parse_content_range (DrayResponse *response, const char *value);
gint64 dray_response_parse_rate_limit (const char *value);
char *dray_response_parse_repr_digest (const char *value);
char *dray_response_parse_linked_etag (const char *value);

/**
 * DrayQuestion:
 * @has_range: whether a Range header was sent
 * @start: the first byte that was asked for; 0 without a Range header
 * @end: one past the last byte that was asked for; %DRAY_END_UNKNOWN for the rest of the file
 * @wanted: the first byte that is lacking; bytes in [@start, @wanted) are at hand for comparison
 * @sent_if_range: whether an If-Range header was sent
 * @total: the size known so far, or %DRAY_SIZE_UNKNOWN
 * @validator: the version of the bytes at hand
 * @holds_bytes: whether there are any
 * @digest_known: whether a digest will prove the finished file
 * @expects_html: whether the link itself names a web page
 *
 * What was asked, and what is known about the file.
 */
typedef struct
{
  gboolean has_range;
  gint64 start;
  gint64 end;
  gint64 wanted;
  gboolean sent_if_range;
  gint64 total;
  const DrayValidator *validator;
  gboolean holds_bytes;
  gboolean digest_known;
  gboolean expects_html;
} DrayQuestion;

/**
 * DrayVerdictKind:
 * @DRAY_VERDICT_TAKE: read the body; its first byte is `body_start`
 * @DRAY_VERDICT_COMPLETE: nothing lies beyond the bytes at hand (416 with their size)
 * @DRAY_VERDICT_ASK_WITHOUT_CONDITION: ask the same again without If-Range
 * @DRAY_VERDICT_ASK_WITH_OVERLAP: ask again from some bytes before `wanted`: nothing proves the
 *   version, and the answer has no bytes that could be compared
 * @DRAY_VERDICT_ASK_WITHOUT_RANGE: ask for the whole file, and use no ranges with this server
 * @DRAY_VERDICT_STALE: the bytes at hand are longer than the file (416); start over, once
 * @DRAY_VERDICT_CHANGED: the server holds another version
 * @DRAY_VERDICT_FAILED: an error, which the retry policy may know how to treat
 */
typedef enum
{
  DRAY_VERDICT_TAKE,
  DRAY_VERDICT_COMPLETE,
  DRAY_VERDICT_ASK_WITHOUT_CONDITION,
  DRAY_VERDICT_ASK_WITH_OVERLAP,
  DRAY_VERDICT_ASK_WITHOUT_RANGE,
  DRAY_VERDICT_STALE,
  DRAY_VERDICT_CHANGED,
  DRAY_VERDICT_FAILED,
} DrayVerdictKind;

/**
 * DrayVerdict:
 * @kind: what to do
 * @body_start: with TAKE: where the body's first byte belongs
 * @body_end: with TAKE: one past the body's last byte that may be used, never beyond what was asked
 *   or beyond @total; %DRAY_END_UNKNOWN where only the end of the body tells
 * @total: with TAKE and COMPLETE: the size of the file, or %DRAY_SIZE_UNKNOWN
 * @ranges: with TAKE: whether the server has shown that it serves ranges
 * @proven: with TAKE: whether a validator or a digest ties this body to the bytes at hand; if not,
 *   the bytes in [@body_start, wanted) must be compared before anything is written
 * @error: with FAILED: the code
 * @reason: with FAILED: a sentence for a person, static
 */
typedef struct
{
  DrayVerdictKind kind;
  gint64 body_start;
  gint64 body_end;
  gint64 total;
  gboolean ranges;
  gboolean proven;
  DrayError error;
  const char *reason;
} DrayVerdict;

void dray_response_judge (const DrayResponse *response,
                          const DrayQuestion *question,
                          DrayVerdict *verdict);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DrayResponse, dray_response_clear)

G_END_DECLS
