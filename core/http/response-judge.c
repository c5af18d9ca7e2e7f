/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/response.h"

static void
fail (DrayVerdict *verdict, DrayError error, const char *reason)
{
  verdict->kind = DRAY_VERDICT_FAILED;
  verdict->error = error;
  verdict->reason = reason;
}

/* The answer to a range cannot be relied on. Without a range there is nothing simpler to ask. */
static void
reject_range (const DrayQuestion *question, DrayVerdict *verdict)
{
  if (question->has_range)
    verdict->kind = DRAY_VERDICT_ASK_WITHOUT_RANGE;
  else
    fail (verdict, DRAY_ERROR_SERVER_ERROR,
          "The server sent a part of the file where the whole was asked for");
}

static gboolean
is_unwanted_page (const DrayResponse *response, const DrayQuestion *question)
{
  return !question->expects_html
         && (g_strcmp0 (response->content_type, "text/html") == 0
             || g_strcmp0 (response->content_type, "application/xhtml+xml") == 0);
}

/* `aws-chunked` is how a file was uploaded to an object store that forgot to drop the label; the
 * bytes are the file's. */
static gboolean
is_encoded (const DrayResponse *response)
{
  return response->content_encoding != NULL
         && !g_str_equal (response->content_encoding, "aws-chunked")
         && !g_str_equal (response->content_encoding, "identity");
}

static DrayValidatorMatch
compare_versions (const DrayResponse *response, const DrayQuestion *question)
{
  if (question->validator == NULL)
    return DRAY_VALIDATORS_UNPROVEN;

  return dray_validator_compare (question->validator, &response->validator);
}

/* Whether two sizes are known and not the same. */
static gboolean
sizes_differ (gint64 a, gint64 b)
{
  return a != DRAY_SIZE_UNKNOWN && b != DRAY_SIZE_UNKNOWN && a != b;
}

/* A size that came with the digest, or that bytes at hand belong to, is not given up. */
static gboolean
is_other_size (const DrayQuestion *question, gint64 total)
{
  if ((question->holds_bytes || question->digest_known) && sizes_differ (question->total, total))
    return TRUE;

  return question->holds_bytes && total != DRAY_SIZE_UNKNOWN && total < question->wanted;
}

/* With a digest and the right size another validator means another node of a CDN, not another
 * file: the digest will tell. */
static gboolean
is_vouched_for (const DrayQuestion *question, gint64 total)
{
  return question->digest_known && total != DRAY_SIZE_UNKNOWN && question->total == total;
}

static gboolean
is_usable_part (const DrayResponse *response, const DrayQuestion *question)
{
  gint64 length = response->range_end - response->range_start;

  return g_strcmp0 (response->content_type, "multipart/byteranges") != 0 && !is_encoded (response)
         && response->has_content_range && response->range_start >= 0
         && response->range_start <= question->start
         && !sizes_differ (response->content_length, length);
}

/* Where `*` stands for the size, a part beyond the size that was known still tells another one. */
static gint64
claimed_total (const DrayResponse *response, const DrayQuestion *question)
{
  if (response->range_total == DRAY_SIZE_UNKNOWN && question->total != DRAY_SIZE_UNKNOWN
      && response->range_end > question->total)
    return response->range_end;

  return response->range_total;
}

static void
take_part (const DrayResponse *response,
           const DrayQuestion *question,
           gboolean proven,
           DrayVerdict *verdict)
{
  verdict->total = response->range_total;
  if (verdict->total == DRAY_SIZE_UNKNOWN && claimed_total (response, question) < 0)
    verdict->total = question->total;

  verdict->kind = DRAY_VERDICT_TAKE;
  verdict->body_start = response->range_start;
  verdict->body_end = MIN (response->range_end, question->end);
  verdict->ranges = TRUE;
  verdict->proven = proven;
}

