/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/session.h"

#include "core/base/download-key.h"
#include "core/http/authorities.h"
#include "core/http/redirect.h"
#include "dray-config.h"

/* Far more than the governor opens; see the head of session.h. */
#define CONNECTIONS_MAX 1024

/* libsoup 3.2 has only an environment variable to keep it from HTTP/2, which has no backpressure
 * there. It is set when the library is loaded, before there is a thread that could read it; later
 * versions are also told per message. */
__attribute__ ((constructor)) static void
force_http1 (void)
{
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
}

/**
 * dray_http_session_new:
 * @silence: how long a socket may be silent, in seconds
 *
 * Returns: (transfer full): a session, to be made and freed in the main thread
 */
SoupSession *
dray_http_session_new (guint silence)
{
  SoupSession *session = soup_session_new_with_options ("user-agent", "dray/" DRAY_VERSION,
                                                        "timeout", silence,
                                                        "max-conns", CONNECTIONS_MAX,
                                                        "max-conns-per-host", CONNECTIONS_MAX,
                                                        NULL);

  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  return session;
}

static DrayError
classify (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return DRAY_ERROR_CANCELLED;
  if (error->domain == G_TLS_ERROR)
    return g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF) ? DRAY_ERROR_NETWORK
                                                                  : DRAY_ERROR_TLS;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return DRAY_ERROR_STALLED;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
    return DRAY_ERROR_TOO_SHORT;

  return DRAY_ERROR_NETWORK;
}

/* Says in our domain what GIO or libsoup said, with the host it was said about. */
static void
propagate (GError **error, GError *from, const char *url)
{
  g_autoptr (GError) taken = from;
  g_autofree char *shown = dray_url_redact (url);
  DrayError code = classify (from);

  switch (code)
    {
    case DRAY_ERROR_CANCELLED:
      g_set_error_literal (error, DRAY_ERROR, code, "Cancelled");
      break;

    case DRAY_ERROR_STALLED:
      g_set_error (error, DRAY_ERROR, code, "No data from “%s” for %d seconds", shown,
                   DRAY_HTTP_SILENCE);
      break;

    default:
      g_set_error (error, DRAY_ERROR, code, "Could not fetch “%s”: %s", shown, taken->message);
      break;
    }
}

static gint64
parse_retry_after (const char *value)
{
  g_autoptr (GDateTime) date = NULL;
  guint64 seconds;

  if (value == NULL)
    return -1;
  if (g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT32, &seconds, NULL))
    return (gint64) seconds;

  date = soup_date_time_new_from_http_string (value);
  return date != NULL ? MAX (0, g_date_time_to_unix (date) - g_get_real_time () / G_USEC_PER_SEC)
                      : -1;
}

/* libsoup hands on any number, negative ones too. A length that no file has is none. */
static gint64
parse_length (const char *value)
{
  guint64 length;

  return value != NULL && g_ascii_string_to_unsigned (value, 10, 0, DRAY_LENGTH_MAX, &length, NULL)
             ? (gint64) length
             : DRAY_LENGTH_INVALID;
}

static gint64
parse_date_gap (const char *last_modified, const char *date)
{
  g_autoptr (GDateTime) then = NULL;
  g_autoptr (GDateTime) now = NULL;

  if (last_modified == NULL || date == NULL)
    return -1;

  then = soup_date_time_new_from_http_string (last_modified);
  now = soup_date_time_new_from_http_string (date);
  if (then == NULL || now == NULL)
    return -1;

  return MAX (-1, g_date_time_to_unix (now) - g_date_time_to_unix (then));
}

static void
read_headers (DrayHttpAnswer *answer, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  DrayResponse *response = &answer->response;
  const char *value;
  const char *content_type;

  response->status = soup_message_get_status (message);
  value = soup_message_headers_get_one (headers, "Content-Range");
  if (value != NULL)
    dray_response_parse_content_range (response, value);
  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH)
    response->content_length = parse_length (
        soup_message_headers_get_one (headers, "Content-Length"));

  response->validator.etag = g_strdup (soup_message_headers_get_one (headers, "ETag"));
  response->validator.last_modified
      = g_strdup (soup_message_headers_get_one (headers, "Last-Modified"));
  response->validator.date_gap = parse_date_gap (response->validator.last_modified,
                                                 soup_message_headers_get_one (headers, "Date"));

  content_type = soup_message_headers_get_content_type (headers, NULL);
  if (content_type != NULL)
    response->content_type = g_ascii_strdown (content_type, -1);
  value = soup_message_headers_get_list (headers, "Content-Encoding");
  if (value != NULL && g_ascii_strcasecmp (value, "identity") != 0)
    response->content_encoding = g_ascii_strdown (value, -1);
  value = soup_message_headers_get_list (headers, "Accept-Ranges");
  response->accept_ranges_none = value != NULL && g_ascii_strcasecmp (value, "none") == 0;

  response->retry_after
      = parse_retry_after (soup_message_headers_get_one (headers, "Retry-After"));
  value = soup_message_headers_get_list (headers, "RateLimit");
  if (response->retry_after < 0 && value != NULL && response->status == 429)
    response->retry_after = dray_response_parse_rate_limit (value);
  value = soup_message_headers_get_list (headers, "Repr-Digest");
  if (value != NULL)
    response->sha256 = dray_response_parse_repr_digest (value);
  response->error_code = g_strdup (soup_message_headers_get_one (headers, "X-Error-Code"));
  answer->disposition
      = g_strdup (soup_message_headers_get_one (headers, "Content-Disposition"));
  answer->link = g_strdup (soup_message_headers_get_list (headers, "Link"));
}

