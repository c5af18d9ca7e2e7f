/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * dray-model-server: the model server as a program, for the demo and for tests in other languages.
 *
 * It serves generated models or real files on loopback until it gets SIGTERM or SIGINT. What is
 * served can be changed meanwhile:
 *
 *   POST /control/replace?name=NAME[&size=BYTES]   other content; answers with its SHA-256
 *   POST /control/rate?bytes=N                     N bytes per second for each connection, 0 no cap
 *   POST /control/break?name=NAME&after=N&how=cut|reset|stall[&times=N]
 *   POST /control/collapse?name=NAME&every=N&after=BYTES&rate=BYTES
 *                                                  every Nth connection slows down to that rate
 *   POST /control/status?name=NAME&status=N[&times=N][&retry-after=SECONDS]
 *   POST /control/gate?name=NAME[&at=N]            the bytes from N on wait; 0 lets them go
 *
 * A byte seeps through a generated model's gate every two seconds, so that a client may be kept there
 * for as long as it takes.
 */

#include "core/base/lock.h"
#include "tests/server/gguf.h"
#include "tests/server/model-server.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>

typedef struct
{
  DrayTestServer *server;
  DrayLock lock; /* guards what is below: connections' threads use it */
  FILE *log;     /* nullable */
  guint64 next_seed;
} Program;

typedef struct
{
  int port;
  char *port_file;
  gint64 rate;
  gint64 gate;
  char **files;
  char *directory;
  char *log;
} Options;

static char *
dup_json_text (const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid (text, -1) : NULL;
  GString *json;

  if (valid == NULL)
    return g_strdup ("null");

  json = g_string_new ("\"");
  for (const char *p = valid; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_printf (json, "\\%c", *p);
      else if (g_ascii_iscntrl (*p))
        g_string_append_printf (json, "\\u%04x", (guint) *p);
      else
        g_string_append_c (json, *p);
    }
  g_string_append_c (json, '"');

  return g_string_free (json, FALSE);
}

static void
append_text (GString *line, const char *key, const char *text)
{
  g_autofree char *json = dup_json_text (text);

  g_string_append_printf (line, ",\"%s\":%s", key, json);
}

static void
append_figure (GString *line, const char *key, gint64 figure)
{
  g_string_append_printf (line, ",\"%s\":%" G_GINT64_FORMAT, key, figure);
}

/* One line when a request arrives and one when its answer is over; figures that are not known are
 * -1, times are monotonic microseconds. */
static void
logged_cb (const DrayTestRecord *record, gpointer data)
{
  Program *program = data;
  gboolean over = record->finished != 0;
  g_autoptr (GString) line = g_string_new ("{\"event\":");

  g_string_append (line, over ? "\"finished\"" : "\"started\"");
  append_figure (line, "request", record->number);
  append_figure (line, "connection", record->connection);
  append_text (line, "method", record->method);
  append_text (line, "target", record->target);
  append_text (line, "host", record->host);
  append_text (line, "range", record->range);
  append_text (line, "if_range", record->if_range);
  append_text (line, "authorization", record->authorization);
  append_text (line, "user_agent", record->user_agent);
  append_figure (line, "range_first", record->range_first);
  append_figure (line, "range_last", record->range_last);
  append_figure (line, "started", record->started);
  if (over)
    {
      append_figure (line, "status", record->status);
      append_figure (line, "body_offset", record->body_offset);
      append_figure (line, "body_bytes", record->body_bytes);
      append_figure (line, "finished", record->finished);
      g_string_append_printf (line, ",\"client_gone\":%s", record->client_gone ? "true" : "false");
    }
  g_string_append (line, "}\n");

  dray_lock_acquire (&program->lock);
  fputs (line->str, program->log);
  fflush (program->log);
  dray_lock_release (&program->lock);
}

static gint64
get_figure (GHashTable *query, const char *key, gint64 otherwise)
{
  const char *text = g_hash_table_lookup (query, key);

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : otherwise;
}

static guint
control_replace (Program *program, const char *path, gint64 size, GString *body)
{
  DrayTestContent *content;
  g_autofree char *sha256 = NULL;
  g_autofree char *name = g_path_get_basename (path);
  guint64 seed;

  if (size < DRAY_TEST_GGUF_MIN_SIZE)
    return 400;

  dray_lock_acquire (&program->lock);
  seed = program->next_seed++;
  dray_lock_release (&program->lock);

  content = dray_test_content_new_gguf (seed, size, name);
  sha256 = dray_test_content_dup_sha256 (content);
  dray_test_server_add (program->server, path, content);
  g_string_append_printf (body, "%s\n", sha256);

  return 200;
}

