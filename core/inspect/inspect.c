/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/inspect/inspect.h"

#include "core/inspect/gguf.h"
#include "core/inspect/reader.h"
#include "core/inspect/safetensors.h"

#include <string.h>

/* How many bytes are looked at to tell what a file is. */
#define HEAD_SIZE 512

#define LFS_POINTER "version https://git-lfs.github.com/spec/"

typedef struct
{
  char bytes[HEAD_SIZE + 1]; /* ends with a zero */
  gsize length;
} Head;

static gboolean
starts_with (const Head *head, const char *prefix)
{
  return head->length >= strlen (prefix) && memcmp (head->bytes, prefix, strlen (prefix)) == 0;
}

/* HTML, or the XML with which storage servers excuse themselves. */
static gboolean
is_web_page (const Head *head)
{
  const char *p = head->bytes;

  if (starts_with (head, "\xef\xbb\xbf"))
    p += 3;
  while (g_ascii_isspace (*p))
    p++;

  return p[0] == '<' && (p[1] == '!' || p[1] == '?' || g_ascii_isalpha (p[1]));
}

static gboolean
is_safetensors (const Head *head)
{
  guint64 length;

  if (head->length <= sizeof length || head->bytes[sizeof length] != '{')
    return FALSE;
  memcpy (&length, head->bytes, sizeof length);

  return GUINT64_FROM_LE (length) <= DRAY_SAFETENSORS_HEADER_MAX;
}

static gboolean
has_ending (const char *name, const char *ending)
{
  g_autofree char *folded = g_ascii_strdown (name, -1);

  return g_str_has_suffix (folded, ending);
}

/* A file that is none of the formats: what is it, as far as a person can use the answer? */
static void
refuse_unknown (const Head *head, const char *name, GError **error)
{
  if (is_web_page (head))
    g_set_error_literal (
        error, DRAY_ERROR, DRAY_ERROR_NOT_A_MODEL,
        "This is a web page, not a model. Download the file itself, and see whether "
        "its server asks you to sign in");
  else if (starts_with (head, LFS_POINTER))
    g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_NOT_A_MODEL,
                         "This is a pointer that Git LFS put in the model's place, not the model. "
                         "Fetch the file with “git lfs pull”, or download it");
  else if (head->length == 0)
    dray_malformed (error, "The file is empty. Download it again");
  else if (has_ending (name, ".gguf"))
    dray_malformed (error,
                    "The file is called GGUF but does not begin like one. Download it again");
  else
    g_set_error_literal (error, DRAY_ERROR, DRAY_ERROR_UNSUPPORTED,
                         "This is neither GGUF nor safetensors; Dray reads the header of no other "
                         "format");
}

static DrayModelFacts *
inspect (DrayReader *reader, const char *name, GError **error)
{
  Head head = { 0 };

  if (!dray_reader_check_cancelled (reader, error)
      || !dray_reader_peek (reader, head.bytes, HEAD_SIZE, &head.length, error))
    return NULL;

  if (starts_with (&head, "GGUF"))
    return dray_gguf_read (reader, error);
  if (is_safetensors (&head))
    return dray_safetensors_read (reader, error);
  if (has_ending (name, ".safetensors") && head.length > 0 && !is_web_page (&head)
      && !starts_with (&head, LFS_POINTER))
    return dray_safetensors_read (reader, error);

  refuse_unknown (&head, name, error);
  return NULL;
}

/**
 * dray_inspect_file:
 * @path: a file's path
 * @cancellable: (nullable): ends the reading within milliseconds
 * @error: return location for a #GError
 *
 * Reads the header of a model file. Blocks while the disk is read.
 *
 * Errors: %DRAY_ERROR_MALFORMED_MODEL if the file breaks its format, also because it is cut short;
 * %DRAY_ERROR_UNSUPPORTED for another format or a version that is not read here;
 * %DRAY_ERROR_NOT_A_MODEL for a web page or a pointer; %DRAY_ERROR_NOT_FOUND;
 * %DRAY_ERROR_CANCELLED; and those of dray_error_from_errno().
 *
 * Returns: (transfer full) (nullable): what the header says
 */
DrayModelFacts *
dray_inspect_file (const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (DrayReader) reader = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  reader = dray_reader_new_for_path (path, cancellable, error);
  if (reader == NULL)
    return NULL;

  return inspect (reader, path, error);
}

static void
add_facts (DrayModelFacts *sum, const DrayModelFacts *facts)
{
  sum->size += facts->size;
  sum->n_tensors += facts->n_tensors;
  sum->n_unknown_tensors += facts->n_unknown_tensors;
  sum->n_parameters += facts->n_parameters;
}

/**
 * dray_inspect_files:
 * @paths: (element-type filename): the paths of a model's files in their order, one at least
 * @cancellable: (nullable): ends the reading within milliseconds
 * @error: return location for a #GError
 *
 * As dray_inspect_file(), for a model of several files. The first says what the model is; the others
 * must be sound, and add to its figures.
 *
 * Returns: (transfer full) (nullable): what the headers say
 */
DrayModelFacts *
dray_inspect_files (GPtrArray *paths, GCancellable *cancellable, GError **error)
{
  g_autoptr (DrayModelFacts) sum = NULL;

  g_return_val_if_fail (paths != NULL && paths->len > 0, NULL);

  for (guint i = 0; i < paths->len; i++)
    {
      g_autoptr (DrayModelFacts) facts
          = dray_inspect_file (g_ptr_array_index (paths, i), cancellable, error);

      if (facts == NULL)
        return NULL;
      if (sum != NULL)
        add_facts (sum, facts);
      else
        sum = g_steal_pointer (&facts);
    }

  return g_steal_pointer (&sum);
}

/**
 * dray_inspect_bytes:
 * @bytes: a whole file's bytes
 * @name: what the file is called
 * @cancellable: (nullable): ends the reading within milliseconds
 * @error: return location for a #GError
 *
 * As dray_inspect_file(), for a file in memory.
 *
 * Returns: (transfer full) (nullable): what the header says
 */
DrayModelFacts *
dray_inspect_bytes (GBytes *bytes, const char *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (DrayReader) reader = NULL;

  g_return_val_if_fail (bytes != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  reader = dray_reader_new_for_bytes (bytes, cancellable);

  return inspect (reader, name, error);
}
