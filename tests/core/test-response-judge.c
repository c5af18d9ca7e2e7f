/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/response.h"

#define MAY "Fri, 01 May 2026 10:00:00 GMT"
#define JUNE "Mon, 01 Jun 2026 10:00:00 GMT"

/* The file of the cases has 1000 bytes; the first 400 are at hand unless a flag says no. */
typedef enum
{
  SENT_IF_RANGE = 1 << 0,
  DIGEST_KNOWN = 1 << 1,
  EXPECTS_HTML = 1 << 2,
  NO_RANGE = 1 << 3,
  NOTHING_HELD = 1 << 4,
  ACCEPT_RANGES_NONE = 1 << 5,
} Flags;

typedef struct
{
  const char *what;

  /* The question. */
  Flags flags;
  gint64 start, end, wanted;
  gint64 total;
  const char *our_etag;
  const char *our_date;

  /* The answer. */
  guint status;
  const char *content_range;
  gint64 content_length;
  const char *etag;
  const char *date;
  const char *content_type;
  const char *content_encoding;
  const char *error_code;

  /* The verdict. */
  DrayVerdictKind kind;
  gint64 body_start, body_end;
  gint64 verdict_total;
  gboolean ranges, proven;
  DrayError error;
} Case;

#define END DRAY_END_UNKNOWN
#define RESUME 400, END, 400, 1000
#define OVERLAP 300, END, 400, 1000
#define FIRST 0, END, 0, -1
#define FIRST_OF_1000 0, END, 0, 1000
#define RESUME_UNKNOWN 400, END, 400, -1
#define TAKE(from, to, total, ranges, proven)                                                      \
  DRAY_VERDICT_TAKE, (from), (to), (total), (ranges), (proven), 0
#define COMPLETE(total) DRAY_VERDICT_COMPLETE, 0, 0, (total), FALSE, FALSE, 0
#define FAILED(code) DRAY_VERDICT_FAILED, 0, 0, 0, FALSE, FALSE, DRAY_ERROR_##code
#define VERDICT(kind) DRAY_VERDICT_##kind, 0, 0, 0, FALSE, FALSE, 0
#define A "\"a\""
#define B "\"b\""
#define WA "W/\"a\""
#define WB "W/\"b\""
#define GOOD "bytes 400-999/1000"
#define PLAIN NULL, NULL, NULL