static void
set_break (DrayTestBehaviour *behaviour, GHashTable *query)
{
  const char *how = g_hash_table_lookup (query, "how");

  behaviour->break_times = (guint) get_figure (query, "times", 1);
  behaviour->break_after = get_figure (query, "after", 0);
  behaviour->break_how = DRAY_TEST_BREAK_CUT;
  if (g_strcmp0 (how, "reset") == 0)
    behaviour->break_how = DRAY_TEST_BREAK_RESET;
  else if (g_strcmp0 (how, "stall") == 0)
    behaviour->break_how = DRAY_TEST_BREAK_STALL;
}

static void
set_answer (DrayTestBehaviour *behaviour, GHashTable *query)
{
  const char *retry_after = g_hash_table_lookup (query, "retry-after");

  behaviour->answer.times = (guint) get_figure (query, "times", 1);
  behaviour->answer.status = (guint) get_figure (query, "status", 503);
  g_free ((char *) behaviour->answer.headers);
  behaviour->answer.headers =
      retry_after != NULL ? g_strdup_printf ("Retry-After: %s\r\n", retry_after) : NULL;
}

static void
set_collapse (DrayTestBehaviour *behaviour, GHashTable *query)
{
  behaviour->collapse_every = (guint) get_figure (query, "every", 0);
  behaviour->collapse_after = get_figure (query, "after", 0);
  behaviour->collapse_rate = MAX (1, get_figure (query, "rate", 1));
}

static guint
control_behaviour (Program *program, const char *action, const char *path, GHashTable *query)
{
  DrayTestBehaviour behaviour;
  guint status = 200;

  dray_test_server_get_behaviour (program->server, path, &behaviour);
  if (strcmp (action, "break") == 0)
    set_break (&behaviour, query);
  else if (strcmp (action, "status") == 0)
    set_answer (&behaviour, query);
  else if (strcmp (action, "collapse") == 0)
    set_collapse (&behaviour, query);
  else if (strcmp (action, "gate") == 0)
    behaviour.gate = get_figure (query, "at", 0);
  else
    status = 404;
  dray_test_server_set_behaviour (program->server, path, &behaviour);
  dray_test_behaviour_clear (&behaviour);

  return status;
}

static guint
control_cb (const char *method, const char *target, GString *body, gpointer data)
{
  Program *program = data;
  const char *action = target + strlen ("/control/");
  const char *mark = strchr (target, '?');
  g_autofree char *verb = g_strndup (action, strcspn (action, "?"));
  g_autoptr (GHashTable) query = NULL;
  g_autofree char *path = NULL;
  g_autoptr (DrayTestContent) content = NULL;
  const char *name;

  if (strcmp (method, "POST") != 0)
    return 405;
  query = g_uri_parse_params (mark != NULL ? mark + 1 : "", -1, "&", G_URI_PARAMS_NONE, NULL);
  if (query == NULL)
    return 400;

  if (strcmp (verb, "rate") == 0)
    {
      dray_test_server_set_rate (program->server, MAX (0, get_figure (query, "bytes", 0)));
      return 200;
    }

  name = g_hash_table_lookup (query, "name");
  path = g_strconcat ("/", name != NULL ? name : "", NULL);
  content = dray_test_server_dup_content (program->server, path);
  if (content == NULL)
    return 404;
  if (strcmp (verb, "replace") == 0)
    return control_replace (program, path,
                            get_figure (query, "size", dray_test_content_get_size (content)), body);

  return control_behaviour (program, verb, path, query);
}

static gboolean
add_generated (Program *program, const char *argument, gint64 gate, GError **error)
{
  const DrayTestBehaviour behaviour = { .gate = gate, .gate_seeps = TRUE };
  const char *mark = strrchr (argument, '=');
  gint64 size = mark != NULL ? g_ascii_strtoll (mark + 1, NULL, 10) : 0;
  g_autofree char *name = mark != NULL ? g_strndup (argument, (gsize) (mark - argument)) : NULL;
  g_autofree char *path = g_strconcat ("/", name, NULL);

  if (size < DRAY_TEST_GGUF_MIN_SIZE)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "“%s” is not NAME=SIZE with at least %" G_GINT64_FORMAT " bytes", argument,
                   DRAY_TEST_GGUF_MIN_SIZE);
      return FALSE;
    }
  dray_test_server_add_gguf (program->server, path, g_str_hash (name), size);
  dray_test_server_set_behaviour (program->server, path, &behaviour);

  return TRUE;
}

