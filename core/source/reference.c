/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/reference-private.h"

#include "core/base/download-key.h"
#include "core/source/bundled-models.h"
#include "core/source/shard.h"

#include <string.h>

/* What GLib lets pass in the name of a host, although no name has it. */
#define NOT_IN_HOST " \"<>\\^`{|}"

/* As much of a text as an error shows, in characters. */
#define SHOWN_MAX 200

/* Hosts that are known without a scheme before them, as the address bar of a browser shows them. */
static const char *const known_hosts[] = { "huggingface.co/", "www.huggingface.co/", "hf.co/",
                                           "ollama.com/", "www.ollama.com/" };

/* Says why a text is no source; @format goes on after the text, and ends with what would be one.
 * Returns NULL, for its caller to return. */
gpointer
dray_source_refuse (const DraySourceText *text, const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list arguments;

  va_start (arguments, format);
  why = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (text->error, DRAY_ERROR, DRAY_ERROR_INVALID_SOURCE, "“%s” %s", text->shown, why);

  return NULL;
}

static gpointer
refuse (const DraySourceText *text, const char *why)
{
  return dray_source_refuse (text,
                             "%s. A source is a link such as https://example.com/model.gguf, "
                             "hf:ORG/REPO, ollama:NAME, the name of a bundled model, or the path "
                             "of a file",
                             why);
}

DrayReference *
dray_reference_new (DrayReferenceKind kind)
{
  DrayReference *reference = g_new0 (DrayReference, 1);

  reference->kind = kind;
  return reference;
}

/* Splits the path of a link at its slashes; none of the parts is empty. */
GStrv
dray_source_split_path (const char *path)
{
  g_autoptr (GStrvBuilder) parts = g_strv_builder_new ();
  g_auto (GStrv) all = g_strsplit (path, "/", -1);

  for (guint i = 0; all[i] != NULL; i++)
    if (*all[i] != '\0')
      g_strv_builder_add (parts, all[i]);

  return g_strv_builder_end (parts);
}

static GPtrArray *
list_urls (const char *url, guint *asked)
{
  GPtrArray *urls = g_ptr_array_new_with_free_func (g_free);
  gsize at;
  guint n_shards = dray_shard_find_in_link (url, &at);

  *asked = n_shards > 0 ? (guint) g_ascii_strtoull (url + at, NULL, 10) - 1 : 0;
  if (n_shards == 0)
    g_ptr_array_add (urls, g_strdup (url));
  for (guint i = 1; i <= n_shards; i++)
    g_ptr_array_add (urls, dray_shard_get_name (url, at, i));

  return urls;
}

static DrayReference *
read_file_link (GUri *uri, const DraySourceText *text)
{
  g_autofree char *url = g_uri_to_string_partial (uri, G_URI_HIDE_FRAGMENT);
  g_autofree char *normalised = dray_url_normalise (url);
  g_autofree char *set = NULL;
  DrayReference *reference;
  gsize at;

  if (normalised == NULL)
    return refuse (text, "is not a web address");

  set = dray_shard_find_in_link (normalised, &at) > 0 ? dray_shard_get_set (normalised, at)
                                                      : g_strdup (normalised);
  reference = dray_reference_new (DRAY_REFERENCE_LINK);
  reference->model_id = g_strconcat ("url:", set, NULL);
  reference->urls = list_urls (url, &reference->asked);
  reference->url = g_strdup (g_ptr_array_index (reference->urls, 0));

  return reference;
}

static DrayReference *
read_link (const char *link, const DraySourceText *text)
{
  g_autoptr (GUri) uri = g_uri_parse (
      link, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE | G_URI_FLAGS_PARSE_RELAXED, NULL);
  const char *scheme, *host;

  if (uri == NULL)
    return refuse (text, "is not a web address");

  scheme = g_uri_get_scheme (uri);
  host = g_uri_get_host (uri);
  if (!g_str_equal (scheme, "https") && !g_str_equal (scheme, "http"))
    return refuse (text, "is neither an http nor an https address");
  if (host == NULL || *host == '\0')
    return refuse (text, "names no server");
  if (strpbrk (host, NOT_IN_HOST) != NULL || !dray_uri_has_host (uri))
    return refuse (text, "names no server that can be");

  if (dray_reference_is_on_hub (uri))
    return dray_reference_parse_hub_link (uri, text);
  if (dray_reference_is_on_ollama (uri))
    return dray_reference_parse_ollama_link (uri, text);

  return read_file_link (uri, text);
}

static DrayReference *
read_file (const char *path, const DraySourceText *text)
{
  g_autofree char *canonical = g_canonicalize_filename (path, "/");
  DrayReference *reference;

  if (g_str_has_suffix (path, "/"))
    return dray_source_refuse (text, "is a folder. The path of a model file would be a source");

  reference = dray_reference_new (DRAY_REFERENCE_FILE);
  reference->path = g_steal_pointer (&canonical);
  reference->model_id = g_strconcat ("file:", reference->path, NULL);

  return reference;
}

static gboolean
has_control_character (const char *text)
{
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)))
      return TRUE;

  return FALSE;
}

