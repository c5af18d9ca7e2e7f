/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/commands.h"

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

/* Whoever started us may have closed a standard stream. The next file opened would take its number,
 * and what is printed would go into that file: a model, the catalog. */
static void
open_standard_streams (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);

  if (fd < 0)
    abort ();
  close (fd);
}

int
main (int argc, char **argv)
{
  open_standard_streams ();
  setlocale (LC_ALL, "");

  return dray_commands_run (argc, argv);
}
