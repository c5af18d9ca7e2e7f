/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "app/commands.h"

#include <locale.h>

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");

  return dray_commands_run (argc, argv);
}
