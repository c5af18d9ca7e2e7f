/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/variants-private.h"

#include "core/base/piece.h"

#include <string.h>

/* How many names an error lists; more are counted. */
#define NAMES_SHOWN 40

/* The formats that hold models, those first that are taken where a repository has several. */
typedef enum
{
  FORMAT_GGUF,
  FORMAT_SAFETENSORS,
  FORMAT_OTHER,
  FORMAT_NONE,
} Format;

static const struct
{
  const char *suffix;
  Format format;
} formats[] = {
  { ".gguf", FORMAT_GGUF },      { ".safetensors", FORMAT_SAFETENSORS },
  { ".bin", FORMAT_OTHER },      { ".onnx", FORMAT_OTHER },
  { ".pt", FORMAT_OTHER },       { ".pth", FORMAT_OTHER },
  { ".ckpt", FORMAT_OTHER },     { ".tflite", FORMAT_OTHER },
  { ".ggml", FORMAT_OTHER },     { ".task", FORMAT_OTHER },
  { ".litertlm", FORMAT_OTHER },
};

struct _DrayVariants
{
  GPtrArray *sets;   /* of DrayFileSet: whole, smallest first */
  GPtrArray *broken; /* of DrayFileSet: those that lack shards */
  const DrayFileSet *suggested;
  const DrayRepositoryFile *companion;
};

static Format
find_format (const char *path)
{
  gsize length = strlen (path);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      gsize cut = strlen (formats[i].suffix);

      if (length > cut && g_ascii_strcasecmp (path + length - cut, formats[i].suffix) == 0)
        return formats[i].format;
    }

  return FORMAT_NONE;
}

static gboolean
is_named (const DrayRepositoryFile *file, const char *word)
{
  g_autofree char *name = dray_repository_file_dup_name (file);
  g_autofree char *lower = g_ascii_strdown (name, -1);

  return strstr (lower, word) != NULL;
}

static gboolean
is_projector (const DrayRepositoryFile *file)
{
  return find_format (file->path) == FORMAT_GGUF && is_named (file, "mmproj");
}

/* What is made while a model is trained or quantised is stored like a model and is none. */
static gboolean
is_by_product (const DrayRepositoryFile *file)
{
  static const char *const words[] = { "imatrix", "optimizer", "rng_state", "scheduler",
                                       "training_args" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (is_named (file, words[i]))
      return TRUE;

  return FALSE;
}

static Format
find_model_format (const DrayRepositoryFile *file)
{
  return is_projector (file) || is_by_product (file) ? FORMAT_NONE : find_format (file->path);
}

/* The models of the best format that there is. */
static GPtrArray *
pick_files (GPtrArray *files, Format *best)
{
  GPtrArray *picked = g_ptr_array_new ();

  *best = FORMAT_NONE;
  for (guint i = 0; i < files->len; i++)
    *best = MIN (*best, find_model_format (g_ptr_array_index (files, i)));

  for (guint i = 0; *best != FORMAT_NONE && i < files->len; i++)
    if (find_model_format (g_ptr_array_index (files, i)) == *best)
      g_ptr_array_add (picked, g_ptr_array_index (files, i));

  return picked;
}

/* How much of its path a set is called by. */
typedef enum
{
  CALLED_BY_STEM,   /* the file's name without suffix and shard number */
  CALLED_BY_FOLDER, /* the folders before that, too */
  CALLED_BY_PATH,   /* all of it, with an asterisk for the shard number */
} Calling;

static char *
call (const DrayFileSet *set, Calling calling)
{
  const DrayRepositoryFile *first = g_ptr_array_index (set->files, 0);
  g_autofree char *whole = NULL;
  const char *path, *slash;
  char *name, *end;
  gboolean is_set;
  guint number;

  dray_shard_name_read (first->path, &whole, &number);
  is_set = *whole == '/';
  path = whole + is_set;
  slash = calling == CALLED_BY_STEM ? strrchr (path, '/') : NULL;
  name = g_strdup (slash != NULL ? slash + 1 : path);
  end = is_set ? g_strrstr (name, "-*-of-") : strrchr (name, '.');
  if (end != NULL && calling != CALLED_BY_PATH)
    *end = '\0';

  return name;
}

/* Names those sets otherwise that are called like another one. */
static void
rename_ambiguous (GPtrArray *sets, Calling calling)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);
      char *key = g_ascii_strdown (set->name, -1);
      guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, key));

      g_hash_table_replace (counts, key, GUINT_TO_POINTER (count + 1));
    }

  for (guint i = 0; i < sets->len; i++)
    {
      DrayFileSet *set = g_ptr_array_index (sets, i);
      g_autofree char *key = g_ascii_strdown (set->name, -1);

      if (GPOINTER_TO_UINT (g_hash_table_lookup (counts, key)) < 2)
        continue;
      g_free (set->name);
      set->name = call (set, calling);
    }
}

