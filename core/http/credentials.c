/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/credentials.h"

#include "core/base/download-key.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longer than any token, in bytes. */
#define TOKEN_MAX 4096

struct _DrayCredentials
{
  char *endpoint;
  char *token;      /* (nullable) */
  char *token_path; /* (nullable) */
};

/* What is no token must not get into a header. */
static char *
clean_token (const char *text)
{
  g_autofree char *token = text != NULL ? g_strstrip (g_strdup (text)) : NULL;

  if (token == NULL || *token == '\0' || strlen (token) > TOKEN_MAX)
    return NULL;

  for (const char *p = token; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      return NULL;

  return g_steal_pointer (&token);
}

/**
 * dray_credentials_new:
 * @endpoint: (nullable): the hub's address; %NULL for %DRAY_HUB_ENDPOINT
 * @token: (nullable): the hub's token
 * @token_path: (nullable): the file that holds it where @token is %NULL
 *
 * Returns: (transfer full): what is sent to the hub
 */
DrayCredentials *
dray_credentials_new (const char *endpoint, const char *token, const char *token_path)
{
  DrayCredentials *self = g_new0 (DrayCredentials, 1);
  gsize length;

  self->endpoint = g_strdup (endpoint != NULL && *endpoint != '\0' ? endpoint : DRAY_HUB_ENDPOINT);
  for (length = strlen (self->endpoint); length > 0 && self->endpoint[length - 1] == '/'; length--)
    self->endpoint[length - 1] = '\0';
  self->token = clean_token (token);
  self->token_path = g_strdup (token_path);

  return self;
}

static const char *
get_variable (const char *name)
{
  const char *value = g_getenv (name);

  return value != NULL && *value != '\0' ? value : NULL;
}

static char *
find_token_path (void)
{
  const char *path = get_variable ("HF_TOKEN_PATH");
  const char *home = get_variable ("HF_HOME");

  if (path != NULL)
    return g_strdup (path);
  if (home != NULL)
    return g_build_filename (home, "token", NULL);

  return g_build_filename (g_get_user_cache_dir (), "huggingface", "token", NULL);
}

/**
 * dray_credentials_new_from_environment:
 *
 * What the hub's own programs go by: HF_ENDPOINT, HF_TOKEN, and the file that they keep the token
 * in, which HF_TOKEN_PATH or HF_HOME may have moved. The file is read when a token is needed.
 *
 * Returns: (transfer full): what is sent to the hub
 */
DrayCredentials *
dray_credentials_new_from_environment (void)
{
  g_autofree char *token_path = find_token_path ();

  return dray_credentials_new (g_getenv ("HF_ENDPOINT"), g_getenv ("HF_TOKEN"), token_path);
}

void
dray_credentials_free (DrayCredentials *credentials)
{
  g_free (credentials->endpoint);
  g_free (credentials->token);
  g_free (credentials->token_path);
  g_free (credentials);
}

/**
 * dray_credentials_get_endpoint:
 * @credentials: the credentials
 *
 * Returns: (transfer none): the hub's address, without a slash at its end; may be no address at all,
 *   since a person has set it
 */
const char *
dray_credentials_get_endpoint (const DrayCredentials *credentials)
{
  return credentials->endpoint;
}

static gboolean
is_loopback (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address != NULL)
    return g_inet_address_get_is_loopback (address);

  return g_ascii_strcasecmp (host, "localhost") == 0;
}

/* Whether nobody on the way can read what is sent. */
static gboolean
is_private_way (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);

  if (uri == NULL || g_uri_get_host (uri) == NULL)
    return FALSE;
  if (g_str_equal (g_uri_get_scheme (uri), "https"))
    return TRUE;

  return g_str_equal (g_uri_get_scheme (uri), "http") && is_loopback (g_uri_get_host (uri));
}

/**
 * dray_credentials_cover:
 * @credentials: the credentials
 * @url: an address
 *
 * Returns: whether a token may go to the server of @url: it is the hub's, reached by https, or is
 *   this machine
 */
gboolean
dray_credentials_cover (const DrayCredentials *credentials, const char *url)
{
  return dray_url_same_origin (credentials->endpoint, url) && is_private_way (url);
}

/* The file may be anything: a pipe must not make its reader wait. */
static char *
read_token (const char *path)
{
  char text[TOKEN_MAX + 2];
  struct stat status;
  gsize length = 0;
  gssize n = 0;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return NULL;

  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    while (length <= TOKEN_MAX
           && (n = read (fd, text + length, TOKEN_MAX + 1 - length)) > 0)
      length += (gsize) n;
  close (fd);
  text[length] = '\0';

  return clean_token (text);
}

/**
 * dray_credentials_dup_token:
 * @credentials: the credentials
 * @url: an address
 *
 * Reads the token's file each time, since the person may have signed in meanwhile; may block as long
 * as the disk does.
 *
 * Returns: (transfer full) (nullable): the token for @url, if there is one
 */
char *
dray_credentials_dup_token (const DrayCredentials *credentials, const char *url)
{
  if (!dray_credentials_cover (credentials, url))
    return NULL;
  if (credentials->token != NULL)
    return g_strdup (credentials->token);

  return credentials->token_path != NULL ? read_token (credentials->token_path) : NULL;
}