static void
judge_part (const DrayResponse *response, const DrayQuestion *question, DrayVerdict *verdict)
{
  gint64 total = claimed_total (response, question);
  gint64 end = response->range_end;
  DrayValidatorMatch match = compare_versions (response, question);
  gboolean proven =
      !question->holds_bytes || question->digest_known || match == DRAY_VALIDATORS_EQUAL;

  if (!is_usable_part (response, question))
    reject_range (question, verdict);
  else if (is_other_size (question, total)
           || (question->holds_bytes && match == DRAY_VALIDATORS_DIFFER
               && !is_vouched_for (question, total)))
    verdict->kind = DRAY_VERDICT_CHANGED;
  else if (end < question->wanted || (end == question->wanted && end != response->range_total))
    fail (verdict, DRAY_ERROR_SERVER_ERROR,
          "The server sent a part of the file that ends before the bytes that were asked for");
  else if (!proven && response->range_start == question->wanted && question->wanted > 0)
    verdict->kind = DRAY_VERDICT_ASK_WITH_OVERLAP;
  else
    take_part (response, question, proven, verdict);
}

static void
take_whole (const DrayResponse *response, const DrayQuestion *question, DrayVerdict *verdict)
{
  verdict->total = response->content_length;
  if (verdict->total == DRAY_SIZE_UNKNOWN)
    verdict->total = question->total;

  verdict->kind = DRAY_VERDICT_TAKE;
  verdict->body_start = 0;
  verdict->body_end =
      verdict->total == DRAY_SIZE_UNKNOWN ? question->end : MIN (verdict->total, question->end);
  verdict->ranges = FALSE;
  verdict->proven =
      !question->holds_bytes || compare_versions (response, question) == DRAY_VALIDATORS_EQUAL;
}

static void
judge_whole (const DrayResponse *response, const DrayQuestion *question, DrayVerdict *verdict)
{
  gint64 total = response->content_length;
  DrayValidatorMatch match = compare_versions (response, question);
  gboolean may_retry_range =
      question->has_range && question->sent_if_range && !response->accept_ranges_none;

  /* The decoder is off, so compressed bytes would be stored as the file. A body of just the size
   * that was known is not compressed, whatever its label says. */
  if (is_encoded (response) && (total == DRAY_SIZE_UNKNOWN || total != question->total))
    fail (verdict, DRAY_ERROR_SERVER_ERROR,
          "The server compressed the file on the way although it was asked not to");
  else if (is_other_size (question, total))
    verdict->kind = DRAY_VERDICT_CHANGED;
  else if (!question->holds_bytes)
    take_whole (response, question, verdict);
  else if (match == DRAY_VALIDATORS_DIFFER && !is_vouched_for (question, total))
    verdict->kind = DRAY_VERDICT_CHANGED;
  else if (match != DRAY_VALIDATORS_UNPROVEN && may_retry_range)
    verdict->kind = DRAY_VERDICT_ASK_WITHOUT_CONDITION;
  else
    take_whole (response, question, verdict);
}

static void
complete (DrayVerdict *verdict, gint64 total)
{
  verdict->kind = DRAY_VERDICT_COMPLETE;
  verdict->total = total;
}

/* 416: nothing at or beyond `start`. What its Content-Range says of the size is all that counts. */
static void
judge_unsatisfied (const DrayResponse *response, const DrayQuestion *question, DrayVerdict *verdict)
{
  gboolean tells_size = response->has_content_range && response->range_start < 0;
  gint64 size = tells_size ? response->range_total : DRAY_SIZE_UNKNOWN;
  gboolean agrees = tells_size && !sizes_differ (question->total, size);

  if (!question->has_range)
    fail (verdict, DRAY_ERROR_SERVER_ERROR,
          "The server refused a part of the file where the whole was asked for");
  else if (tells_size && size > question->start)
    reject_range (question, verdict);
  else if (!question->holds_bytes && agrees && size == 0)
    complete (verdict, 0);
  else if (!question->holds_bytes)
    fail (verdict, DRAY_ERROR_SERVER_ERROR, "The server says that the file has no such bytes");
  else if (compare_versions (response, question) == DRAY_VALIDATORS_DIFFER
           && !is_vouched_for (question, size))
    verdict->kind = DRAY_VERDICT_CHANGED;
  else if (agrees && size == question->start && size == question->wanted)
    complete (verdict, size);
  else
    verdict->kind = DRAY_VERDICT_STALE;
}