/* clang-format off */
static const Case part_cases[] = {
  { "first answer", NOTHING_HELD, FIRST, NULL, NULL,
    206, "bytes 0-999/1000", 1000, A, NULL, PLAIN, TAKE (0, 1000, 1000, TRUE, TRUE) },
  { "first answer, another size than planned", NOTHING_HELD, FIRST_OF_1000, NULL, NULL,
    206, "bytes 0-899/900", 900, A, NULL, PLAIN, TAKE (0, 900, 900, TRUE, TRUE) },
  { "first answer, not the digest's size", NOTHING_HELD | DIGEST_KNOWN, FIRST_OF_1000, NULL, NULL,
    206, "bytes 0-899/900", 900, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "same strong ETag", SENT_IF_RANGE, RESUME, A, NULL,
    206, GOOD, 600, A, NULL, PLAIN, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "no Content-Length", SENT_IF_RANGE, RESUME, A, NULL,
    206, GOOD, -1, A, NULL, PLAIN, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "row 2: starts earlier", 0, RESUME, A, NULL,
    206, "bytes 350-999/1000", 650, A, NULL, PLAIN, TAKE (350, 1000, 1000, TRUE, TRUE) },
  { "row 3: starts later", 0, RESUME, A, NULL,
    206, "bytes 401-999/1000", 599, A, NULL, PLAIN, VERDICT (ASK_WITHOUT_RANGE) },
  { "row 3: starts later without a range", NO_RANGE, 0, END, 400, 1000, A, NULL,
    206, "bytes 1-999/1000", 999, A, NULL, PLAIN, FAILED (SERVER_ERROR) },
  { "row 4: ends early", 0, 400, 800, 400, 1000, A, NULL,
    206, "bytes 400-499/1000", 100, A, NULL, PLAIN, TAKE (400, 500, 1000, TRUE, TRUE) },
  { "row 4: ends late", 0, 400, 800, 400, 1000, A, NULL,
    206, GOOD, 600, A, NULL, PLAIN, TAKE (400, 800, 1000, TRUE, TRUE) },
  { "row 4: ends before what is wanted", 0, OVERLAP, A, NULL,
    206, "bytes 300-399/1000", 100, A, NULL, PLAIN, FAILED (SERVER_ERROR) },
  { "row 4: another part altogether", 0, RESUME, A, NULL,
    206, "bytes 0-99/1000", 100, A, NULL, PLAIN, FAILED (SERVER_ERROR) },
  { "row 5: no Content-Range", 0, RESUME, A, NULL,
    206, NULL, 600, A, NULL, PLAIN, VERDICT (ASK_WITHOUT_RANGE) },
  { "row 5: broken Content-Range", 0, RESUME, A, NULL,
    206, "bytes 400-/1000", 600, A, NULL, PLAIN, VERDICT (ASK_WITHOUT_RANGE) },
  { "row 5: unsatisfied Content-Range, no length", 0, RESUME, A, NULL,
    206, "bytes */1000", -1, A, NULL, PLAIN, VERDICT (ASK_WITHOUT_RANGE) },
  { "row 5: unsatisfied Content-Range", 0, RESUME, A, NULL,
    206, "bytes */1000", 600, A, NULL, PLAIN, VERDICT (ASK_WITHOUT_RANGE) },
  { "row 5: broken, and no range was asked", NO_RANGE | NOTHING_HELD, FIRST, NULL, NULL,
    206, NULL, 600, A, NULL, PLAIN, FAILED (SERVER_ERROR) },
  { "Content-Length contradicts", 0, RESUME, A, NULL,
    206, GOOD, 599, A, NULL, PLAIN, VERDICT (ASK_WITHOUT_RANGE) },
  { "row 6: size not told", 0, RESUME, A, NULL,
    206, "bytes 400-999/*", 600, A, NULL, PLAIN, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "row 6: size not told, nor known", 0, RESUME_UNKNOWN, A, NULL,
    206, "bytes 400-999/*", 600, A, NULL, PLAIN, TAKE (400, 1000, -1, TRUE, TRUE) },
  { "row 6: size not told, another ETag", 0, RESUME, A, NULL,
    206, "bytes 400-999/*", 600, B, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 6: beyond the known size", 0, RESUME, A, NULL,
    206, "bytes 400-1999/*", 1600, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 6: beyond the known size, nothing held", NOTHING_HELD, FIRST_OF_1000, NULL, NULL,
    206, "bytes 0-1999/*", 2000, A, NULL, PLAIN, TAKE (0, 2000, -1, TRUE, TRUE) },
  { "row 7: another size", 0, RESUME, A, NULL,
    206, "bytes 400-1099/1100", 700, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 7: another size, digest known", DIGEST_KNOWN, RESUME, A, NULL,
    206, "bytes 400-1099/1100", 700, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 7: shorter than what is held", 0, OVERLAP, A, NULL,
    206, "bytes 300-349/350", 50, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 7: shorter than what is held, size unknown", 0, 300, END, 400, -1, A, NULL,
    206, "bytes 300-349/350", 50, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "another strong ETag", 0, RESUME, A, NULL,
    206, GOOD, 600, B, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 9: same weak ETag", 0, OVERLAP, WA, NULL,
    206, "bytes 300-999/1000", 700, WA, NULL, PLAIN, TAKE (300, 1000, 1000, TRUE, FALSE) },
  { "row 9: same weak ETag, same date", 0, RESUME, WA, MAY,
    206, GOOD, 600, WA, MAY, PLAIN, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "row 9: same weak ETag, digest known", DIGEST_KNOWN, RESUME, WA, NULL,
    206, GOOD, 600, WA, NULL, PLAIN, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "row 9: another weak ETag", 0, OVERLAP, WA, NULL,
    206, "bytes 300-999/1000", 700, WB, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 11: another node's ETag", DIGEST_KNOWN, RESUME, A, NULL,
    206, GOOD, 600, B, NULL, PLAIN, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "row 11: another ETag, no size to agree on", DIGEST_KNOWN, RESUME_UNKNOWN, A, NULL,
    206, GOOD, 600, B, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 12: no validator, with overlap", 0, OVERLAP, NULL, NULL,
    206, "bytes 300-999/1000", 700, NULL, NULL, PLAIN, TAKE (300, 1000, 1000, TRUE, FALSE) },
  { "row 12: no validator, nothing to compare", 0, RESUME, NULL, NULL,
    206, GOOD, 600, NULL, NULL, PLAIN, VERDICT (ASK_WITH_OVERLAP) },
  { "row 12: no validator, starts earlier by itself", 0, RESUME, NULL, NULL,
    206, "bytes 399-999/1000", 601, NULL, NULL, PLAIN, TAKE (399, 1000, 1000, TRUE, FALSE) },
  { "row 12: the front is lacking", 0, 0, 100, 0, 1000, NULL, NULL,
    206, "bytes 0-99/1000", 100, NULL, NULL, PLAIN, TAKE (0, 100, 1000, TRUE, FALSE) },
  { "row 13: encoded part", 0, RESUME, A, NULL,
    206, GOOD, 600, A, NULL, NULL, "gzip", NULL, VERDICT (ASK_WITHOUT_RANGE) },
  { "row 13: harmless label", 0, RESUME, A, NULL,
    206, GOOD, 600, A, NULL, NULL, "aws-chunked", NULL, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "row 15: the overlap shows the end", 0, 300, END, 400, -1, NULL, NULL,
    206, "bytes 300-399/400", 100, NULL, NULL, PLAIN, TAKE (300, 400, 400, TRUE, FALSE) },
  { "row 25: a new target with the same date", 0, RESUME, NULL, MAY,
    206, GOOD, 600, NULL, MAY, PLAIN, TAKE (400, 1000, 1000, TRUE, TRUE) },
  { "row 25: a new target with another date", 0, RESUME, NULL, MAY,
    206, GOOD, 600, NULL, JUNE, PLAIN, VERDICT (CHANGED) },
  { "row 42: a page as a part", 0, RESUME, A, NULL,
    206, GOOD, 600, A, NULL, "text/html", NULL, NULL, FAILED (NOT_A_MODEL) },
  { "row 44: multipart", 0, RESUME, A, NULL,
    206, GOOD, 600, A, NULL, "multipart/byteranges", NULL, NULL, VERDICT (ASK_WITHOUT_RANGE) },
};