static DrayReference *
read_file_uri (const char *uri, const DraySourceText *text)
{
  g_autofree char *host = NULL;
  g_autofree char *path = g_filename_from_uri (uri, &host, NULL);

  if (path == NULL || (host != NULL && g_ascii_strcasecmp (host, "localhost") != 0))
    return dray_source_refuse (text, "names no file on this computer. A file is given as "
                                     "file:///home/me/model.gguf, or by its path");
  if (!g_utf8_validate (path, -1, NULL) || has_control_character (path))
    return dray_source_refuse (text, "is a file whose name is not text. Rename the file, and its "
                                     "path is a source");

  return read_file (path, text);
}

static const char *
after_prefix (const char *text, const char *prefix)
{
  gsize length = strlen (prefix);

  return g_ascii_strncasecmp (text, prefix, length) == 0 ? text + length : NULL;
}

static DrayReference *
read_bundled (const DrayBundledModel *model)
{
  DrayReference *reference = dray_reference_new (DRAY_REFERENCE_BUNDLED);

  reference->name = g_strdup (model->name);
  reference->model_id = g_strdup (model->name);

  return reference;
}

static const DrayBundledModel *
find_by_beginning (const char *source)
{
  const GPtrArray *all = dray_bundled_models_get_all ();

  for (guint i = 0; i < all->len; i++)
    {
      const DrayBundledModel *model = g_ptr_array_index (all, i);

      if (after_prefix (model->name, source) != NULL)
        return model;
    }

  return NULL;
}

static DrayReference *
read_without_scheme (const char *source, const DraySourceText *text)
{
  const DrayBundledModel *bundled = dray_bundled_models_find (source);
  g_auto (GStrv) parts = NULL;

  if (bundled != NULL)
    return read_bundled (bundled);

  for (guint i = 0; i < G_N_ELEMENTS (known_hosts); i++)
    if (after_prefix (source, known_hosts[i]) != NULL)
      {
        g_autofree char *link = g_strconcat ("https://", source, NULL);

        return read_link (link, text);
      }

  if (*source == '~' || *source == '.')
    return dray_source_refuse (text, "is not an absolute path. The path of a file begins with “/”");

  parts = g_strsplit (source, "/", -1);
  if (g_strv_length (parts) == 2 && strchr (source, ' ') == NULL)
    return dray_source_refuse (text,
                               "may be a repository. One of Hugging Face is written "
                               "hf:%s, a model of Ollama ollama:%s",
                               text->shown, text->shown);

  bundled = find_by_beginning (source);
  if (bundled != NULL)
    return dray_source_refuse (text, "is only the beginning of a bundled model's name, such as %s",
                               bundled->name);

  return refuse (text, "is neither a link nor the name of a bundled model");
}

static DrayReference *
read_source (const char *source, const DraySourceText *text)
{
  const char *rest;

  if (*source == '\0')
    return refuse (text, "is empty");
  if (!g_utf8_validate (source, -1, NULL))
    return refuse (text, "is not text");
  if (strpbrk (source, "\r\n") != NULL)
    return dray_source_refuse (text, "has several lines. Each of them may be a source");
  if (has_control_character (source))
    return refuse (text, "has characters that cannot be seen");

  if (g_str_has_prefix (source, "//"))
    return refuse (text, "names a server, and not how to speak to it");
  if (*source == '/')
    return read_file (source, text);
  if (after_prefix (source, "file:") != NULL)
    return read_file_uri (source, text);
  if ((rest = after_prefix (source, "hf:")) != NULL)
    return dray_reference_parse_hub_name (rest, text);
  if ((rest = after_prefix (source, "ollama:")) != NULL)
    return dray_reference_parse_ollama_name (rest, text);
  if (g_uri_peek_scheme (source) == NULL || strstr (source, "://") == NULL)
    return read_without_scheme (source, text);

  return read_link (source, text);
}

/* What an error shows of a text: its beginning, on one line. */
static char *
make_shown (const char *source)
{
  g_autofree char *valid = g_utf8_make_valid (source, (gssize) strnlen (source, 8 * SHOWN_MAX));
  g_autoptr (GString) shown = g_string_new (NULL);
  const char *c = valid;

  for (guint i = 0; *c != '\0' && i < SHOWN_MAX; i++, c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);

      g_string_append_unichar (shown, g_unichar_iscntrl (character) ? ' ' : character);
    }
  if (*c != '\0')
    g_string_append (shown, "…");

  return g_string_free (g_steal_pointer (&shown), FALSE);
}

/**
 * dray_reference_parse:
 * @source: what a person typed or dropped
 * @error: return location for a #GError
 *
 * A link to any shard of a set, as in `model-00002-of-00005.gguf`, is a link to the whole set; the
 * query of the link, which may be a signature, goes to every shard.
 *
 * Errors: %DRAY_ERROR_INVALID_SOURCE, with what was understood and what would be.
 *
 * Returns: (transfer full) (nullable): the reference
 */
DrayReference *
dray_reference_parse (const char *source, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (source));
  g_autofree char *shown = make_shown (trimmed);
  DraySourceText text = { .shown = shown, .error = error };

  return read_source (trimmed, &text);
}

void
dray_reference_free (DrayReference *reference)
{
  g_free (reference->model_id);
  g_free (reference->url);
  g_clear_pointer (&reference->urls, g_ptr_array_unref);
  g_free (reference->name);
  g_free (reference->repo);
  g_free (reference->revision);
  g_free (reference->variant);
  g_free (reference->path);
  g_free (reference->tag);
  g_free (reference);
}
