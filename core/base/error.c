/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/base/error.h"

#include <errno.h>

/* Not G_DEFINE_QUARK: it keeps the quark in a plain variable that every thread reads and writes. */
GQuark
dray_error_quark (void)
{
  return g_quark_from_static_string ("dray-error-quark");
}

static const char *const names[DRAY_N_ERRORS] = {
  [DRAY_ERROR_CANCELLED] = "cancelled",
  [DRAY_ERROR_INVALID_SOURCE] = "invalid-source",
  [DRAY_ERROR_NOT_FOUND] = "not-found",
  [DRAY_ERROR_UNAUTHORIZED] = "unauthorized",
  [DRAY_ERROR_GATED] = "gated",
  [DRAY_ERROR_FORBIDDEN] = "forbidden",
  [DRAY_ERROR_RATE_LIMITED] = "rate-limited",
  [DRAY_ERROR_SERVER_ERROR] = "server-error",
  [DRAY_ERROR_NETWORK] = "network",
  [DRAY_ERROR_TLS] = "tls",
  [DRAY_ERROR_STALLED] = "stalled",
  [DRAY_ERROR_CHANGED] = "changed",
  [DRAY_ERROR_TOO_SHORT] = "too-short",
  [DRAY_ERROR_CHECKSUM_MISMATCH] = "checksum-mismatch",
  [DRAY_ERROR_NOT_A_MODEL] = "not-a-model",
  [DRAY_ERROR_DISK_FULL] = "disk-full",
  [DRAY_ERROR_TOO_LARGE_FOR_DRIVE] = "too-large-for-drive",
  [DRAY_ERROR_PERMISSION] = "permission",
  [DRAY_ERROR_PARTIAL_MISSING] = "partial-missing",
  [DRAY_ERROR_UNSUPPORTED] = "unsupported",
  [DRAY_ERROR_MALFORMED_MODEL] = "malformed-model",
  [DRAY_ERROR_CATALOG_DAMAGED] = "catalog-damaged",
  [DRAY_ERROR_BUSY] = "busy",
  [DRAY_ERROR_NO_NETWORK] = "no-network",
};

/**
 * dray_error_get_name:
 * @code: a code of %DRAY_ERROR
 *
 * Returns: (transfer none): the stable name of @code, as it stands in JSON and on D-Bus
 */
const char *
dray_error_get_name (DrayError code)
{
  g_return_val_if_fail ((guint) code < DRAY_N_ERRORS, NULL);

  return names[code];
}

/**
 * dray_error_from_name:
 * @name: a name, perhaps one of dray_error_get_name()
 * @code: (out): where the code goes
 *
 * Returns: whether @name is the name of an error
 */
gboolean
dray_error_from_name (const char *name, DrayError *code)
{
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (code != NULL, FALSE);

  for (guint i = 0; i < DRAY_N_ERRORS; i++)
    {
      if (g_str_equal (names[i], name))
        {
          *code = i;
          return TRUE;
        }
    }

  return FALSE;
}

/**
 * dray_error_from_errno: (skip)
 * @errnum: an `errno` of a call on a file
 *
 * Returns: the error that says the same to a person
 */
DrayError
dray_error_from_errno (int errnum)
{
  switch (errnum)
    {
    case ENOSPC:
    case EDQUOT:
      return DRAY_ERROR_DISK_FULL;

    case EFBIG:
      return DRAY_ERROR_TOO_LARGE_FOR_DRIVE;

    case EIO:
    case ENXIO:
    case ENODEV:
    case ENOENT:
    case ESTALE:
      return DRAY_ERROR_PARTIAL_MISSING;

    default:
      return DRAY_ERROR_PERMISSION;
    }
}

/**
 * dray_set_file_error: (skip)
 * @error: (out) (optional): where the error goes
 * @errnum: the `errno` of the call that failed
 * @doing: what could not be done, as in "write to" or "rename"
 * @path: the path it could not be done to
 *
 * Sets an error of %DRAY_ERROR that names what failed, where, and the system's own words.
 */
void
dray_set_file_error (GError **error, int errnum, const char *doing, const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);

  g_set_error (error,
               DRAY_ERROR,
               dray_error_from_errno (errnum),
               "Could not %s “%s”: %s",
               doing,
               shown,
               g_strerror (errnum));
}

/**
 * dray_error_is_cancelled:
 * @error: (nullable): an error
 *
 * Returns: whether @error says that somebody cancelled, in GIO's words or in ours
 */
gboolean
dray_error_is_cancelled (const GError *error)
{
  return g_error_matches (error, DRAY_ERROR, DRAY_ERROR_CANCELLED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}