static const Case whole_cases[] = {
  { "first answer", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, 1000, A, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, TRUE) },
  { "no range asked", NOTHING_HELD | NO_RANGE, FIRST, NULL, NULL,
    200, NULL, 1000, A, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, TRUE) },
  { "an empty file", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, 0, A, NULL, PLAIN, TAKE (0, 0, 0, FALSE, TRUE) },
  { "another size than planned", NOTHING_HELD, FIRST_OF_1000, NULL, NULL,
    200, NULL, 900, A, NULL, PLAIN, TAKE (0, 900, 900, FALSE, TRUE) },
  { "another size than the digest's", NOTHING_HELD | DIGEST_KNOWN, FIRST_OF_1000, NULL, NULL,
    200, NULL, 900, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 1: no If-Range was sent, same ETag", 0, RESUME, A, NULL,
    200, NULL, 1000, A, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, TRUE) },
  { "row 1: same weak ETag", 0, OVERLAP, WA, NULL,
    200, NULL, 1000, WA, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, FALSE) },
  { "row 1: no validator, digest known", DIGEST_KNOWN, RESUME, NULL, NULL,
    200, NULL, 1000, NULL, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, FALSE) },
  { "row 1: whole file to a claim", 0, 400, 800, 400, 1000, A, NULL,
    200, NULL, 1000, A, NULL, PLAIN, TAKE (0, 800, 1000, FALSE, TRUE) },
  { "row 7: another size", 0, RESUME, A, NULL,
    200, NULL, 1001, A, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 7: shorter than what is held", 0, RESUME_UNKNOWN, NULL, NULL,
    200, NULL, 399, NULL, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 8: another ETag", SENT_IF_RANGE, RESUME, A, NULL,
    200, NULL, 1000, B, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 8: another ETag, no size", SENT_IF_RANGE | DIGEST_KNOWN, RESUME, A, NULL,
    200, NULL, -1, B, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 8: another date", SENT_IF_RANGE, RESUME, NULL, MAY,
    200, NULL, 1000, NULL, JUNE, PLAIN, VERDICT (CHANGED) },
  { "row 10: same ETag", SENT_IF_RANGE, RESUME, A, NULL,
    200, NULL, 1000, A, NULL, PLAIN, VERDICT (ASK_WITHOUT_CONDITION) },
  { "row 10: same ETag, but no ranges at all", SENT_IF_RANGE | ACCEPT_RANGES_NONE, RESUME, A, NULL,
    200, NULL, 1000, A, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, TRUE) },
  { "row 11: another node's ETag", SENT_IF_RANGE | DIGEST_KNOWN, RESUME, A, NULL,
    200, NULL, 1000, B, NULL, PLAIN, VERDICT (ASK_WITHOUT_CONDITION) },
  { "row 11: another node's ETag, no ranges", DIGEST_KNOWN, RESUME, A, NULL,
    200, NULL, 1000, B, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, FALSE) },
  { "row 12: no validator", 0, OVERLAP, NULL, NULL,
    200, NULL, 1000, NULL, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, FALSE) },
  { "row 13: encoded", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, 700, A, NULL, NULL, "gzip", NULL, FAILED (SERVER_ERROR) },
  { "row 14: encoded, no length", NOTHING_HELD, FIRST_OF_1000, NULL, NULL,
    200, NULL, -1, A, NULL, NULL, "gzip", NULL, FAILED (SERVER_ERROR) },
  { "row 13: encoded, neither length known", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, -1, A, NULL, NULL, "gzip", NULL, FAILED (SERVER_ERROR) },
  { "row 13: a label that the size belies", NOTHING_HELD, FIRST_OF_1000, NULL, NULL,
    200, NULL, 1000, A, NULL, NULL, "gzip", NULL, TAKE (0, 1000, 1000, FALSE, TRUE) },
  { "row 13: harmless label", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, 700, A, NULL, NULL, "aws-chunked", NULL, TAKE (0, 700, 700, FALSE, TRUE) },
  { "row 15: chunked", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, -1, A, NULL, PLAIN, TAKE (0, END, -1, FALSE, TRUE) },
  { "row 20, 21: chunked, size known", NOTHING_HELD, FIRST_OF_1000, NULL, NULL,
    200, NULL, -1, A, NULL, PLAIN, TAKE (0, 1000, 1000, FALSE, TRUE) },
  { "row 24: a page as answer to a resume", 0, RESUME, NULL, NULL,
    200, NULL, 1000, NULL, NULL, "text/html", NULL, NULL, FAILED (NOT_A_MODEL) },
  { "row 42: a page", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, -1, NULL, NULL, "text/html", NULL, NULL, FAILED (NOT_A_MODEL) },
  { "row 42: a page in XHTML", NOTHING_HELD, FIRST, NULL, NULL,
    200, NULL, -1, NULL, NULL, "application/xhtml+xml", NULL, NULL, FAILED (NOT_A_MODEL) },
  { "row 42: a page that was wanted", NOTHING_HELD | EXPECTS_HTML, FIRST, NULL, NULL,
    200, NULL, 500, NULL, NULL, "text/html", NULL, NULL, TAKE (0, 500, 500, FALSE, TRUE) },
};