/* A set of safetensors that no quantisation tells from others is what the format stores: the model. */
static void
name_sets (GPtrArray *sets, Format format)
{
  for (guint i = 0; i < sets->len; i++)
    {
      DrayFileSet *set = g_ptr_array_index (sets, i);
      const DrayRepositoryFile *first = g_ptr_array_index (set->files, 0);

      set->quantisation = dray_variants_find_quantisation (first->path);
      if (set->quantisation != NULL)
        set->name = g_strdup (set->quantisation);
      else
        set->name =
            format == FORMAT_SAFETENSORS ? g_strdup ("safetensors") : call (set, CALLED_BY_STEM);
    }

  for (Calling calling = CALLED_BY_STEM; calling <= CALLED_BY_PATH; calling++)
    rename_ambiguous (sets, calling);
}

static int
compare_sizes (gconstpointer a, gconstpointer b)
{
  const DrayFileSet *one = *(const DrayFileSet *const *) a;
  const DrayFileSet *other = *(const DrayFileSet *const *) b;

  if (one->size != other->size)
    return one->size < other->size ? -1 : 1;

  return strcmp (one->name, other->name);
}

static const DrayFileSet *
find_quantised (GPtrArray *sets, const char *quantisation)
{
  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);

      if (g_strcmp0 (set->quantisation, quantisation) == 0)
        return set;
    }

  return NULL;
}

static const DrayFileSet *
suggest (GPtrArray *sets)
{
  static const char *const preferred[] = { "Q4_K_M", "Q8_0" };

  for (guint i = 0; i < G_N_ELEMENTS (preferred); i++)
    {
      const DrayFileSet *set = find_quantised (sets, preferred[i]);

      if (set != NULL)
        return set;
    }

  return sets->len > 0 ? g_ptr_array_index (sets, 0) : NULL;
}

static const DrayRepositoryFile *
find_companion (GPtrArray *files)
{
  static const char *const preferred[] = { "F16", "BF16" };
  const DrayRepositoryFile *best = NULL;
  guint best_rank = G_MAXUINT;

  for (guint i = 0; i < files->len; i++)
    {
      const DrayRepositoryFile *file = g_ptr_array_index (files, i);
      g_autofree char *quantisation = NULL;
      guint rank = 0;

      if (!is_projector (file))
        continue;
      quantisation = dray_variants_find_quantisation (file->path);
      while (rank < G_N_ELEMENTS (preferred) && g_strcmp0 (quantisation, preferred[rank]) != 0)
        rank++;
      if (rank < best_rank)
        {
          best = file;
          best_rank = rank;
        }
    }

  return best;
}

/**
 * dray_variants_new:
 * @files: (element-type DrayRepositoryFile): the files of a repository, each path once; must live
 *   longer than the variants
 *
 * Where a repository has its model in several formats, GGUF is taken, else safetensors. A set that
 * lacks shards is no variant.
 *
 * Returns: (transfer full): what there is to choose from; may be nothing
 */
