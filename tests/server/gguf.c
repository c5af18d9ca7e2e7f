/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/gguf.h"

#include <string.h>

#define ALIGNMENT 32
#define N_BLOCKS 4
#define N_TENSORS (N_BLOCKS * 9 + 3)
#define SMALLEST_WIDTH 32
#define LARGEST_WIDTH 16384

typedef enum
{
  VALUE_UINT32 = 4,
  VALUE_FLOAT32 = 6,
  VALUE_STRING = 8,
  VALUE_ARRAY = 9,
} ValueType;

typedef enum
{
  TENSOR_F32 = 0,
  TENSOR_Q4_0 = 2,
  TENSOR_Q8_0 = 8,
} TensorType;

typedef struct
{
  char name[40];
  TensorType type;
  guint n_dimensions;
  guint64 dimensions[2];
} Tensor;

typedef struct
{
  guint64 width;      /* the embedding's length, a power of two */
  guint64 vocabulary; /* rows of the token embedding */
  guint64 leftover;   /* elements of the last tensor, which takes what the others leave */
} Shape;

static void
append_uint32 (GByteArray *out, guint32 value)
{
  guint32 little = GUINT32_TO_LE (value);

  g_byte_array_append (out, (const guint8 *) &little, sizeof little);
}

static void
append_uint64 (GByteArray *out, guint64 value)
{
  guint64 little = GUINT64_TO_LE (value);

  g_byte_array_append (out, (const guint8 *) &little, sizeof little);
}

static void
append_string (GByteArray *out, const char *text)
{
  append_uint64 (out, strlen (text));
  g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text));
}

static void
append_key (GByteArray *out, const char *key, ValueType type)
{
  append_string (out, key);
  append_uint32 (out, type);
}

static void
append_string_value (GByteArray *out, const char *key, const char *value)
{
  append_key (out, key, VALUE_STRING);
  append_string (out, value);
}

static void
append_uint32_value (GByteArray *out, const char *key, guint64 value)
{
  append_key (out, key, VALUE_UINT32);
  append_uint32 (out, (guint32) value);
}

static void
append_float_value (GByteArray *out, const char *key, float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  append_key (out, key, VALUE_FLOAT32);
  append_uint32 (out, bits);
}

static void
append_tags (GByteArray *out)
{
  static const char *const tags[] = { "text-generation", "demonstration", "en" };

  append_key (out, "general.tags", VALUE_ARRAY);
  append_uint32 (out, VALUE_STRING);
  append_uint64 (out, G_N_ELEMENTS (tags));
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    append_string (out, tags[i]);
}

