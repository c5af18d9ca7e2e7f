/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/model-server-private.h"

#include <string.h>
#include <time.h>

#define BOUNDARY "dray-test-boundary"

/* How far wrong figures are from the right ones, in bytes. */
#define WRONG_TOTAL 1000
#define WRONG_LENGTH 100

typedef enum
{
  RANGE_WHOLE,
  RANGE_PART,
  RANGE_UNSATISFIABLE,
} RangeOutcome;

/* A file's validators as one response tells them. */
typedef struct
{
  char *etag;     /* nullable */
  char *modified; /* nullable */
} Validators;

static void
validators_clear (Validators *validators)
{
  g_free (validators->etag);
  g_free (validators->modified);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Validators, validators_clear)

static DrayTestResponse *
response_new (guint status, const DrayTestRequest *request)
{
  DrayTestResponse *response = g_new0 (DrayTestResponse, 1);
  g_autofree char *date = dray_test_dup_http_date (time (NULL));

  response->status = status;
  response->head = g_string_new (NULL);
  g_string_append_printf (response->head, "Date: %s\r\n", date);
  response->head_only = strcmp (request->method, "HEAD") == 0;
  response->closes = request->closes;
  response->drip_after = -1;
  response->break_after = -1;
  response->wrong_offset = -1;

  return response;
}

/* Ends the head with what tells the body's extent. */
static void
finish_head (DrayTestResponse *response)
{
  gint64 size = dray_test_response_get_body_size (response);
  gboolean bodiless = response->status == 204 || response->status == 304;

  if (response->framing == DRAY_TEST_FRAMING_CLOSE || response->excess > 0)
    response->closes = TRUE;
  if (response->framing == DRAY_TEST_FRAMING_CHUNKED
      || response->framing == DRAY_TEST_FRAMING_CHUNKED_AND_LENGTH)
    g_string_append (response->head, "Transfer-Encoding: chunked\r\n");
  if (response->framing != DRAY_TEST_FRAMING_CHUNKED && response->framing != DRAY_TEST_FRAMING_CLOSE
      && !bodiless)
    g_string_append_printf (response->head, "Content-Length: %" G_GINT64_FORMAT "\r\n", size);
  if (response->framing == DRAY_TEST_FRAMING_TWO_LENGTHS)
    {
      g_string_append_printf (response->head, "Content-Length: %" G_GINT64_FORMAT "\r\n",
                              size + WRONG_LENGTH);
      response->closes = TRUE;
    }
  if (response->closes)
    g_string_append (response->head, "Connection: close\r\n");
  g_string_append (response->head, "\r\n");

  response->head_only = response->head_only || bodiless;
}

static void
set_text (DrayTestResponse *response, const char *headers, const char *text)
{
  response->content = dray_test_content_new_text (text != NULL ? text : "");
  response->length = dray_test_content_get_size (response->content);
  if (headers != NULL)
    g_string_append (response->head, headers);
}

/**
 * dray_test_response_new_text:
 * @status: the status
 * @headers: (nullable): further lines, each ended by CRLF
 * @text: (nullable): the body
 * @request: what is answered
 *
 * Returns: (transfer full): a response that is no file
 */
DrayTestResponse *
dray_test_response_new_text (guint status,
                             const char *headers,
                             const char *text,
                             const DrayTestRequest *request)
{
  DrayTestResponse *response = response_new (status, request);

  set_text (response, headers, text);
  finish_head (response);

  return response;
}

/**
 * dray_test_response_free:
 * @response: (transfer full): a response; the server's lock is held
 */
void
dray_test_response_free (DrayTestResponse *response)
{
  if (response->file != NULL)
    {
      response->file->open_bodies--;
      dray_test_file_unref (response->file);
    }
  g_string_free (response->head, TRUE);
  g_clear_pointer (&response->content, dray_test_content_unref);
  g_free (response->prefix);
  g_free (response->suffix);
  g_free (response);
}

static void
read_validators (const DrayTestFile *file, Validators *validators)
{
  DrayTestValidators how = file->behaviour.validators;

  if (how == DRAY_TEST_VALIDATORS_WEAK)
    validators->etag = g_strconcat ("W/", file->etag, NULL);
  else if (how == DRAY_TEST_VALIDATORS_CHANGING)
    validators->etag = g_strdup_printf ("\"node-%u\"", file->n_requests);
  else if (how != DRAY_TEST_VALIDATORS_NONE && how != DRAY_TEST_VALIDATORS_ONLY_DATE)
    validators->etag = g_strdup (file->etag);

  if (how != DRAY_TEST_VALIDATORS_NONE && how != DRAY_TEST_VALIDATORS_ONLY_ETAG)
    validators->modified = dray_test_dup_http_date (file->modified);
}

