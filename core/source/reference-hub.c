/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Repositories of Hugging Face and their files. */

#include "core/source/reference-private.h"

#include "core/source/quantisation.h"
#include "core/source/shard.h"

#include <string.h>

/* The longest name of an account or a repository, and of what is asked for in it. */
#define NAME_MAX_LENGTH 96
#define REVISION_MAX_LENGTH 256
#define PATH_MAX_LENGTH 2048

#define EXAMPLE "A model is hf:ORG/REPO or https://huggingface.co/ORG/REPO"

static const char *const hosts[] = { "huggingface.co", "www.huggingface.co", "hf.co", NULL };

/* What stands where an account would, and is none. */
static const char *const pages[] = {
  "about",
  "agents",
  "api",
  "blog",
  "brand",
  "changelog",
  "chat",
  "docs",
  "enterprise",
  "front",
  "hardware",
  "inference",
  "inference-endpoints",
  "jobs",
  "join",
  "languages",
  "learn",
  "login",
  "logout",
  "mcp",
  "models",
  "new",
  "notifications",
  "oauth",
  "organizations",
  "papers",
  "posts",
  "pricing",
  "privacy",
  "search",
  "settings",
  "storage",
  "support",
  "tasks",
  "terms-of-service",
  "welcome",
  ".well-known",
  NULL,
};

/* What is kept beside models, under a name of its own. */
static const struct
{
  const char *part;
  const char *what;
} others[] = {
  { "datasets", "a dataset" }, { "spaces", "a space" },   { "collections", "a collection" },
  { "buckets", "a bucket" },   { "kernels", "a kernel" },
};

/* What a text says of a repository, not yet judged. */
typedef struct
{
  char *org;
  char *repo;
  char *revision;
  char *variant;
  char *path;
} Words;

static void
words_clear (Words *words)
{
  g_free (words->org);
  g_free (words->repo);
  g_free (words->revision);
  g_free (words->variant);
  g_free (words->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Words, words_clear)

/* What the hub lets an account or a repository be called. */
static gboolean
is_name (const char *name)
{
  gsize length = strlen (name);

  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("-._", *c) == NULL)
      return FALSE;

  return length > 0 && length <= NAME_MAX_LENGTH && strchr ("-.", name[0]) == NULL
         && strchr ("-.", name[length - 1]) == NULL && strstr (name, "--") == NULL
         && strstr (name, "..") == NULL;
}

static gboolean
is_readable (const char *text)
{
  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)))
      return FALSE;

  return TRUE;
}

/* Whether no part is empty or leads elsewhere. */
static gboolean
is_path (const char *path, gsize max)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] == '\0' || g_str_equal (parts[i], ".") || g_str_equal (parts[i], ".."))
      return FALSE;

  return parts[0] != NULL && strlen (path) <= max && is_readable (path);
}

/* What git lets a branch or a tag be called (git-check-ref-format(1)). */
static gboolean
is_revision (const char *revision)
{
  return is_path (revision, REVISION_MAX_LENGTH) && strpbrk (revision, " ~^:?*[\\") == NULL
         && *revision != '-' && strstr (revision, "..") == NULL && strstr (revision, "@{") == NULL;
}

/* How many parts a revision takes that begins there and is not escaped: three for "refs/pr/3". */
static guint
count_revision_parts (char *const *parts)
{
  gboolean is_ref = parts[0] != NULL && g_str_equal (parts[0], "refs") && parts[1] != NULL
                    && (g_str_equal (parts[1], "pr") || g_str_equal (parts[1], "convert"))
                    && parts[2] != NULL;

  return is_ref ? 3 : 1;
}

static char *
join_parts (char *const *parts, guint n_parts)
{
  GString *joined = g_string_new (NULL);

  for (guint i = 0; i < n_parts && parts[i] != NULL; i++)
    g_string_append_printf (joined, "%s%s", i > 0 ? "/" : "", parts[i]);

  return g_string_free (joined, FALSE);
}

static char *
make_model_id (const DrayReference *reference)
{
  GString *id = g_string_new ("hf:");

  g_string_append (id, reference->repo);
  if (reference->revision != NULL)
    {
      g_autofree char *escaped = g_uri_escape_string (reference->revision, "+", TRUE);

      g_string_append_printf (id, "@%s", escaped);
    }
  if (reference->path != NULL)
    {
      gsize at;
      g_autofree char *set = dray_shard_find (reference->path, &at) > 0
                                 ? dray_shard_get_set (reference->path, at)
                                 : g_strdup (reference->path);

      g_string_append_printf (id, "/%s", set);
    }
  else if (reference->variant != NULL)
    g_string_append_printf (id, ":%s", reference->variant);

  return g_string_free (id, FALSE);
}