/* Returns how many keys it wrote. */
static guint
append_metadata (GByteArray *out, const char *name, const Shape *shape)
{
  append_string_value (out, "general.architecture", "llama");
  append_string_value (out, "general.name", name);
  append_uint32_value (out, "general.file_type", 2);
  append_uint32_value (out, "general.quantization_version", 2);
  append_uint32_value (out, "general.alignment", ALIGNMENT);
  append_tags (out);
  append_uint32_value (out, "llama.context_length", 4096);
  append_uint32_value (out, "llama.embedding_length", shape->width);
  append_uint32_value (out, "llama.block_count", N_BLOCKS);
  append_uint32_value (out, "llama.feed_forward_length", 2 * shape->width);
  append_uint32_value (out, "llama.attention.head_count", 4);
  append_uint32_value (out, "llama.attention.head_count_kv", 4);
  append_float_value (out, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
  append_uint32_value (out, "llama.rope.dimension_count", shape->width / 4);

  return 14;
}

static guint64
tensor_size (const Tensor *tensor)
{
  guint64 elements = tensor->dimensions[0] * tensor->dimensions[1];

  switch (tensor->type)
    {
    case TENSOR_Q4_0:
      return elements / 32 * 18;
    case TENSOR_Q8_0:
      return elements / 32 * 34;
    case TENSOR_F32:
    default:
      return elements * 4;
    }
}

static Tensor
tensor_matrix (TensorType type, guint64 columns, guint64 rows)
{
  return (Tensor){ .type = type, .n_dimensions = 2, .dimensions = { columns, rows } };
}

static Tensor
tensor_vector (guint64 length)
{
  return (Tensor){ .type = TENSOR_F32, .n_dimensions = 1, .dimensions = { length, 1 } };
}

static void
name_in_block (Tensor *tensor, guint block, const char *name)
{
  g_snprintf (tensor->name, sizeof tensor->name, "blk.%u.%s.weight", block, name);
}

static void
lay_out (const Shape *shape, Tensor tensors[static N_TENSORS])
{
  const guint64 width = shape->width;
  const struct
  {
    const char *name;
    Tensor tensor;
  } block[] = {
    { "attn_norm", tensor_vector (width) },
    { "attn_q", tensor_matrix (TENSOR_Q4_0, width, width) },
    { "attn_k", tensor_matrix (TENSOR_Q4_0, width, width) },
    { "attn_v", tensor_matrix (TENSOR_Q4_0, width, width) },
    { "attn_output", tensor_matrix (TENSOR_Q4_0, width, width) },
    { "ffn_norm", tensor_vector (width) },
    { "ffn_gate", tensor_matrix (TENSOR_Q4_0, width, 2 * width) },
    { "ffn_up", tensor_matrix (TENSOR_Q4_0, width, 2 * width) },
    { "ffn_down", tensor_matrix (TENSOR_Q4_0, 2 * width, width) },
  };
  guint n = 0;

  tensors[n] = tensor_matrix (TENSOR_Q8_0, width, shape->vocabulary);
  g_strlcpy (tensors[n++].name, "token_embd.weight", sizeof tensors[0].name);
  for (guint i = 0; i < N_BLOCKS; i++)
    for (guint j = 0; j < G_N_ELEMENTS (block); j++)
      {
        tensors[n] = block[j].tensor;
        name_in_block (&tensors[n++], i, block[j].name);
      }
  tensors[n] = tensor_vector (width);
  g_strlcpy (tensors[n++].name, "output_norm.weight", sizeof tensors[0].name);
  tensors[n] = tensor_vector (shape->leftover);
  g_strlcpy (tensors[n++].name, "rope_freqs.weight", sizeof tensors[0].name);

  g_assert (n == N_TENSORS);
}

static guint64
total_size (const Shape *shape)
{
  Tensor tensors[N_TENSORS];
  guint64 total = 0;

  lay_out (shape, tensors);
  for (guint i = 0; i < N_TENSORS; i++)
    total += tensor_size (&tensors[i]);

  return total;
}

/* The widest blocks that take at most half of the data; then as many words as fit; then the last
 * tensor. The vocabulary goes in steps that keep every tensor a multiple of the alignment. */
static Shape
shape_for (guint64 data_size)
{
  Shape shape = { .width = LARGEST_WIDTH };
  guint64 step, step_size, rest;

  while (shape.width > SMALLEST_WIDTH && total_size (&shape) > data_size / 2)
    shape.width /= 2;

  step = MAX (1, 512 / shape.width);
  step_size = step * (shape.width / 32) * 34;
  rest = data_size - total_size (&shape);
  shape.vocabulary = (rest - sizeof (float)) / step_size * step;
  rest -= shape.vocabulary / step * step_size;
  shape.leftover = rest / sizeof (float);

  return shape;
}

static GByteArray *
header_for (const char *name, const Shape *shape)
{
  GByteArray *out = g_byte_array_new ();
  g_autoptr (GByteArray) metadata = g_byte_array_new ();
  Tensor tensors[N_TENSORS];
  guint64 offset = 0;
  guint n_keys = append_metadata (metadata, name, shape);

  g_byte_array_append (out, (const guint8 *) "GGUF", 4);
  append_uint32 (out, 3);
  append_uint64 (out, N_TENSORS);
  append_uint64 (out, n_keys);
  g_byte_array_append (out, metadata->data, metadata->len);

  lay_out (shape, tensors);
  for (guint i = 0; i < N_TENSORS; i++)
    {
      g_assert (offset % ALIGNMENT == 0);

      append_string (out, tensors[i].name);
      append_uint32 (out, tensors[i].n_dimensions);
      for (guint j = 0; j < tensors[i].n_dimensions; j++)
        append_uint64 (out, tensors[i].dimensions[j]);
      append_uint32 (out, tensors[i].type);
      append_uint64 (out, offset);
      offset += tensor_size (&tensors[i]);
    }

  while (out->len % ALIGNMENT != 0)
    g_byte_array_append (out, (const guint8 *) "", 1);

  return out;
}

/**
 * dray_test_gguf_header_new:
 * @name: the model's name
 * @size: the whole file's size in bytes, at least %DRAY_TEST_GGUF_MIN_SIZE
 * @data_end: (out): one past the last tensor's last byte, less than four bytes before @size
 *
 * Returns: (transfer full): the file's first bytes, up to where the tensor data begins
 */
GBytes *
dray_test_gguf_header_new (const char *name, gint64 size, gint64 *data_end)
{
  Shape shape = { .width = SMALLEST_WIDTH };
  g_autoptr (GByteArray) draft = header_for (name, &shape);
  GByteArray *header;

  g_assert (size >= DRAY_TEST_GGUF_MIN_SIZE && draft->len < DRAY_TEST_GGUF_MIN_SIZE / 8);

  /* Every figure has a fixed width, so the header is as long as its draft. */
  shape = shape_for ((guint64) size - draft->len);
  header = header_for (name, &shape);
  g_assert (header->len == draft->len);
  *data_end = (gint64) (header->len + total_size (&shape));
  g_assert (*data_end <= size && size - *data_end < (gint64) sizeof (float));

  return g_byte_array_free_to_bytes (header);
}