/* RFC 9110 §13.1.5: a date matches exactly, an entity tag by the strong comparison. */
static gboolean
if_range_holds (const DrayTestFile *file,
                const Validators *validators,
                const DrayTestRequest *request)
{
  g_autofree char *condition = dray_test_request_dup_header (request, "If-Range");

  if (condition == NULL || file->behaviour.if_range == DRAY_TEST_IF_RANGE_IGNORED)
    return TRUE;
  if (file->behaviour.if_range == DRAY_TEST_IF_RANGE_FAILS)
    return FALSE;

  return (condition[0] == '"' && g_strcmp0 (condition, validators->etag) == 0)
         || g_strcmp0 (condition, validators->modified) == 0;
}

/* Turns the range that was asked for into [start, start + length). */
static RangeOutcome
choose_range (const DrayTestFile *file,
              const Validators *validators,
              const DrayTestRequest *request,
              DrayTestResponse *response)
{
  const DrayTestRange *range = &request->range;
  const DrayTestBehaviour *behaviour = &file->behaviour;
  gint64 size = dray_test_content_get_size (file->content);
  gint64 start, end;

  response->length = size;
  if (response->head_only || behaviour->ranges == DRAY_TEST_RANGES_IGNORED
      || behaviour->ranges == DRAY_TEST_RANGES_DENIED || range->kind == DRAY_TEST_RANGE_NONE
      || range->kind == DRAY_TEST_RANGE_MULTIPLE || !if_range_holds (file, validators, request))
    return RANGE_WHOLE;

  start = range->kind == DRAY_TEST_RANGE_SUFFIX ? MAX (0, size - range->last) : range->first;
  end = range->kind == DRAY_TEST_RANGE_SUFFIX || range->last < 0 || range->last >= size
            ? size
            : range->last + 1;
  if (start >= size)
    return RANGE_UNSATISFIABLE;

  start = CLAMP (start + behaviour->start_shift, 0, size - 1);
  end = CLAMP (end + behaviour->end_shift, start + 1, size);
  response->start = start;
  response->length = end - start;

  return RANGE_PART;
}

static char *
dup_content_range (DrayTestContentRange how, const DrayTestResponse *response, gint64 size)
{
  gint64 last = response->start + response->length - 1;

  switch (how)
    {
    case DRAY_TEST_CONTENT_RANGE_MISSING:
      return g_strdup ("");

    case DRAY_TEST_CONTENT_RANGE_BROKEN:
      return g_strdup_printf ("Content-Range: bytes %" G_GINT64_FORMAT "-/oops\r\n", last);

    case DRAY_TEST_CONTENT_RANGE_STAR:
      return g_strdup_printf ("Content-Range: bytes %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT
                              "/*\r\n",
                              response->start, last);

    case DRAY_TEST_CONTENT_RANGE_WRONG_TOTAL:
    case DRAY_TEST_CONTENT_RANGE_CORRECT:
    default:
      return g_strdup_printf ("Content-Range: bytes %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT
                              "/%" G_GINT64_FORMAT "\r\n",
                              response->start, last,
                              how == DRAY_TEST_CONTENT_RANGE_CORRECT ? size : size + WRONG_TOTAL);
    }
}

static void
add_part (DrayTestResponse *response, const DrayTestFile *file)
{
  gint64 size = dray_test_content_get_size (file->content);
  g_autofree char *content_range =
      dup_content_range (file->behaviour.content_range, response, size);

  response->status = 206;
  if (file->behaviour.ranges != DRAY_TEST_RANGES_MULTIPART)
    {
      g_string_append_printf (response->head, "Content-Type: %s\r\n%s", file->type, content_range);
      return;
    }

  g_string_append (response->head, "Content-Type: multipart/byteranges; boundary=" BOUNDARY "\r\n");
  response->prefix =
      g_strdup_printf ("--" BOUNDARY "\r\nContent-Type: %s\r\n%s\r\n", file->type, content_range);
  response->suffix = g_strdup ("\r\n--" BOUNDARY "--\r\n");
}

static void
add_file_headers (DrayTestResponse *response,
                  const DrayTestFile *file,
                  const Validators *validators)
{
  const DrayTestBehaviour *behaviour = &file->behaviour;
  GString *head = response->head;

  if (behaviour->ranges == DRAY_TEST_RANGES_DENIED)
    g_string_append (head, "Accept-Ranges: none\r\n");
  else if (behaviour->ranges == DRAY_TEST_RANGES_CORRECT
           || behaviour->ranges == DRAY_TEST_RANGES_MULTIPART)
    g_string_append (head, "Accept-Ranges: bytes\r\n");
  if (validators->etag != NULL)
    g_string_append_printf (head, "ETag: %s\r\n", validators->etag);
  if (validators->modified != NULL)
    g_string_append_printf (head, "Last-Modified: %s\r\n", validators->modified);
  if (file->disposition != NULL)
    g_string_append_printf (head, "Content-Disposition: %s\r\n", file->disposition);
  if (behaviour->content_encoding != NULL)
    g_string_append_printf (head, "Content-Encoding: %s\r\n", behaviour->content_encoding);
  if (behaviour->headers != NULL)
    g_string_append (head, behaviour->headers);
}

