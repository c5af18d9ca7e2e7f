/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/safetensors.h"

#include "core/inspect/extents.h"
#include "core/inspect/json.h"
#include "core/inspect/name-set.h"

#include <string.h>

#define N_TENSORS_MAX (1 << 18)
#define N_DIMENSIONS_MAX 64

/* In bytes: of a name, and of a text in the metadata that is kept. */
#define NAME_LENGTH_MAX 65535

#define METADATA_KEY "__metadata__"

static const struct
{
  const char *name;
  guint n_bits;
} types[] = {
  { "BOOL", 8 },    { "U8", 8 },          { "I8", 8 },          { "U16", 16 },    { "I16", 16 },
  { "F16", 16 },    { "BF16", 16 },       { "U32", 32 },        { "I32", 32 },    { "F32", 32 },
  { "U64", 64 },    { "I64", 64 },        { "F64", 64 },        { "C64", 64 },    { "F8_E4M3", 8 },
  { "F8_E5M2", 8 }, { "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 }, { "F8_E8M0", 8 }, { "F6_E2M3", 6 },
  { "F6_E3M2", 6 }, { "F4", 4 },
};

#define TYPE_UNKNOWN G_N_ELEMENTS (types)

typedef struct
{
  DrayJson json;
  DrayModelFacts *facts;
  DrayExtents *extents; /* offsets from the header's end */
  DrayNameSet *names;
  GString *name; /* of the tensor or key that is read */
  GString *text;
  guint64 n_parameters;
  guint64 n_of_type[G_N_ELEMENTS (types) + 1]; /* parameters */
} Safetensors;

/* What is said of one tensor. */
typedef struct
{
  const char *name; /* as an error can show it */
  gboolean has_type;
  gboolean has_shape;
  gboolean has_offsets;
  guint type;
  guint64 n_elements;
  guint64 start;
  guint64 end;
} Tensor;

static gboolean
read_key (Safetensors *file, GString *key, GError **error)
{
  return dray_json_read_text (&file->json, key, NAME_LENGTH_MAX, error)
         && dray_json_expect (&file->json, ':', error);
}

static gboolean
read_metadata_value (Safetensors *file, GError **error)
{
  char **kept = NULL;

  if (g_str_equal (file->name->str, "modelspec.architecture"))
    kept = &file->facts->architecture;
  else if (g_str_equal (file->name->str, "modelspec.title"))
    kept = &file->facts->name;

  if (!dray_json_read_text (&file->json, kept != NULL ? file->text : NULL, NAME_LENGTH_MAX, error))
    return FALSE;
  if (kept != NULL)
    *kept = g_strdup (file->text->str);

  return TRUE;
}

static gboolean
read_metadata (Safetensors *file, GError **error)
{
  g_autoptr (DrayNameSet) names = dray_name_set_new ();
  gboolean more;

  if (!dray_json_expect (&file->json, '{', error))
    return FALSE;

  for (guint64 n = 0;; n++)
    {
      if (!dray_json_next_item (&file->json, '}', n, &more, error))
        return FALSE;
      if (!more)
        return TRUE;
      if (n == N_TENSORS_MAX)
        return dray_malformed (error, "The metadata have more than %d keys", N_TENSORS_MAX);
      if (!read_key (file, file->name, error))
        return FALSE;
      if (!dray_name_set_add (names, file->name->str, file->name->len))
        return dray_malformed (error, "Two of the metadata have the same name");
      if (!read_metadata_value (file, error))
        return FALSE;
    }
}

static gboolean
read_type (Safetensors *file, Tensor *tensor, GError **error)
{
  if (!dray_json_read_text (&file->json, file->text, NAME_LENGTH_MAX, error))
    return FALSE;

  tensor->type = 0;
  while (tensor->type < TYPE_UNKNOWN && !g_str_equal (types[tensor->type].name, file->text->str))
    tensor->type++;

  return TRUE;
}

static gboolean
read_shape (Safetensors *file, Tensor *tensor, GError **error)
{
  gboolean more;

  if (!dray_json_expect (&file->json, '[', error))
    return FALSE;

  tensor->n_elements = 1;
  for (guint64 n = 0;; n++)
    {
      guint64 length;

      if (!dray_json_next_item (&file->json, ']', n, &more, error))
        return FALSE;
      if (!more)
        return TRUE;
      if (n == N_DIMENSIONS_MAX)
        return dray_malformed (error, "The tensor “%s” has more than %d dimensions", tensor->name,
                               N_DIMENSIONS_MAX);
      if (!dray_json_read_natural (&file->json, &length, error))
        return FALSE;
      if (length > G_MAXINT64
          || !g_uint64_checked_mul (&tensor->n_elements, tensor->n_elements, length)
          || tensor->n_elements > G_MAXINT64)
        return dray_malformed (error, "The tensor “%s” is larger than can be counted",
                               tensor->name);
    }
}

static gboolean
read_offsets (Safetensors *file, Tensor *tensor, GError **error)
{
  DrayJson *json = &file->json;

  if (!dray_json_expect (json, '[', error) || !dray_json_read_natural (json, &tensor->start, error)
      || !dray_json_expect (json, ',', error) || !dray_json_read_natural (json, &tensor->end, error)
      || !dray_json_expect (json, ']', error))
    return FALSE;

  if (tensor->start > tensor->end || tensor->end > G_MAXINT64)
    return dray_malformed (error, "The tensor “%s” lies where no file reaches", tensor->name);

  return TRUE;
}

/* Keys that are not known are passed over: the format may come to have more. */
static gboolean
read_tensor_member (Safetensors *file, Tensor *tensor, GError **error)
{
  const struct
  {
    const char *key;
    gboolean *has;
    gboolean (*read) (Safetensors *, Tensor *, GError **);
  } members[] = {
    { "dtype", &tensor->has_type, read_type },
    { "shape", &tensor->has_shape, read_shape },
    { "data_offsets", &tensor->has_offsets, read_offsets },
  };

  if (!read_key (file, file->text, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (g_str_equal (file->text->str, members[i].key))
      {
        if (*members[i].has)
          return dray_malformed (error, "The tensor “%s” has %s twice", tensor->name,
                                 members[i].key);
        *members[i].has = TRUE;
        return members[i].read (file, tensor, error);
      }

  return dray_json_skip_value (&file->json, error);
}

/* Whether the tensor's bytes are as many as its shape asks for. */
static gboolean
check_size (const Tensor *tensor, GError **error)
{
  guint64 n_bits;

  if (tensor->type == TYPE_UNKNOWN)
    return TRUE;
  if (!g_uint64_checked_mul (&n_bits, tensor->n_elements, types[tensor->type].n_bits)
      || n_bits % 8 != 0 || n_bits / 8 != tensor->end - tensor->start)
    return dray_malformed (
        error,
        "The tensor “%s” has %" G_GUINT64_FORMAT " bytes, which is not what %" G_GUINT64_FORMAT
        " numbers of type %s take",
        tensor->name, tensor->end - tensor->start, tensor->n_elements, types[tensor->type].name);

  return TRUE;
}

static gboolean
count_tensor (Safetensors *file, const Tensor *tensor, GError **error)
{
  if (!tensor->has_type || !tensor->has_shape || !tensor->has_offsets)
    return dray_malformed (error, "The tensor “%s” lacks its type, its shape or its place",
                           tensor->name);
  if (!check_size (tensor, error))
    return FALSE;
  if (!g_uint64_checked_add (&file->n_parameters, file->n_parameters, tensor->n_elements)
      || file->n_parameters > G_MAXINT64)
    return dray_malformed (error, "The tensors are larger than can be counted");

  dray_extents_add (file->extents, tensor->start, tensor->end);
  file->n_of_type[tensor->type] += tensor->n_elements;
  file->facts->n_tensors++;
  if (tensor->type == TYPE_UNKNOWN)
    file->facts->n_unknown_tensors++;

  return TRUE;
}

static gboolean
read_tensor (Safetensors *file, GError **error)
{
  g_autofree char *shown = dray_dup_shown (file->name->str);
  Tensor tensor = { .name = shown };
  gboolean more = TRUE;

  if (file->facts->n_tensors == N_TENSORS_MAX)
    return dray_malformed (error, "The header has more than %d tensors", N_TENSORS_MAX);
  if (!dray_json_expect (&file->json, '{', error))
    return FALSE;

  for (guint64 n = 0; more; n++)
    if (!dray_json_next_item (&file->json, '}', n, &more, error)
        || (more && !read_tensor_member (file, &tensor, error)))
      return FALSE;

  return count_tensor (file, &tensor, error);
}

static gboolean
read_entries (Safetensors *file, GError **error)
{
  gboolean more;

  if (!dray_json_expect (&file->json, '{', error))
    return FALSE;

  for (guint64 n = 0;; n++)
    {
      if (!dray_json_next_item (&file->json, '}', n, &more, error))
        return FALSE;
      if (!more)
        return dray_json_expect_end (&file->json, error);
      if (!read_key (file, file->name, error))
        return FALSE;
      if (!dray_name_set_add (file->names, file->name->str, file->name->len))
        {
          g_autofree char *shown = dray_dup_shown (file->name->str);

          return dray_malformed (error, "Two tensors have the name “%s”", shown);
        }
      if (g_str_equal (file->name->str, METADATA_KEY) ? !read_metadata (file, error)
                                                      : !read_tensor (file, error))
        return FALSE;
    }
}

/* Sets the reader's limit to the header's end. */
static gboolean
read_length (DrayReader *reader, GError **error)
{
  guint64 length, left;

  if (!dray_reader_read_uint64 (reader, &length, error))
    return FALSE;

  left = dray_reader_get_left (reader);
  if (length > DRAY_SAFETENSORS_HEADER_MAX)
    return dray_malformed (error,
                           "The header claims to have %" G_GUINT64_FORMAT
                           " bytes; the format allows %" G_GUINT64_FORMAT,
                           length, DRAY_SAFETENSORS_HEADER_MAX);
  if (length > left)
    return dray_malformed (
        error,
        "The file is cut short: it ends inside its header, at least %" G_GUINT64_FORMAT
        " bytes too early. Download it again",
        length - left);
  dray_reader_set_limit (reader, dray_reader_get_position (reader) + length);

  return TRUE;
}

static gboolean
check_data (Safetensors *file, GError **error)
{
  DrayReader *reader = file->json.reader;
  guint64 size = dray_reader_get_size (reader);
  guint64 room = size - dray_reader_get_position (reader);
  guint64 end = dray_extents_get_end (file->extents);

  if (end > room)
    return dray_malformed (error,
                           "The file is cut short: its tensors need %" G_GUINT64_FORMAT
                           " bytes more than the %" G_GUINT64_FORMAT
                           " that are here. Download it again",
                           end - room, size);
  if (end < room)
    return dray_malformed (error, "The file has %" G_GUINT64_FORMAT " bytes after its last tensor",
                           room - end);

  return dray_extents_check (file->extents, FALSE, reader, error);
}

/* The type of most of the numbers, if it is known. */
static const char *
find_quantisation (const Safetensors *file)
{
  guint most = 0;

  for (guint i = 1; i < G_N_ELEMENTS (file->n_of_type); i++)
    if (file->n_of_type[i] > file->n_of_type[most])
      most = i;

  return most != TYPE_UNKNOWN && file->n_of_type[most] > 0 ? types[most].name : NULL;
}

/**
 * dray_safetensors_read:
 * @reader: a reader at the file's first byte
 * @error: return location for a #GError
 *
 * Errors: %DRAY_ERROR_MALFORMED_MODEL, %DRAY_ERROR_CANCELLED, and those of reading a file.
 *
 * Returns: (transfer full) (nullable): what the header says
 */
DrayModelFacts *
dray_safetensors_read (DrayReader *reader, GError **error)
{
  g_autoptr (DrayModelFacts) facts = dray_model_facts_new (DRAY_MODEL_FORMAT_SAFETENSORS);
  g_autoptr (DrayExtents) extents = dray_extents_new ();
  g_autoptr (DrayNameSet) names = dray_name_set_new ();
  g_autoptr (GString) name = g_string_new (NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  Safetensors file = {
    .json = { .reader = reader },
    .facts = facts,
    .extents = extents,
    .names = names,
    .name = name,
    .text = text,
  };

  if (!read_length (reader, error) || !read_entries (&file, error) || !check_data (&file, error))
    return NULL;

  facts->n_parameters = (gint64) file.n_parameters;
  facts->quantisation = g_strdup (find_quantisation (&file));
  facts->size = (gint64) dray_reader_get_size (reader);
  return g_steal_pointer (&facts);
}