/* A model id is a source, too: the asterisk in it stands for every shard. */
static char *
take_first_shard (const char *path)
{
  const char *asterisk = strstr (path, "-*-of-");
  g_autofree char *first = NULL;
  gsize at;

  if (asterisk == NULL)
    return g_strdup (path);

  first = g_strdup_printf ("%.*s-00001%s", (int) (asterisk - path), path, asterisk + strlen ("-*"));
  return dray_shard_find (first, &at) > 0 ? g_steal_pointer (&first) : g_strdup (path);
}

static DrayReference *
judge (const Words *words, const DraySourceText *text)
{
  DrayReference *reference;

  if (!is_name (words->org) || !is_name (words->repo))
    return dray_source_refuse (text, "names no repository that Hugging Face could have. " EXAMPLE);
  if (words->revision != NULL && !is_revision (words->revision))
    return dray_source_refuse (text,
                               "names a revision of %s/%s that cannot be. A branch, a tag or a "
                               "commit can, as in hf:%s/%s@main",
                               words->org, words->repo, words->org, words->repo);
  if (words->path != NULL && !is_path (words->path, PATH_MAX_LENGTH))
    return dray_source_refuse (text,
                               "names a file of %s/%s that cannot be. One that can is such as "
                               "hf:%s/%s/model.gguf",
                               words->org, words->repo, words->org, words->repo);
  /* A variant that no quantisation tells from the others is called after its files. */
  if (words->variant != NULL && !is_path (words->variant, PATH_MAX_LENGTH))
    return dray_source_refuse (text,
                               "names a form of %s/%s that cannot be. A quantisation can, as in "
                               "hf:%s/%s:Q4_K_M",
                               words->org, words->repo, words->org, words->repo);

  reference = dray_reference_new (DRAY_REFERENCE_HUB);
  reference->repo = g_strjoin ("/", words->org, words->repo, NULL);
  if (words->revision != NULL && !g_str_equal (words->revision, "main"))
    reference->revision = g_strdup (words->revision);
  if (words->path != NULL)
    reference->path = take_first_shard (words->path);
  /* "latest" is what Ollama calls whatever there is. */
  else if (words->variant != NULL && g_ascii_strcasecmp (words->variant, "latest") != 0)
    reference->variant = dray_quantisation_is (words->variant)
                             ? g_ascii_strup (words->variant, -1)
                             : g_strdup (words->variant);
  reference->model_id = make_model_id (reference);

  return reference;
}

/* Reads what follows the name of a repository: [@REV][:VARIANT], or [@REV]/PATH. */
static void
read_rest (Words *words, const char *rest)
{
  if (*rest == '@')
    {
      g_auto (GStrv) parts = g_strsplit (rest + 1, "/", -1);
      g_autofree char *raw = join_parts (parts, count_revision_parts (parts));
      g_autofree char *decoded = NULL;

      raw[strcspn (raw, ":")] = '\0';
      decoded = g_uri_unescape_string (raw, NULL);
      words->revision = g_strdup (decoded != NULL ? decoded : "");
      rest += 1 + strlen (raw);
    }

  if (*rest == ':')
    words->variant = g_strdup (rest + 1);
  else if (*rest == '/' && rest[1] != '\0')
    words->path = g_strdup (rest + 1);
}

/**
 * dray_reference_parse_hub_name:
 * @name: what follows `hf:`
 * @text: the text that it is from
 *
 * Returns: (transfer full) (nullable): the reference
 */
DrayReference *
dray_reference_parse_hub_name (const char *name, const DraySourceText *text)
{
  g_auto (Words) words = { 0 };
  const char *slash, *repo;
  gsize length;

  /* As the hub's own programs write it. */
  if (g_str_has_prefix (name, "//"))
    name += strlen ("//");
  slash = strchr (name, '/');
  if (slash == NULL)
    return dray_source_refuse (text, "names an account of Hugging Face and none of its "
                                     "repositories. " EXAMPLE);

  repo = slash + 1;
  length = strcspn (repo, "/@:");
  words.org = g_strndup (name, (gsize) (slash - name));
  words.repo = g_strndup (repo, length);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_str_equal (words.org, others[i].part))
      return dray_source_refuse (text, "is %s of Hugging Face, and Dray fetches models. " EXAMPLE,
                                 others[i].what);
  read_rest (&words, repo + length);

  return judge (&words, text);
}

/* A link to a file of one of the first models, which had no account: /gpt2/resolve/main/x.bin. */
static gboolean
is_of_old_form (const char *path)
{
  g_auto (GStrv) parts = dray_source_split_path (path);

  return g_strv_length (parts) >= 4 && g_str_equal (parts[1], "resolve");
}

/**
 * dray_reference_is_on_hub:
 * @uri: an address
 *
 * A link to a file of a model without an account is a link like others: the hub redirects it.
 *
 * Returns: whether it is one of Hugging Face, which has a repository by its account
 */
gboolean
dray_reference_is_on_hub (GUri *uri)
{
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);

  return g_strv_contains (hosts, host) && !is_of_old_form (g_uri_get_path (uri))
         && (g_uri_get_port (uri) == -1 || g_uri_get_port (uri) == 80
             || g_uri_get_port (uri) == 443);
}

