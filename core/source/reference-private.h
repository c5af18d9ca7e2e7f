/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the readers of the several kinds of sources share. reference.c finds out which kind a text
 * is, and reads links, bundled names and files; reference-hub.c reads what is of Hugging Face,
 * reference-ollama.c what is of Ollama.
 */

#pragma once

#include "core/source/reference.h"

G_BEGIN_DECLS

/**
 * DraySourceText:
 * @shown: the text as it is shown in an error
 * @error: (nullable): return location for a #GError
 *
 * The text that is read, for those who have to refuse it.
 */
typedef struct
{
  const char *shown;
  GError **error;
} DraySourceText;

G_GNUC_PRINTF (2, 3)
gpointer dray_source_refuse (const DraySourceText *text, const char *format, ...);
DrayReference *dray_reference_new (DrayReferenceKind kind);
GStrv dray_source_split_path (const char *path);

gboolean dray_reference_is_on_hub (GUri *uri);
DrayReference *dray_reference_parse_hub_name (const char *name, const DraySourceText *text);
DrayReference *dray_reference_parse_hub_link (GUri *uri, const DraySourceText *text);

gboolean dray_reference_is_on_ollama (GUri *uri);
DrayReference *dray_reference_parse_ollama_name (const char *name, const DraySourceText *text);
DrayReference *dray_reference_parse_ollama_link (GUri *uri, const DraySourceText *text);

G_END_DECLS