/* The hub names the digest where it redirects to the bytes. */
static char *
read_linked_etag (SoupMessageHeaders *headers)
{
  const char *value = soup_message_headers_get_one (headers, "X-Linked-ETag");

  return value != NULL ? dray_response_parse_linked_etag (value) : NULL;
}

static SoupMessage *
build_message (const DrayHttpQuery *query, const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  SoupMessage *message = uri != NULL ? soup_message_new_from_uri (SOUP_METHOD_GET, uri) : NULL;
  SoupMessageHeaders *headers;

  if (message == NULL)
    {
      g_set_error (error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE, "“%s” is not a web address", url);
      return NULL;
    }

  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
#if SOUP_CHECK_VERSION(3, 4, 0)
  soup_message_set_force_http1 (message, TRUE);
#endif
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Accept-Encoding", "identity");
  if (query->start >= 0)
    soup_message_headers_set_range (headers,
                                    query->start,
                                    query->end == DRAY_END_UNKNOWN ? -1 : query->end - 1);
  if (query->if_range != NULL)
    soup_message_headers_replace (headers, "If-Range", query->if_range);
  if (query->accept != NULL)
    soup_message_headers_replace (headers, "Accept", query->accept);
  if (query->token != NULL && dray_url_same_origin (url, query->url))
    {
      g_autofree char *value = g_strconcat ("Bearer ", query->token, NULL);

      soup_message_headers_replace (headers, "Authorization", value);
    }

  return message;
}

/**
 * dray_http_get:
 * @session: a session of dray_http_session_new()
 * @query: what to get
 * @cancellable: ends the call within milliseconds
 * @error: return location for a #GError
 *
 * Sends a GET and waits for the final headers, through redirects. Any status is an answer, not an
 * error. Blocks: for a connection's thread.
 *
 * Errors: %DRAY_ERROR_CANCELLED, %DRAY_ERROR_NETWORK, %DRAY_ERROR_STALLED, %DRAY_ERROR_TLS, and
 * those of dray_redirect_follow().
 *
 * Returns: (transfer full) (nullable): the answer
 */
DrayHttpAnswer *
dray_http_get (SoupSession *session,
               const DrayHttpQuery *query,
               GCancellable *cancellable,
               GError **error)
{
  g_autofree char *url = g_strdup (query->url);
  g_autofree char *linked_sha256 = NULL;

  for (guint hops = 0;; hops++)
    {
      g_autoptr (SoupMessage) message = build_message (query, url, error);
      g_autoptr (GInputStream) body = NULL;
      GError *local_error = NULL;
      DrayHttpAnswer *answer;
      char *next;

      if (message == NULL)
        return NULL;

      if (g_str_equal (g_uri_get_scheme (soup_message_get_uri (message)), "https"))
        dray_authorities_share ();
      body = soup_session_send (session, message, cancellable, &local_error);
      if (body == NULL)
        {
          propagate (error, local_error, url);
          return NULL;
        }

      if (dray_redirect_is_status (soup_message_get_status (message)))
        {
          SoupMessageHeaders *headers = soup_message_get_response_headers (message);

          next = dray_redirect_follow (url, soup_message_headers_get_one (headers, "Location"),
                                       hops, error);
          if (next == NULL)
            return NULL;
          if (linked_sha256 == NULL)
            linked_sha256 = read_linked_etag (headers);
          g_free (url);
          url = next;
          continue;
        }

      answer = g_new0 (DrayHttpAnswer, 1);
      dray_response_init (&answer->response);
      read_headers (answer, message);
      if (answer->response.sha256 == NULL)
        answer->response.sha256 = g_steal_pointer (&linked_sha256);
      answer->url = g_steal_pointer (&url);
      answer->body = g_steal_pointer (&body);
      return answer;
    }
}

/**
 * dray_http_answer_free:
 * @answer: (transfer full): an answer
 *
 * Drops the answer. A body that was not read to its end costs its connection.
 */
void
dray_http_answer_free (DrayHttpAnswer *answer)
{
  dray_response_clear (&answer->response);
  g_free (answer->url);
  g_free (answer->disposition);
  g_free (answer->link);
  g_clear_object (&answer->body);
  g_free (answer);
}

/**
 * dray_http_read:
 * @answer: an answer
 * @buffer: where the bytes go
 * @size: how many fit
 * @cancellable: ends the call within milliseconds
 * @error: return location for a #GError
 *
 * Reads on in the body. Blocks: for a connection's thread.
 *
 * Returns: the number of bytes, 0 at the end of the body, -1 with an error of %DRAY_ERROR
 */
gssize
dray_http_read (DrayHttpAnswer *answer,
                gpointer buffer,
                gsize size,
                GCancellable *cancellable,
                GError **error)
{
  GError *local_error = NULL;
  gssize n = g_input_stream_read (answer->body, buffer, size, cancellable, &local_error);

  if (n < 0)
    propagate (error, local_error, answer->url);

  return n;
}