static const Case other_cases[] = {
  { "row 22: complete", 0, RESUME_UNKNOWN, A, NULL,
    416, "bytes */400", -1, NULL, NULL, PLAIN, COMPLETE (400) },
  { "row 22: complete, size known", 0, 1000, END, 1000, 1000, A, NULL,
    416, "bytes */1000", -1, A, NULL, PLAIN, COMPLETE (1000) },
  { "row 22: the size, but another version", 0, RESUME_UNKNOWN, A, NULL,
    416, "bytes */400", -1, B, NULL, PLAIN, VERDICT (CHANGED) },
  { "row 22: an empty file", NOTHING_HELD, FIRST, NULL, NULL,
    416, "bytes */0", -1, NULL, NULL, PLAIN, COMPLETE (0) },
  { "row 22: empty, but it has a size", NOTHING_HELD, FIRST_OF_1000, NULL, NULL,
    416, "bytes */0", -1, NULL, NULL, PLAIN, FAILED (SERVER_ERROR) },
  { "row 23: shorter than what is held", 0, RESUME, A, NULL,
    416, "bytes */300", -1, NULL, NULL, PLAIN, VERDICT (STALE) },
  { "row 23: another size than was known", 0, RESUME, A, NULL,
    416, "bytes */400", -1, NULL, NULL, PLAIN, VERDICT (STALE) },
  { "row 23: shorter than what is held, with overlap", 0, 300, END, 400, -1, A, NULL,
    416, "bytes */300", -1, NULL, NULL, PLAIN, VERDICT (STALE) },
  { "row 23: no size", 0, RESUME, A, NULL,
    416, NULL, -1, NULL, NULL, PLAIN, VERDICT (STALE) },
  { "416 with a satisfied range", 0, RESUME, A, NULL,
    416, GOOD, -1, NULL, NULL, PLAIN, VERDICT (STALE) },
  { "416 although the bytes exist", 0, RESUME, A, NULL,
    416, "bytes */1000", -1, NULL, NULL, PLAIN, VERDICT (ASK_WITHOUT_RANGE) },
  { "416 at the first byte", NOTHING_HELD, FIRST, NULL, NULL,
    416, NULL, -1, NULL, NULL, PLAIN, FAILED (SERVER_ERROR) },
  { "416 without a range", NO_RANGE, 0, END, 400, 1000, A, NULL,
    416, "bytes */1000", -1, NULL, NULL, PLAIN, FAILED (SERVER_ERROR) },
};
/* clang-format on */

