/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/quantisation.h"

#include <string.h>

/* llama.cpp's types and those of its forks, and the plain number types. */
#define QUANTISATION                                                                               \
  "(?<![A-Za-z0-9])(?:UD-)?(?:"                                                                    \
  "I?Q[1-9](?:_(?:K[A-Z]{0,3}(?:_X{0,2}[SML])?|[01](?:_[48]_[48])?|NL|X{0,2}[SML]))?"              \
  "|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32|FP32|FP16|FP8)(?![A-Za-z0-9])"

static gpointer
compile (G_GNUC_UNUSED gpointer data)
{
  return g_regex_new (QUANTISATION, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL);
}

/* Compiled once: a repository may have fifty thousand names. */
static GRegex *
get_regex (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, compile, NULL);
}

/**
 * dray_quantisation_is:
 * @text: a word, in valid UTF-8
 *
 * Returns: whether all of it names a quantisation, in any case
 */
gboolean
dray_quantisation_is (const char *text)
{
  g_autoptr (GMatchInfo) match = NULL;
  int start, end;

  return g_regex_match (get_regex (), text, 0, &match)
         && g_match_info_fetch_pos (match, 0, &start, &end) && start == 0
         && (gsize) end == strlen (text);
}

/**
 * dray_quantisation_find_last:
 * @text: a name, in valid UTF-8
 *
 * Returns: (transfer full) (nullable): the last quantisation that it names, in capitals
 */
char *
dray_quantisation_find_last (const char *text)
{
  g_autoptr (GMatchInfo) match = NULL;
  char *last = NULL;

  for (g_regex_match (get_regex (), text, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL))
    {
      g_autofree char *found = g_match_info_fetch (match, 0);

      g_free (last);
      last = g_ascii_strup (found, -1);
    }

  return last;
}