/* What each status means that brings no bytes; the last rows stand for whole classes. */
static const struct
{
  guint first;
  guint last;
  DrayError error;
  const char *reason;
} refusals[] = {
  { 204, 205, DRAY_ERROR_SERVER_ERROR, "The server answered without sending the file" },
  { 304, 304, DRAY_ERROR_SERVER_ERROR, "The server answered as if it had sent the file before" },
  { 300, 399, DRAY_ERROR_SERVER_ERROR, "The server points elsewhere without saying where" },
  { 401, 401, DRAY_ERROR_UNAUTHORIZED, "The server asks for a sign-in: add an access token" },
  { 403, 403, DRAY_ERROR_FORBIDDEN, "The server refuses access: the link may have expired" },
  { 404, 404, DRAY_ERROR_NOT_FOUND, "The server has no such file" },
  { 407, 407, DRAY_ERROR_NETWORK, "The proxy asks for a password: check the proxy settings" },
  { 408, 408, DRAY_ERROR_SERVER_ERROR, "The server gave up waiting for the request" },
  { 410, 410, DRAY_ERROR_NOT_FOUND, "The server has removed the file" },
  { 425, 425, DRAY_ERROR_SERVER_ERROR, "The server asks to be tried again a little later" },
  { 429, 429, DRAY_ERROR_RATE_LIMITED, "The server asks for fewer requests" },
  { 451, 451, DRAY_ERROR_FORBIDDEN, "The server may not offer the file here for legal reasons" },
  { 400, 499, DRAY_ERROR_FORBIDDEN, "The server refuses the request: check the address" },
  { 503, 503, DRAY_ERROR_SERVER_ERROR, "The server is busy or being maintained" },
  { 511, 511, DRAY_ERROR_SERVER_ERROR, "This network asks for a sign-in: open its page first" },
  { 500, 599, DRAY_ERROR_SERVER_ERROR, "The server had an error of its own" },
  { 0, G_MAXUINT, DRAY_ERROR_SERVER_ERROR, "The server gave an answer that makes no sense" },
};

static void
judge_refusal (const DrayResponse *response, DrayVerdict *verdict)
{
  if ((response->status == 401 || response->status == 403)
      && g_strcmp0 (response->error_code, "GatedRepo") == 0)
    {
      fail (verdict, DRAY_ERROR_GATED,
            "The model's licence must be accepted on its page, with the account of the token");
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      if (refusals[i].first <= response->status && response->status <= refusals[i].last)
        {
          fail (verdict, refusals[i].error, refusals[i].reason);
          return;
        }
    }
}

/**
 * dray_response_judge:
 * @response: what the server answered, after redirects
 * @question: what was asked, and what is known
 * @verdict: (out caller-allocates): where the one thing to do next goes
 *
 * Only TAKE lets bytes be used, and it says where they belong. A verdict to ask again differs from
 * the question it answers, so asking cannot go on for ever: without a condition, then with an
 * overlap, then without a range.
 */
void
dray_response_judge (const DrayResponse *response,
                     const DrayQuestion *question,
                     DrayVerdict *verdict)
{
  *verdict = (DrayVerdict){
    .kind = DRAY_VERDICT_FAILED,
    .body_end = DRAY_END_UNKNOWN,
    .total = question->total,
    .error = DRAY_ERROR_SERVER_ERROR,
  };

  if ((response->status == 200 || response->status == 206) && is_unwanted_page (response, question))
    fail (verdict, DRAY_ERROR_NOT_A_MODEL,
          "A web page came instead of the file: a sign-in or a licence may be needed there first");
  else if ((response->status == 200 || response->status == 206)
           && response->content_length == DRAY_LENGTH_INVALID)
    fail (verdict, DRAY_ERROR_SERVER_ERROR, "The server gave a size that no file has");
  else if (response->status == 200)
    judge_whole (response, question, verdict);
  else if (response->status == 206)
    judge_part (response, question, verdict);
  else if (response->status == 416)
    judge_unsatisfied (response, question, verdict);
  else
    judge_refusal (response, verdict);
}