DrayVariants *
dray_variants_new (GPtrArray *files)
{
  DrayVariants *self = g_new0 (DrayVariants, 1);
  Format format;
  g_autoptr (GPtrArray) picked = pick_files (files, &format);

  self->sets = dray_file_sets_group (picked);
  self->broken = g_ptr_array_new_with_free_func ((GDestroyNotify) dray_file_set_free);
  name_sets (self->sets, format);
  for (guint i = self->sets->len; i > 0; i--)
    {
      const DrayFileSet *set = g_ptr_array_index (self->sets, i - 1);

      if (set->n_missing > 0)
        g_ptr_array_add (self->broken, g_ptr_array_steal_index (self->sets, i - 1));
    }
  g_ptr_array_sort (self->sets, compare_sizes);
  self->suggested = suggest (self->sets);
  if (format == FORMAT_GGUF)
    self->companion = find_companion (files);

  return self;
}

void
dray_variants_free (DrayVariants *variants)
{
  g_ptr_array_unref (variants->sets);
  g_ptr_array_unref (variants->broken);
  g_free (variants);
}

/**
 * dray_variants_get_sets:
 * @variants: the variants of a repository
 *
 * Returns: (transfer none) (element-type DrayFileSet): each whole one, smallest first
 */
GPtrArray *
dray_variants_get_sets (DrayVariants *variants)
{
  return variants->sets;
}

/**
 * dray_variants_get_suggested:
 * @variants: the variants of a repository
 *
 * Returns: (transfer none) (nullable): Q4_K_M, else Q8_0, else the first
 */
const DrayFileSet *
dray_variants_get_suggested (DrayVariants *variants)
{
  return variants->suggested;
}

/**
 * dray_variants_get_companion:
 * @variants: the variants of a repository
 *
 * Returns: (transfer none) (nullable): the projector that goes with any of them: F16, else BF16,
 *   else the first
 */
const DrayRepositoryFile *
dray_variants_get_companion (DrayVariants *variants)
{
  return variants->companion;
}

/* The one that is called so; else the only one that is quantised so. */
static const DrayFileSet *
find_asked (GPtrArray *sets, const char *asked)
{
  const DrayFileSet *found = NULL;

  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);

      if (g_str_equal (set->name, asked))
        return set;
      if (found == NULL && g_ascii_strcasecmp (set->name, asked) == 0)
        found = set;
    }
  if (found != NULL)
    return found;

  for (guint i = 0; i < sets->len; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);

      if (set->quantisation == NULL || g_ascii_strcasecmp (set->quantisation, asked) != 0)
        continue;
      if (found != NULL)
        return NULL;
      found = set;
    }

  return found;
}

static char *
list_names (GPtrArray *sets)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < sets->len && i < NAMES_SHOWN; i++)
    {
      const DrayFileSet *set = g_ptr_array_index (sets, i);

      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", set->name);
    }
  if (sets->len > NAMES_SHOWN)
    g_string_append_printf (names, " and %u more", sets->len - NAMES_SHOWN);

  return g_string_free (names, FALSE);
}

/**
 * dray_variants_choose:
 * @variants: the variants of a repository
 * @asked: (nullable): the name of one, in letters of any size; %NULL for the suggested one
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_NOT_FOUND, with those that there are.
 *
 * Returns: (transfer none) (nullable): the one that was asked for
 */
const DrayFileSet *
dray_variants_choose (DrayVariants *variants, const char *asked, GError **error)
{
  const DrayFileSet *broken = NULL;
  const DrayFileSet *found;
  g_autofree char *names = NULL;

  found = asked != NULL ? find_asked (variants->sets, asked) : variants->suggested;
  if (found != NULL)
    return found;

  if (asked != NULL)
    broken = find_asked (variants->broken, asked);
  else if (variants->broken->len > 0)
    broken = g_ptr_array_index (variants->broken, 0);

  names = list_names (variants->sets);
  if (broken != NULL)
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                 "The repository has only %u of the %u shards of %s%s%s", broken->files->len,
                 broken->files->len + broken->n_missing, broken->name,
                 *names != '\0' ? ". Whole are: " : "", names);
  else if (variants->sets->len == 0)
    g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                         "The repository has no model files");
  else
    g_set_error (error, DRAY_ERROR, DRAY_ERROR_NOT_FOUND,
                 "The repository has no variant “%s”. It has: %s", asked, names);

  return NULL;
}
