/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/gguf.h"

#include "core/inspect/extents.h"
#include "core/inspect/ggml-type.h"
#include "core/inspect/gguf-metadata.h"
#include "core/inspect/name-set.h"

#define N_DIMENSIONS_MAX 4
#define N_TENSORS_MAX (1 << 18)

/* A greater number is no tensor type that could be added one day, but nonsense. */
#define TYPE_MAX 1023

/* The largest headers that are known, with their vocabularies, have tens of MB. */
#define HEADER_SIZE_MAX ((guint64) 1 << 30)

typedef struct
{
  DrayReader *reader;
  DrayGgufMetadata metadata;
  DrayModelFacts *facts;
  DrayExtents *extents; /* offsets from where the tensors' data begin */
  guint64 n_parameters;
  guint64 n_of_type[TYPE_MAX + 1]; /* parameters */
} Gguf;

static gboolean
set_unsupported (GError **error, guint version)
{
  g_set_error (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
               "This is GGUF version %u; Dray reads versions 2 and 3. %s", version,
               version == 1 ? "Get a newer file of the model" : "A newer Dray may read it");
  return FALSE;
}

/* A file of the other byte order begins with the same letters, but its version stands the other way
 * round. */
static gboolean
read_version (DrayReader *reader, DrayModelFacts *facts, GError **error)
{
  guint32 version;

  if (!dray_reader_skip (reader, 4, error) || !dray_reader_read_uint32 (reader, &version, error))
    return FALSE;

  if ((version & 0xffff) == 0)
    {
      dray_reader_set_big_endian (reader);
      version = GUINT32_SWAP_LE_BE (version);
    }
  if (version == 0 || version > 0xffff)
    return dray_malformed (error, "The file begins like GGUF, but has no version");
  if (version != 2 && version != 3)
    return set_unsupported (error, version);

  facts->version = version;
  return TRUE;
}

static gboolean
read_count (DrayReader *reader, const char *what, guint64 most, guint64 *count, GError **error)
{
  if (!dray_reader_read_uint64 (reader, count, error))
    return FALSE;
  if (*count > most)
    return dray_malformed (error,
                           "The header claims to have %" G_GUINT64_FORMAT
                           " %s; Dray reads %" G_GUINT64_FORMAT " at most",
                           *count, what, most);

  return TRUE;
}

/* Reads how long the tensor is in each direction; gives how many numbers that are, and how many of
 * them follow one another. */
static gboolean
read_shape (DrayReader *reader, const char *name, guint64 *n_elements, guint64 *row, GError **error)
{
  guint32 n_dimensions;

  if (!dray_reader_read_uint32 (reader, &n_dimensions, error))
    return FALSE;
  if (n_dimensions > N_DIMENSIONS_MAX)
    return dray_malformed (error, "The tensor “%s” has %u dimensions; %d are the most", name,
                           n_dimensions, N_DIMENSIONS_MAX);

  *n_elements = 1;
  *row = 1;
  for (guint i = 0; i < n_dimensions; i++)
    {
      guint64 length;

      if (!dray_reader_read_uint64 (reader, &length, error))
        return FALSE;
      if (length > G_MAXINT64 || !g_uint64_checked_mul (n_elements, *n_elements, length)
          || *n_elements > G_MAXINT64)
        return dray_malformed (error, "The tensor “%s” is larger than can be counted", name);
      if (i == 0)
        *row = length;
    }

  return TRUE;
}

static gboolean
place (Gguf *gguf,
       const char *name,
       const DrayGgmlType *type,
       guint64 n_elements,
       guint64 offset,
       GError **error)
{
  guint64 size, end;

  if (offset % gguf->metadata.alignment != 0)
    return dray_malformed (error,
                           "The tensor “%s” begins at %" G_GUINT64_FORMAT
                           ", which is no multiple of the file's alignment %u",
                           name, offset, gguf->metadata.alignment);

  /* Of a type that is not known, all that can be said is that it has a byte. */
  if (type == NULL)
    size = MIN (n_elements, 1);
  else if (!g_uint64_checked_mul (&size, n_elements / type->block_length, type->block_size))
    return dray_malformed (error, "The tensor “%s” is larger than can be counted", name);

  if (!g_uint64_checked_add (&end, offset, size) || end > G_MAXINT64)
    return dray_malformed (error, "The tensor “%s” lies where no file reaches", name);

  dray_extents_add (gguf->extents, offset, end);
  return TRUE;
}

