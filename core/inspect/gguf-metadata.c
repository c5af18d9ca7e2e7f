/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/gguf-metadata.h"

#include <string.h>

#define DEFAULT_ALIGNMENT 32

/* The format's own limit for a key; generous for the name of a tensor. */
#define NAME_LENGTH_MAX 65535

/* How deep arrays may lie in one another. */
#define DEPTH_MAX 4

/* A file with more keys that could tell, say, its context length is not one that means well. */
#define N_FIGURES_MAX 64

typedef enum
{
  VALUE_UINT8,
  VALUE_INT8,
  VALUE_UINT16,
  VALUE_INT16,
  VALUE_UINT32,
  VALUE_INT32,
  VALUE_FLOAT32,
  VALUE_BOOL,
  VALUE_STRING,
  VALUE_ARRAY,
  VALUE_UINT64,
  VALUE_INT64,
  VALUE_FLOAT64,
} ValueType;

/* In bytes; 0 where each value says for itself. */
static const guint8 value_sizes[] = {
  [VALUE_UINT8] = 1,   [VALUE_INT8] = 1,  [VALUE_UINT16] = 2,  [VALUE_INT16] = 2,
  [VALUE_UINT32] = 4,  [VALUE_INT32] = 4, [VALUE_FLOAT32] = 4, [VALUE_BOOL] = 1,
  [VALUE_STRING] = 0,  [VALUE_ARRAY] = 0, [VALUE_UINT64] = 8,  [VALUE_INT64] = 8,
  [VALUE_FLOAT64] = 8,
};

typedef enum
{
  FIGURE_CONTEXT_LENGTH,
  FIGURE_N_LAYERS,
  FIGURE_EMBEDDING_LENGTH,
} FigureKind;

static const char *const figure_keys[] = {
  [FIGURE_CONTEXT_LENGTH] = ".context_length",
  [FIGURE_N_LAYERS] = ".block_count",
  [FIGURE_EMBEDDING_LENGTH] = ".embedding_length",
};

typedef struct
{
  FigureKind kind;
  char *architecture;
  gint64 value;
} Figure;

static void
figure_clear (Figure *figure)
{
  g_free (figure->architecture);
}

void
dray_gguf_metadata_init (DrayGgufMetadata *metadata)
{
  *metadata = (DrayGgufMetadata){
    .alignment = DEFAULT_ALIGNMENT,
    .file_type = -1,
    .n_shards = -1,
    .figures = g_array_new (FALSE, FALSE, sizeof (Figure)),
  };
  g_array_set_clear_func (metadata->figures, (GDestroyNotify) figure_clear);
}

void
dray_gguf_metadata_clear (DrayGgufMetadata *metadata)
{
  g_free (metadata->architecture);
  g_free (metadata->name);
  g_array_unref (metadata->figures);
}

static char *
read_text (DrayReader *reader, guint64 length, GError **error)
{
  g_autofree char *text = g_malloc (length + 1);

  if (!dray_reader_read (reader, text, length, error))
    return NULL;
  text[length] = '\0';

  return g_steal_pointer (&text);
}

/**
 * dray_gguf_read_name:
 * @reader: a reader before a name
 * @names: the names that came before, to which this one is added
 * @what: what has the name, for errors
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the name, which is UTF-8, new and not empty
 */
char *
dray_gguf_read_name (DrayReader *reader, DrayNameSet *names, const char *what, GError **error)
{
  g_autofree char *name = NULL;
  guint64 length;

  if (!dray_reader_read_uint64 (reader, &length, error))
    return NULL;
  if (length == 0 || length > NAME_LENGTH_MAX)
    {
      dray_malformed (error,
                      "The name of a %s has %" G_GUINT64_FORMAT " bytes; 1 to %d are possible",
                      what, length, NAME_LENGTH_MAX);
      return NULL;
    }

  name = read_text (reader, length, error);
  if (name == NULL)
    return NULL;
  if (!g_utf8_validate_len (name, length, NULL))
    {
      dray_malformed (error, "The name of a %s is not text", what);
      return NULL;
    }
  if (!dray_name_set_add (names, name, length))
    {
      g_autofree char *shown = dray_dup_shown (name);

      dray_malformed (error, "Two have the %s name “%s”", what, shown);
      return NULL;
    }

  return g_steal_pointer (&name);
}

static gboolean
skip_text (DrayReader *reader, GError **error)
{
  guint64 length;

  return dray_reader_read_uint64 (reader, &length, error)
         && dray_reader_skip (reader, length, error);
}

static gboolean
check_type (guint32 type, GError **error)
{
  return type < G_N_ELEMENTS (value_sizes)
         || dray_malformed (error, "A value has the type %u, which is none", type);
}

static gboolean
skip_array (DrayReader *reader, guint depth, GError **error)
{
  guint32 type;
  guint64 n, size;

  if (depth > DEPTH_MAX)
    return dray_malformed (error, "Arrays lie in one another more than %d deep", DEPTH_MAX);
  if (!dray_reader_read_uint32 (reader, &type, error) || !check_type (type, error)
      || !dray_reader_read_uint64 (reader, &n, error))
    return FALSE;

  if (value_sizes[type] > 0)
    {
      if (!g_uint64_checked_mul (&size, n, value_sizes[type]))
        size = G_MAXUINT64;
      return dray_reader_skip (reader, size, error);
    }

  for (guint64 i = 0; i < n; i++)
    if (type == VALUE_ARRAY ? !skip_array (reader, depth + 1, error) : !skip_text (reader, error))
      return FALSE;

  return TRUE;
}

