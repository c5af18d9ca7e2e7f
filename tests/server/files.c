/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/model-server-private.h"

/* When generated files were last modified: each new content is a minute younger. */
#define FIRST_MODIFIED G_GINT64_CONSTANT (1700000000)

void
dray_test_file_unref (DrayTestFile *file)
{
  if (--file->ref_count > 0)
    return;

  dray_test_content_unref (file->content);
  dray_test_behaviour_clear (&file->behaviour);
  g_free (file->etag);
  g_free (file->type);
  g_free (file->disposition);
  g_free (file);
}

static void
replace_content (DrayTestFile *file, DrayTestContent *content)
{
  g_clear_pointer (&file->content, dray_test_content_unref);
  file->content = content;
  g_free (file->etag);
  file->etag = dray_test_content_dup_etag (content);
  file->modified += 60;
}

/**
 * dray_test_server_add:
 * @server: a server
 * @path: what the file is asked for as; with a query, it is that exact target
 * @content: (transfer full): what it holds
 *
 * Serves a file, or replaces the content of one that is there. The ETag follows the content, and
 * a replaced file is a minute younger; its other properties and its behaviour stay. Answers that
 * are being sent carry on with what they began with.
 */
void
dray_test_server_add (DrayTestServer *server, const char *path, DrayTestContent *content)
{
  DrayTestFile *file;

  dray_lock_acquire (&server->lock);
  file = g_hash_table_lookup (server->files, path);
  if (file == NULL)
    {
      file = g_new0 (DrayTestFile, 1);
      file->ref_count = 1;
      file->modified = FIRST_MODIFIED;
      file->type = g_strdup ("application/octet-stream");
      g_hash_table_insert (server->files, g_strdup (path), file);
    }
  replace_content (file, content);
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_add_gguf:
 * @server: a server
 * @path: what the file is asked for as
 * @seed: which of the possible files
 * @size: its size in bytes, at least %DRAY_TEST_GGUF_MIN_SIZE
 *
 * As dray_test_server_add() with a generated model that is named after @path.
 */
void
dray_test_server_add_gguf (DrayTestServer *server, const char *path, guint64 seed, gint64 size)
{
  g_autofree char *name = g_path_get_basename (path);

  dray_test_server_add (server, path, dray_test_content_new_gguf (seed, size, name));
}

void
dray_test_server_remove (DrayTestServer *server, const char *path)
{
  dray_lock_acquire (&server->lock);
  g_hash_table_remove (server->files, path);
  dray_lock_release (&server->lock);
}

static DrayTestFile *
find_file (DrayTestServer *server, const char *path) DRAY_REQUIRES (server->lock)
{
  DrayTestFile *file = g_hash_table_lookup (server->files, path);

  if (file == NULL)
    g_error ("The test server has no file “%s”", path);

  return file;
}

/**
 * dray_test_server_dup_content:
 * @server: a server
 * @path: a file's path
 *
 * Returns: (transfer full) (nullable): what the file holds now
 */
DrayTestContent *
dray_test_server_dup_content (DrayTestServer *server, const char *path)
{
  DrayTestContent *content = NULL;
  DrayTestFile *file;

  dray_lock_acquire (&server->lock);
  file = g_hash_table_lookup (server->files, path);
  if (file != NULL)
    content = dray_test_content_ref (file->content);
  dray_lock_release (&server->lock);

  return content;
}

static void
replace_text (char **text, const char *with)
{
  g_free (*text);
  *text = g_strdup (with);
}

/**
 * dray_test_server_set_etag:
 * @server: a server
 * @path: a file's path
 * @etag: the entity tag in its quotes
 */
void
dray_test_server_set_etag (DrayTestServer *server, const char *path, const char *etag)
{
  dray_lock_acquire (&server->lock);
  replace_text (&find_file (server, path)->etag, etag);
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_set_modified:
 * @server: a server
 * @path: a file's path
 * @seconds: since 1970
 */
void
dray_test_server_set_modified (DrayTestServer *server, const char *path, gint64 seconds)
{
  dray_lock_acquire (&server->lock);
  find_file (server, path)->modified = seconds;
  dray_lock_release (&server->lock);
}

void
dray_test_server_set_type (DrayTestServer *server, const char *path, const char *type)
{
  dray_lock_acquire (&server->lock);
  replace_text (&find_file (server, path)->type, type);
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_set_disposition:
 * @server: a server
 * @path: a file's path
 * @disposition: (nullable): the value of Content-Disposition, sent as it is
 */
void
dray_test_server_set_disposition (DrayTestServer *server, const char *path, const char *disposition)
{
  dray_lock_acquire (&server->lock);
  replace_text (&find_file (server, path)->disposition, disposition);
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_set_behaviour:
 * @server: a server
 * @path: a file's path
 * @behaviour: how it is served from the next request on; the rate from now on
 */
void
dray_test_server_set_behaviour (DrayTestServer *server,
                                const char *path,
                                const DrayTestBehaviour *behaviour)
{
  DrayTestFile *file;

  dray_lock_acquire (&server->lock);
  file = find_file (server, path);
  dray_test_behaviour_clear (&file->behaviour);
  dray_test_behaviour_copy (&file->behaviour, behaviour);
  dray_lock_release (&server->lock);
}

/**
 * dray_test_server_get_behaviour:
 * @server: a server
 * @path: a file's path
 * @behaviour: (out caller-allocates): what is left of the behaviour, to be cleared with
 *   dray_test_behaviour_clear()
 */
void
dray_test_server_get_behaviour (DrayTestServer *server,
                                const char *path,
                                DrayTestBehaviour *behaviour)
{
  dray_lock_acquire (&server->lock);
  dray_test_behaviour_copy (behaviour, &find_file (server, path)->behaviour);
  dray_lock_release (&server->lock);
}