static gboolean
add_directory (Program *program, const char *directory, GPtrArray *paths, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *filename = g_build_filename (directory, name, NULL);
      DrayTestContent *content;

      if (!g_file_test (filename, G_FILE_TEST_IS_REGULAR))
        continue;
      content = dray_test_content_new_file (filename, error);
      if (content == NULL)
        return FALSE;
      g_ptr_array_add (paths, g_strconcat ("/", name, NULL));
      dray_test_server_add (program->server, g_ptr_array_index (paths, paths->len - 1), content);
    }

  return TRUE;
}

static void
print_files (Program *program, GPtrArray *paths)
{
  for (guint i = 0; i < paths->len; i++)
    {
      const char *path = g_ptr_array_index (paths, i);
      g_autoptr (DrayTestContent) content = dray_test_server_dup_content (program->server, path);
      g_autofree char *sha256 = dray_test_content_dup_sha256 (content);

      g_print ("%s  %" G_GINT64_FORMAT "  %s\n", sha256, dray_test_content_get_size (content),
               path);
    }
  fflush (stdout);
}

static gboolean
set_up (Program *program, const Options *options, GPtrArray *paths, GError **error)
{
  if (options->log != NULL)
    {
      program->log = fopen (options->log, "ae");
      if (program->log == NULL)
        {
          g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "Could not open “%s”",
                       options->log);
          return FALSE;
        }
      dray_test_server_set_log_func (program->server, logged_cb, program);
    }

  dray_test_server_set_rate (program->server, options->rate);
  dray_test_server_set_handler (program->server, "/control/", control_cb, program);
  for (char **file = options->files; file != NULL && *file != NULL; file++)
    {
      if (!add_generated (program, *file, options->gate, error))
        return FALSE;
      g_ptr_array_add (paths,
                       g_strdup_printf ("/%.*s", (int) (strrchr (*file, '=') - *file), *file));
    }

  return options->directory == NULL || add_directory (program, options->directory, paths, error);
}

static gboolean
announce (Program *program, const Options *options, GError **error)
{
  guint16 port = dray_test_server_get_port (program->server);
  g_autofree char *text = g_strdup_printf ("%u\n", port);

  g_print ("listening on http://127.0.0.1:%u\n", port);
  fflush (stdout);

  return options->port_file == NULL || g_file_set_contents (options->port_file, text, -1, error);
}

static gboolean
signalled_cb (gpointer data)
{
  g_main_loop_quit (data);

  return G_SOURCE_CONTINUE;
}

static gboolean
run (const Options *options, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  Program program = { .next_seed = 1 };
  gboolean ready;

  program.server = dray_test_server_new_on_port ((guint16) options->port, error);
  if (program.server == NULL)
    return FALSE;
  dray_lock_init (&program.lock);

  g_unix_signal_add (SIGTERM, signalled_cb, loop);
  g_unix_signal_add (SIGINT, signalled_cb, loop);
  ready = set_up (&program, options, paths, error) && announce (&program, options, error);
  if (ready)
    {
      print_files (&program, paths);
      g_main_loop_run (loop);
    }

  dray_test_server_free (program.server);
  dray_lock_clear (&program.lock);
  if (program.log != NULL)
    fclose (program.log);

  return ready;
}

static void
options_clear (Options *options)
{
  g_free (options->port_file);
  g_strfreev (options->files);
  g_free (options->directory);
  g_free (options->log);
}

int
main (int argc, char *argv[])
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "port", 0, 0, G_OPTION_ARG_INT, &options.port, "Listen on PORT; 0 is any", "PORT" },
    { "port-file", 0, 0, G_OPTION_ARG_FILENAME, &options.port_file, "Write the port there",
      "FILE" },
    { "rate", 0, 0, G_OPTION_ARG_INT64, &options.rate, "Bytes per second and connection", "BYTES" },
    { "gate", 0, 0, G_OPTION_ARG_INT64, &options.gate, "Bytes of each model before its gate",
      "BYTES" },
    { "file", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.files, "Serve a model", "NAME=SIZE" },
    { "directory", 0, 0, G_OPTION_ARG_FILENAME, &options.directory, "Serve its files", "DIR" },
    { "log", 0, 0, G_OPTION_ARG_FILENAME, &options.log, "Append JSON lines there", "FILE" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- serve models on loopback");
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    status = 2;
  else if (!run (&options, &error))
    status = 1;
  if (error != NULL)
    g_printerr ("dray-model-server: %s\n", error->message);
  options_clear (&options);

  return status;
}
