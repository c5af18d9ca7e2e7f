/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/size.h"

#include <math.h>

static const struct
{
  const char *suffix;
  double factor;
} units[] = {
  { "", 1 },          { "B", 1 },          { "K", 1e3 },         { "KB", 1e3 },
  { "M", 1e6 },       { "MB", 1e6 },       { "G", 1e9 },         { "GB", 1e9 },
  { "Ki", 1024 },     { "KiB", 1024 },     { "Mi", 1048576 },    { "MiB", 1048576 },
  { "Gi", 1073741824 }, { "GiB", 1073741824 },
};

/**
 * dray_size_parse:
 * @text: a positive number, perhaps with a fraction, and a unit of any case
 * @bytes: (out): the size in bytes, at least 1
 *
 * Returns: whether @text is a size
 */
gboolean
dray_size_parse (const char *text, gint64 *bytes)
{
  char *end;
  double number;

  if (!g_ascii_isdigit (*text))
    return FALSE;

  number = g_ascii_strtod (text, &end);
  while (*end == ' ')
    end++;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      double size = number * units[i].factor;

      if (g_ascii_strcasecmp (end, units[i].suffix) != 0)
        continue;
      if (!isfinite (size) || size < 1 || size >= 9e18)
        return FALSE;
      *bytes = (gint64) size;
      return TRUE;
    }

  return FALSE;
}