/* Reads a whole number; *is_known tells whether it is one that is neither negative nor too large. */
static gboolean
read_figure (DrayReader *reader, ValueType type, gint64 *value, gboolean *is_known, GError **error)
{
  guint n_bits = 8U * value_sizes[type];
  gboolean is_signed = type == VALUE_INT8 || type == VALUE_INT16 || type == VALUE_INT32;
  guint64 number;

  if (!dray_reader_read_number (reader, value_sizes[type], &number, error))
    return FALSE;
  if (type == VALUE_BOOL && number > 1)
    return dray_malformed (error, "A truth value is %u", (guint) number);

  *is_known = type != VALUE_FLOAT32 && type != VALUE_FLOAT64 && type != VALUE_BOOL
              && number <= G_MAXINT64 && !(is_signed && number >> (n_bits - 1) != 0);
  *value = *is_known ? (gint64) number : -1;
  return TRUE;
}

static void
keep_figure (DrayGgufMetadata *metadata, const char *key, gint64 value)
{
  for (guint kind = 0; kind < G_N_ELEMENTS (figure_keys); kind++)
    if (g_str_has_suffix (key, figure_keys[kind]) && metadata->figures->len < N_FIGURES_MAX)
      {
        Figure figure = {
          .kind = kind,
          .architecture = g_strndup (key, strlen (key) - strlen (figure_keys[kind])),
          .value = value,
        };

        g_array_append_val (metadata->figures, figure);
      }
}

static gboolean
keep_alignment (DrayGgufMetadata *metadata, gint64 value, GError **error)
{
  if (value <= 0 || (value & (value - 1)) != 0)
    return dray_malformed (error, "The file's alignment is no power of two");

  metadata->alignment = (guint32) value;
  return TRUE;
}

static gboolean
read_number_for (
    DrayGgufMetadata *metadata, DrayReader *reader, const char *key, ValueType type, GError **error)
{
  gboolean is_known = FALSE;
  gint64 value = -1;

  if (!read_figure (reader, type, &value, &is_known, error))
    return FALSE;

  if (g_str_equal (key, "general.alignment"))
    return keep_alignment (metadata, value, error);
  if (!is_known)
    return TRUE;
  if (g_str_equal (key, "general.file_type"))
    metadata->file_type = value;
  else if (g_str_equal (key, "split.count"))
    metadata->n_shards = value;
  else
    keep_figure (metadata, key, value);

  return TRUE;
}

/* Whatever a text says has no power here; it is only made fit to be shown. */
static gboolean
keep_text (DrayReader *reader, char **kept, GError **error)
{
  g_autofree char *text = NULL;
  guint64 length;

  if (!dray_reader_read_uint64 (reader, &length, error))
    return FALSE;
  if (length > NAME_LENGTH_MAX)
    return dray_malformed (error, "The model's name has %" G_GUINT64_FORMAT " bytes", length);

  text = read_text (reader, length, error);
  if (text == NULL)
    return FALSE;
  *kept = g_utf8_make_valid (text, -1);

  return TRUE;
}

static gboolean
read_value (DrayGgufMetadata *metadata, DrayReader *reader, const char *key, GError **error)
{
  gboolean is_architecture = g_str_equal (key, "general.architecture");
  guint32 type;

  if (!dray_reader_read_uint32 (reader, &type, error) || !check_type (type, error))
    return FALSE;
  if (is_architecture && type != VALUE_STRING)
    return dray_malformed (error, "The model's architecture is not a text");
  if (type != VALUE_UINT32 && g_str_equal (key, "general.alignment"))
    return dray_malformed (error, "The file's alignment is no power of two");

  switch ((ValueType) type)
    {
    case VALUE_ARRAY:
      return skip_array (reader, 1, error);

    case VALUE_STRING:
      if (is_architecture)
        return keep_text (reader, &metadata->architecture, error);
      if (g_str_equal (key, "general.name"))
        return keep_text (reader, &metadata->name, error);
      return skip_text (reader, error);

    default:
      return read_number_for (metadata, reader, key, (ValueType) type, error);
    }
}

/**
 * dray_gguf_metadata_read:
 * @metadata: what is kept
 * @reader: a reader before the first key
 * @n_keys: how many keys there are, %DRAY_GGUF_N_KEYS_MAX at most
 * @error: return location for a #GError
 *
 * Returns: whether every key and value is as the format asks
 */
gboolean
dray_gguf_metadata_read (DrayGgufMetadata *metadata,
                         DrayReader *reader,
                         guint64 n_keys,
                         GError **error)
{
  g_autoptr (DrayNameSet) names = dray_name_set_new ();

  for (guint64 i = 0; i < n_keys; i++)
    {
      g_autofree char *key = dray_gguf_read_name (reader, names, "key", error);

      if (key == NULL || !read_value (metadata, reader, key, error))
        return FALSE;
    }

  return TRUE;
}

/* Those whose key begins with the file's architecture. */
static gint64
find_figure (const DrayGgufMetadata *metadata, FigureKind kind)
{
  for (guint i = 0; i < metadata->figures->len; i++)
    {
      const Figure *figure = &g_array_index (metadata->figures, Figure, i);

      if (figure->kind == kind && g_strcmp0 (figure->architecture, metadata->architecture) == 0)
        return figure->value;
    }

  return -1;
}

/**
 * dray_gguf_metadata_tell:
 * @metadata: what was kept
 * @facts: (inout): where it goes
 */
void
dray_gguf_metadata_tell (const DrayGgufMetadata *metadata, DrayModelFacts *facts)
{
  facts->architecture = g_strdup (metadata->architecture);
  facts->name = g_strdup (metadata->name);
  facts->n_shards = metadata->n_shards;
  facts->context_length = find_figure (metadata, FIGURE_CONTEXT_LENGTH);
  facts->n_layers = find_figure (metadata, FIGURE_N_LAYERS);
  facts->embedding_length = find_figure (metadata, FIGURE_EMBEDDING_LENGTH);
}