static void
set_unsatisfiable (DrayTestResponse *response, DrayTestUnsatisfiable how, gint64 size)
{
  response->status = 416;
  set_text (response, NULL, NULL);
  if (how == DRAY_TEST_UNSATISFIABLE_BARE)
    return;
  if (how == DRAY_TEST_UNSATISFIABLE_WRONG_TOTAL)
    size += WRONG_TOTAL;
  g_string_append_printf (response->head, "Content-Range: bytes */%" G_GINT64_FORMAT "\r\n", size);
}

static void
set_faults (DrayTestResponse *response, DrayTestBehaviour *behaviour)
{
  gint64 end = response->start + response->length;

  response->framing = behaviour->framing;
  response->excess = behaviour->excess;
  if (response->head_only)
    return;

  if (dray_test_behaviour_use (&behaviour->drip_times))
    response->drip_after = behaviour->drip_after;
  if (behaviour->break_after <= dray_test_response_get_body_size (response)
      && dray_test_behaviour_use (&behaviour->break_times))
    {
      response->break_after = behaviour->break_after;
      response->break_how = behaviour->break_how;
    }
  if (behaviour->wrong_offset >= response->start && behaviour->wrong_offset < end
      && dray_test_behaviour_use (&behaviour->wrong_times))
    response->wrong_offset = behaviour->wrong_offset;
}

static void
set_file (DrayTestResponse *response, DrayTestFile *file, const DrayTestRequest *request)
{
  DrayTestBehaviour *behaviour = &file->behaviour;
  g_auto (Validators) validators = { 0 };
  RangeOutcome outcome;

  read_validators (file, &validators);
  outcome = choose_range (file, &validators, request, response);
  add_file_headers (response, file, &validators);

  if (outcome == RANGE_UNSATISFIABLE
      && behaviour->unsatisfiable != DRAY_TEST_UNSATISFIABLE_WHOLE_FILE)
    {
      set_unsatisfiable (response, behaviour->unsatisfiable,
                         dray_test_content_get_size (file->content));
      return;
    }

  response->is_file = TRUE;
  response->content = dray_test_content_ref (file->content);
  if (outcome == RANGE_PART)
    add_part (response, file);
  else
    g_string_append_printf (response->head, "Content-Type: %s\r\n", file->type);
  set_faults (response, behaviour);
}

/* Whether this request gets the answer that the test has put in place of the file. */
static gboolean
takes_answer (DrayTestAnswer *answer, const DrayTestRequest *request)
{
  if (answer->times == 0 || (answer->only_resumes && request->range.first <= 0))
    return FALSE;
  if (answer->skip > 0)
    {
      answer->skip--;
      return FALSE;
    }

  return dray_test_behaviour_use (&answer->times);
}

static void
fill (DrayTestResponse *response, DrayTestFile *file, const DrayTestRequest *request)
{
  DrayTestBehaviour *behaviour = &file->behaviour;

  if (takes_answer (&behaviour->answer, request))
    {
      response->status = behaviour->answer.status;
      set_text (response, behaviour->answer.headers, behaviour->answer.body);
    }
  else if (behaviour->redirect != NULL)
    {
      response->status = behaviour->redirect_status != 0 ? behaviour->redirect_status : 302;
      set_text (response, behaviour->headers, NULL);
      g_string_append_printf (response->head, "Location: %s\r\n", behaviour->redirect);
    }
  else if (behaviour->refuses_head && response->head_only)
    {
      response->status = 405;
      set_text (response, "Allow: GET\r\n", NULL);
    }
  else if (behaviour->max_bodies > 0 && file->open_bodies >= behaviour->max_bodies)
    {
      response->status = behaviour->max_bodies_status;
      set_text (response, NULL, NULL);
      response->closes = response->closes || response->status == 0;
    }
  else
    {
      response->file = file;
      file->ref_count++;
      file->open_bodies++;
      set_file (response, file, request);
    }
}

/**
 * dray_test_response_new:
 * @file: a file; the server's lock is held
 * @request: a GET or HEAD
 *
 * Decides everything about an answer except the speed, which may change while it goes on. What
 * happens only so many times is counted here.
 *
 * Returns: (transfer full): the answer
 */
DrayTestResponse *
dray_test_response_new (DrayTestFile *file, const DrayTestRequest *request)
{
  DrayTestResponse *response = response_new (200, request);
  const DrayTestBehaviour *behaviour = &file->behaviour;

  file->n_requests++;
  response->delay = behaviour->delay;
  response->interim = behaviour->interim;
  response->header_padding = behaviour->header_padding;
  response->closes = response->closes || behaviour->close_after;
  fill (response, file, request);
  finish_head (response);

  return response;
}
