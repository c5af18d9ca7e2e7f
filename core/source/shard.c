/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/shard.h"

#include <string.h>

/* More shards than this make no model; a number so large is part of a name. */
#define SHARDS_MAX 1000

#define SHARD_DIGITS 5

/**
 * dray_shard_find:
 * @path: a link, or the path of a file
 * @number_at: (out): where the number of the shard begins, in bytes
 *
 * Looks for the number in the last part of the path, before a query.
 *
 * Returns: how many shards the set has, or 0 if @path is of no shard
 */
guint
dray_shard_find (const char *path, gsize *number_at)
{
  g_autoptr (GRegex) shard = g_regex_new (
      "^[^?]*[^/?]-([0-9]{5})-of-([0-9]{5})\\.(?:gguf|safetensors)(?=$|\\?)", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  guint64 number, n_shards;
  int start;

  if (!g_regex_match (shard, path, 0, &match) || !g_match_info_fetch_pos (match, 1, &start, NULL))
    return 0;

  *number_at = (gsize) start;
  number = g_ascii_strtoull (path + start, NULL, 10);
  n_shards = g_ascii_strtoull (path + start + SHARD_DIGITS + strlen ("-of-"), NULL, 10);

  return number >= 1 && number <= n_shards && n_shards <= SHARDS_MAX ? (guint) n_shards : 0;
}

/**
 * dray_shard_get_name:
 * @path: a link, or the path of a file, to a shard
 * @number_at: where dray_shard_find() has found its number
 * @number: from 1
 *
 * Returns: (transfer full): @path with another number
 */
char *
dray_shard_get_name (const char *path, gsize number_at, guint number)
{
  return g_strdup_printf ("%.*s%05u%s", (int) number_at, path, number,
                          path + number_at + SHARD_DIGITS);
}

/**
 * dray_shard_get_set:
 * @path: a link, or the path of a file
 *
 * Returns: (transfer full): @path with an asterisk in place of the number, which is the same for
 *   all shards of a set; a copy of @path if it is of no shard
 */
char *
dray_shard_get_set (const char *path)
{
  gsize at;

  if (dray_shard_find (path, &at) == 0)
    return g_strdup (path);

  return g_strdup_printf ("%.*s*%s", (int) at, path, path + at + SHARD_DIGITS);
}