static gboolean
read_tensor_as (Gguf *gguf, const char *name, GError **error)
{
  const DrayGgmlType *type;
  guint64 n_elements = 0, row = 0, offset = 0;
  guint32 id = 0;

  if (!read_shape (gguf->reader, name, &n_elements, &row, error)
      || !dray_reader_read_uint32 (gguf->reader, &id, error)
      || !dray_reader_read_uint64 (gguf->reader, &offset, error))
    return FALSE;

  if (id > TYPE_MAX)
    return dray_malformed (error, "The tensor “%s” has the type %u, which is none", name, id);
  type = dray_ggml_type_lookup (id);
  if (type != NULL && row % type->block_length != 0)
    return dray_malformed (error,
                           "The rows of the tensor “%s” have %" G_GUINT64_FORMAT
                           " numbers, but %s has blocks of %u",
                           name, row, type->name, type->block_length);

  if (!g_uint64_checked_add (&gguf->n_parameters, gguf->n_parameters, n_elements)
      || gguf->n_parameters > G_MAXINT64)
    return dray_malformed (error, "The tensors are larger than can be counted");
  gguf->n_of_type[id] += n_elements;
  if (type == NULL)
    gguf->facts->n_unknown_tensors++;

  return place (gguf, name, type, n_elements, offset, error);
}

static gboolean
read_tensors (Gguf *gguf, guint64 n_tensors, GError **error)
{
  g_autoptr (DrayNameSet) names = dray_name_set_new ();

  for (guint64 i = 0; i < n_tensors; i++)
    {
      g_autofree char *name = dray_gguf_read_name (gguf->reader, names, "tensor", error);
      g_autofree char *shown = NULL;

      if (name == NULL)
        return FALSE;
      shown = dray_dup_shown (name);
      if (!read_tensor_as (gguf, shown, error))
        return FALSE;
    }

  gguf->facts->n_tensors = (gint64) n_tensors;
  gguf->facts->n_parameters = (gint64) gguf->n_parameters;
  return TRUE;
}

/* A file without tensors may end where its header does. */
static gboolean
check_data (Gguf *gguf, GError **error)
{
  guint64 size = dray_reader_get_size (gguf->reader);
  guint64 alignment = gguf->metadata.alignment;
  guint64 header = dray_reader_get_position (gguf->reader);
  guint64 start = (header + alignment - 1) / alignment * alignment;
  guint64 end = dray_extents_get_end (gguf->extents);

  if (end > 0 && (start > size || end > size - start))
    return dray_malformed (error,
                           "The file is cut short: its tensors need %" G_GUINT64_FORMAT
                           " bytes more than the %" G_GUINT64_FORMAT
                           " that are here. Download it again",
                           start + end - size, size);

  return dray_extents_check (gguf->extents, TRUE, gguf->reader, error);
}

static const char *
find_quantisation (const Gguf *gguf)
{
  const char *name = NULL;
  const DrayGgmlType *type;
  guint most = 0;

  if (gguf->metadata.file_type >= 0)
    name = dray_ggml_file_type_get_name ((guint64) gguf->metadata.file_type);
  if (name != NULL)
    return name;

  for (guint i = 1; i <= TYPE_MAX; i++)
    if (gguf->n_of_type[i] > gguf->n_of_type[most])
      most = i;
  type = dray_ggml_type_lookup (most);

  return type != NULL && gguf->n_of_type[most] > 0 ? type->name : NULL;
}

static gboolean
read_header (Gguf *gguf, GError **error)
{
  DrayReader *reader = gguf->reader;
  guint64 n_tensors, n_keys;

  dray_reader_set_limit (reader, HEADER_SIZE_MAX);
  if (!read_version (reader, gguf->facts, error)
      || !read_count (reader, "tensors", N_TENSORS_MAX, &n_tensors, error)
      || !read_count (reader, "keys", DRAY_GGUF_N_KEYS_MAX, &n_keys, error)
      || !dray_gguf_metadata_read (&gguf->metadata, reader, n_keys, error)
      || !read_tensors (gguf, n_tensors, error) || !check_data (gguf, error))
    return FALSE;

  dray_gguf_metadata_tell (&gguf->metadata, gguf->facts);
  gguf->facts->quantisation = g_strdup (find_quantisation (gguf));
  gguf->facts->size = (gint64) dray_reader_get_size (reader);
  return TRUE;
}

/**
 * dray_gguf_read:
 * @reader: a reader at the first byte of a file that begins with `GGUF`
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_MALFORMED_MODEL, %DRAY_ERROR_UNSUPPORTED for another version,
 * %DRAY_ERROR_CANCELLED, and those of reading a file.
 *
 * Returns: (transfer full) (nullable): what the header says
 */
DrayModelFacts *
dray_gguf_read (DrayReader *reader, GError **error)
{
  g_autofree Gguf *gguf = g_new0 (Gguf, 1);
  g_autoptr (DrayModelFacts) facts = dray_model_facts_new (DRAY_MODEL_FORMAT_GGUF);
  g_autoptr (DrayExtents) extents = dray_extents_new ();
  gboolean well;

  gguf->reader = reader;
  gguf->facts = facts;
  gguf->extents = extents;
  dray_gguf_metadata_init (&gguf->metadata);
  well = read_header (gguf, error);
  dray_gguf_metadata_clear (&gguf->metadata);

  return well ? g_steal_pointer (&facts) : NULL;
}