static void
judge (const Case *c, DrayVerdict *verdict)
{
  g_auto (DrayResponse) response;
  const DrayValidator ours = { (char *)c->our_etag, (char *)c->our_date, 86400 };
  const DrayQuestion question = {
    .has_range = !(c->flags & NO_RANGE),
    .start = c->start,
    .end = c->end,
    .wanted = c->wanted,
    .sent_if_range = (c->flags & SENT_IF_RANGE) != 0,
    .total = c->total,
    .validator = &ours,
    .holds_bytes = !(c->flags & NOTHING_HELD),
    .digest_known = (c->flags & DIGEST_KNOWN) != 0,
    .expects_html = (c->flags & EXPECTS_HTML) != 0,
  };

  dray_response_init (&response);
  response.status = c->status;
  if (c->content_range != NULL)
    dray_response_parse_content_range (&response, c->content_range);
  response.content_length = c->content_length;
  response.validator = (DrayValidator){ g_strdup (c->etag), g_strdup (c->date), 86400 };
  response.content_type = g_strdup (c->content_type);
  response.content_encoding = g_strdup (c->content_encoding);
  response.accept_ranges_none = (c->flags & ACCEPT_RANGES_NONE) != 0;
  response.error_code = g_strdup (c->error_code);

  dray_response_judge (&response, &question, verdict);
}

