/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The one error domain of Dray.
 *
 * Every failure that a caller can see has a code here and a stable name (used in JSON and over
 * D-Bus), and its message is a sentence a person can act on. Any thread may use these functions.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * DrayError:
 * @DRAY_ERROR_CANCELLED: the caller paused or discarded the request
 * @DRAY_ERROR_INVALID_SOURCE: the source's text is not understood
 * @DRAY_ERROR_NOT_FOUND: the server has no such file
 * @DRAY_ERROR_UNAUTHORIZED: the server asks for a sign-in
 * @DRAY_ERROR_GATED: the model's licence must be accepted first
 * @DRAY_ERROR_FORBIDDEN: the server refuses this caller
 * @DRAY_ERROR_RATE_LIMITED: too many requests for the server's taste
 * @DRAY_ERROR_SERVER_ERROR: the server failed or answered nonsense
 * @DRAY_ERROR_NETWORK: the server could not be reached, or the connection broke
 * @DRAY_ERROR_TLS: the connection is not secure
 * @DRAY_ERROR_STALLED: no byte came for too long
 * @DRAY_ERROR_CHANGED: the file on the server is another one than the bytes at hand
 * @DRAY_ERROR_TOO_SHORT: the server ended the file early
 * @DRAY_ERROR_CHECKSUM_MISMATCH: the bytes do not have the digest that was expected
 * @DRAY_ERROR_NOT_A_MODEL: a web page came instead of a file
 * @DRAY_ERROR_DISK_FULL: no room for the file
 * @DRAY_ERROR_TOO_LARGE_FOR_DRIVE: the drive's format cannot hold a file of this size
 * @DRAY_ERROR_PERMISSION: the folder or the file cannot be written
 * @DRAY_ERROR_PARTIAL_MISSING: the partial file or its drive is gone or failing
 * @DRAY_ERROR_UNSUPPORTED: nothing here can do that with this kind of file
 * @DRAY_ERROR_MALFORMED_MODEL: the model file breaks its own format
 * @DRAY_ERROR_CATALOG_DAMAGED: the catalog cannot be read or written
 * @DRAY_ERROR_BUSY: another Dray works on the same catalog
 * @DRAY_ERROR_NO_NETWORK: this computer has no network
 *
 * The codes of %DRAY_ERROR.
 */
typedef enum
{
  DRAY_ERROR_CANCELLED,
  DRAY_ERROR_INVALID_SOURCE,
  DRAY_ERROR_NOT_FOUND,
  DRAY_ERROR_UNAUTHORIZED,
  DRAY_ERROR_GATED,
  DRAY_ERROR_FORBIDDEN,
  DRAY_ERROR_RATE_LIMITED,
  DRAY_ERROR_SERVER_ERROR,
  DRAY_ERROR_NETWORK,
  DRAY_ERROR_TLS,
  DRAY_ERROR_STALLED,
  DRAY_ERROR_CHANGED,
  DRAY_ERROR_TOO_SHORT,
  DRAY_ERROR_CHECKSUM_MISMATCH,
  DRAY_ERROR_NOT_A_MODEL,
  DRAY_ERROR_DISK_FULL,
  DRAY_ERROR_TOO_LARGE_FOR_DRIVE,
  DRAY_ERROR_PERMISSION,
  DRAY_ERROR_PARTIAL_MISSING,
  DRAY_ERROR_UNSUPPORTED,
  DRAY_ERROR_MALFORMED_MODEL,
  DRAY_ERROR_CATALOG_DAMAGED,
  DRAY_ERROR_BUSY,
  DRAY_ERROR_NO_NETWORK,
} DrayError;

#define DRAY_N_ERRORS (DRAY_ERROR_NO_NETWORK + 1)

#define DRAY_ERROR (dray_error_quark ())

GQuark dray_error_quark (void);

const char *dray_error_get_name (DrayError code);
gboolean dray_error_from_name (const char *name, DrayError *code);
DrayError dray_error_from_errno (int errnum);
void dray_set_file_error (GError **error, int errnum, const char *doing, const char *path);
gboolean dray_error_is_cancelled (const GError *error);

G_END_DECLS