/* A folder is a model of its own where it is named after a quantisation, as many are. */
static DrayReference *
read_folder (Words *words, char *const *folders, const DraySourceText *text)
{
  const char *last = folders[g_strv_length ((char **) folders) - 1];

  if (!dray_quantisation_is (last))
    return dray_source_refuse (text,
                               "is a folder in %s/%s. The repository is hf:%s/%s, and a file has "
                               "a link of its own",
                               words->org, words->repo, words->org, words->repo);

  words->variant = g_strdup (last);
  return judge (words, text);
}

/* Reads /ORG/REPO/blob/REV/PATH and its like; @rest begins at the word after the repository. */
static DrayReference *
read_inside (Words *words, char *const *rest, const DraySourceText *text)
{
  gboolean of_file = g_str_equal (rest[0], "blob") || g_str_equal (rest[0], "resolve")
                     || g_str_equal (rest[0], "raw");
  g_autofree char *revision = NULL;
  g_autofree char *path = NULL;
  guint n_revision;

  if (!of_file && !g_str_equal (rest[0], "tree"))
    return dray_source_refuse (text, "is a page about the model %s/%s. The model is hf:%s/%s",
                               words->org, words->repo, words->org, words->repo);

  n_revision = count_revision_parts (rest + 1);
  revision = join_parts (rest + 1, n_revision);
  g_clear_pointer (&words->revision, g_free);
  words->revision = g_uri_unescape_string (revision, NULL);
  if (*revision != '\0' && words->revision == NULL)
    words->revision = g_strdup ("");
  if (*revision == '\0' || rest[1 + n_revision] == NULL)
    {
      if (of_file)
        return dray_source_refuse (text,
                                   "names no file of %s/%s. A link to one ends with its name, and "
                                   "hf:%s/%s is the repository",
                                   words->org, words->repo, words->org, words->repo);
      if (*revision == '\0')
        g_clear_pointer (&words->revision, g_free);
      return judge (words, text);
    }
  if (!of_file)
    return read_folder (words, rest + 1 + n_revision, text);

  path = join_parts (rest + 1 + n_revision, G_MAXUINT);
  words->path = g_uri_unescape_string (path, NULL);
  if (words->path == NULL)
    words->path = g_strdup ("");

  return judge (words, text);
}

/* What is on the hub and no model, by the first part of its path. */
static DrayReference *
refuse_page (const char *first, const DraySourceText *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_str_equal (first, others[i].part))
      return dray_source_refuse (text, "is %s of Hugging Face, and Dray fetches models. " EXAMPLE,
                                 others[i].what);

  return dray_source_refuse (text, "is a page of Hugging Face and no model. " EXAMPLE);
}

static gboolean
is_page (const char *first)
{
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_str_equal (first, others[i].part))
      return TRUE;

  return g_strv_contains (pages, first);
}

/**
 * dray_reference_parse_hub_link:
 * @uri: an address of Hugging Face
 * @text: the text that it is from
 *
 * The query says how a page shows itself, and nothing of the model.
 *
 * Returns: (transfer full) (nullable): the reference
 */
DrayReference *
dray_reference_parse_hub_link (GUri *uri, const DraySourceText *text)
{
  g_auto (GStrv) parts = dray_source_split_path (g_uri_get_path (uri));
  g_auto (Words) words = { 0 };
  g_autofree char *repo = NULL;
  gsize length;

  if (parts[0] == NULL || is_page (parts[0]))
    return refuse_page (parts[0] != NULL ? parts[0] : "", text);
  if (parts[1] == NULL)
    return dray_source_refuse (text, "is the page of an account of Hugging Face, or a model of the "
                                     "old form without one. " EXAMPLE);

  repo = g_uri_unescape_string (parts[1], "/");
  if (repo == NULL)
    return dray_source_refuse (text, "names no repository that Hugging Face could have. " EXAMPLE);
  length = strcspn (repo, "@:");
  words.org = g_strdup (parts[0]);
  words.repo = g_strndup (repo, length);
  if (g_str_has_suffix (words.repo, ".git"))
    words.repo[strlen (words.repo) - strlen (".git")] = '\0';
  if (!is_name (words.org) || !is_name (words.repo))
    return dray_source_refuse (text, "names no repository that Hugging Face could have. " EXAMPLE);
  read_rest (&words, repo + length);

  return parts[2] != NULL ? read_inside (&words, parts + 2, text) : judge (&words, text);
}

/**
 * dray_reference_choose:
 * @reference: a repository of the hub
 * @variant: the name of one of its variants
 *
 * Returns: (transfer full): the source that stands for that variant
 */
char *
dray_reference_choose (const DrayReference *reference, const char *variant)
{
  DrayReference chosen = *reference;

  g_assert (reference->kind == DRAY_REFERENCE_HUB && reference->path == NULL);

  chosen.variant = (char *) variant;
  return make_model_id (&chosen);
}