static void
check_cases (const Case *cases, gsize n_cases)
{
  for (gsize i = 0; i < n_cases; i++)
    {
      const Case *c = &cases[i];
      DrayVerdict verdict;

      g_test_message ("%s", c->what);
      judge (c, &verdict);
      g_assert_cmpint (verdict.kind, ==, c->kind);
      if (c->kind == DRAY_VERDICT_TAKE)
        {
          g_assert_cmpint (verdict.body_start, ==, c->body_start);
          g_assert_cmpint (verdict.body_end, ==, c->body_end);
          g_assert_cmpint (verdict.ranges, ==, c->ranges);
          g_assert_cmpint (verdict.proven, ==, c->proven);
        }
      if (c->kind == DRAY_VERDICT_TAKE || c->kind == DRAY_VERDICT_COMPLETE)
        g_assert_cmpint (verdict.total, ==, c->verdict_total);
      if (c->kind == DRAY_VERDICT_FAILED)
        {
          g_assert_cmpint (verdict.error, ==, c->error);
          g_assert_nonnull (verdict.reason);
        }
    }
}

static void
test_part (void)
{
  check_cases (part_cases, G_N_ELEMENTS (part_cases));
}

static void
test_whole (void)
{
  check_cases (whole_cases, G_N_ELEMENTS (whole_cases));
}

static void
test_unsatisfied (void)
{
  check_cases (other_cases, G_N_ELEMENTS (other_cases));
}

/* Rows 32 to 34 and 45. */
static void
test_refusals (void)
{
  static const struct
  {
    guint status;
    const char *error_code;
    DrayError error;
  } cases[] = {
    { 0, NULL, DRAY_ERROR_SERVER_ERROR },
    { 201, NULL, DRAY_ERROR_SERVER_ERROR },
    { 204, NULL, DRAY_ERROR_SERVER_ERROR },
    { 205, NULL, DRAY_ERROR_SERVER_ERROR },
    { 302, NULL, DRAY_ERROR_SERVER_ERROR },
    { 304, NULL, DRAY_ERROR_SERVER_ERROR },
    { 400, NULL, DRAY_ERROR_FORBIDDEN },
    { 401, NULL, DRAY_ERROR_UNAUTHORIZED },
    { 401, "RepoNotFound", DRAY_ERROR_UNAUTHORIZED },
    { 401, "GatedRepo", DRAY_ERROR_GATED },
    { 403, NULL, DRAY_ERROR_FORBIDDEN },
    { 403, "GatedRepo", DRAY_ERROR_GATED },
    { 404, NULL, DRAY_ERROR_NOT_FOUND },
    { 404, "GatedRepo", DRAY_ERROR_NOT_FOUND },
    { 407, NULL, DRAY_ERROR_NETWORK },
    { 408, NULL, DRAY_ERROR_SERVER_ERROR },
    { 410, NULL, DRAY_ERROR_NOT_FOUND },
    { 412, NULL, DRAY_ERROR_FORBIDDEN },
    { 425, NULL, DRAY_ERROR_SERVER_ERROR },
    { 429, NULL, DRAY_ERROR_RATE_LIMITED },
    { 451, NULL, DRAY_ERROR_FORBIDDEN },
    { 500, NULL, DRAY_ERROR_SERVER_ERROR },
    { 502, NULL, DRAY_ERROR_SERVER_ERROR },
    { 503, NULL, DRAY_ERROR_SERVER_ERROR },
    { 504, NULL, DRAY_ERROR_SERVER_ERROR },
    { 511, NULL, DRAY_ERROR_SERVER_ERROR },
    { 999, NULL, DRAY_ERROR_SERVER_ERROR },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case c = { .end = END,
                       .total = 1000,
                       .content_length = 10,
                       .status = cases[i].status,
                       .content_type = "text/html",
                       .error_code = cases[i].error_code };
      DrayVerdict verdict;

      g_test_message ("status %u", cases[i].status);
      judge (&c, &verdict);
      g_assert_cmpint (verdict.kind, ==, DRAY_VERDICT_FAILED);
      g_assert_cmpint (verdict.error, ==, cases[i].error);
      g_assert_nonnull (verdict.reason);
      if (cases[i].status == 407)
        g_assert_nonnull (g_strrstr (verdict.reason, "proxy"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/response-judge/part", test_part);
  g_test_add_func ("/response-judge/whole", test_whole);
  g_test_add_func ("/response-judge/unsatisfied", test_unsatisfied);
  g_test_add_func ("/response-judge/refusals", test_refusals);

  return g_test_run ();
}
