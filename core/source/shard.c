/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/source/shard.h"

#include <string.h>

/* More shards than this make no model; a number so large is part of a name. */
#define SHARDS_MAX 1000

#define SHARD_DIGITS 5

/* How the numbers look, between the name and the suffix. */
#define NUMBERS "-00000-of-00000"

/* Reads five digits. Returns -1 if there are others. */
static int
read_number (const char *text)
{
  int number = 0;

  for (guint i = 0; i < SHARD_DIGITS; i++)
    {
      if (!g_ascii_isdigit (text[i]))
        return -1;
      number = 10 * number + g_ascii_digit_value (text[i]);
    }

  return number;
}

static gboolean
ends_with (const char *text, gsize length, const char *ending)
{
  gsize ending_length = strlen (ending);

  return length >= ending_length
         && memcmp (text + length - ending_length, ending, ending_length) == 0;
}

/* Reads "-00002-of-00005" at the end of the first @length bytes of a path, behind a name. */
static guint
find_numbers (const char *path, gsize length, gsize *number_at)
{
  const char *numbers;
  int number, n_shards;

  if (length < 1 + strlen (NUMBERS) || path[length - strlen (NUMBERS) - 1] == '/')
    return 0;

  numbers = path + length - strlen (NUMBERS);
  if (numbers[0] != '-' || memcmp (numbers + 1 + SHARD_DIGITS, "-of-", strlen ("-of-")) != 0)
    return 0;

  number = read_number (numbers + 1);
  n_shards = read_number (numbers + 1 + SHARD_DIGITS + strlen ("-of-"));
  *number_at = (gsize) (numbers + 1 - path);

  return number >= 1 && number <= n_shards && n_shards <= SHARDS_MAX ? (guint) n_shards : 0;
}

/**
 * dray_shard_find:
 * @path: the path of a file in a repository, whose list tells whether all shards are there
 * @number_at: (out): where the number of the shard begins, in bytes
 *
 * Returns: how many shards the set has, or 0 if @path is of no shard
 */
guint
dray_shard_find (const char *path, gsize *number_at)
{
  const char *suffix = strrchr (path, '.');

  if (suffix == NULL || suffix[1] == '\0' || strchr (suffix, '/') != NULL)
    return 0;

  return find_numbers (path, (gsize) (suffix - path), number_at);
}

/**
 * dray_shard_find_in_link:
 * @link: a link
 * @number_at: (out): where the number of the shard begins, in bytes
 *
 * Looks for the number in the last part of the path, before a query. Only what is a model's file for
 * sure stands for others of which nothing is known.
 *
 * Returns: how many shards the set has, or 0 if @link is to no shard
 */
guint
dray_shard_find_in_link (const char *link, gsize *number_at)
{
  gsize length = strcspn (link, "?");

  if (ends_with (link, length, ".gguf"))
    return find_numbers (link, length - strlen (".gguf"), number_at);
  if (ends_with (link, length, ".safetensors"))
    return find_numbers (link, length - strlen (".safetensors"), number_at);

  return 0;
}

/**
 * dray_shard_get_name:
 * @path: a link, or the path of a file, to a shard
 * @number_at: where its number was found
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
 * @path: a link, or the path of a file, to a shard
 * @number_at: where its number was found
 *
 * Returns: (transfer full): @path with an asterisk in place of the number, which is the same for
 *   all shards of a set
 */
char *
dray_shard_get_set (const char *path, gsize number_at)
{
  return g_strdup_printf ("%.*s*%s", (int) number_at, path, path + number_at + SHARD_DIGITS);
}
