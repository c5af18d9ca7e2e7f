/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The head of an HTTP/1.1 request, parsed (RFC 9112, RFC 9110 §14.2).
 *
 * Belongs to the connection's thread that read it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  DRAY_TEST_RANGE_NONE,   /* also what is not understood, which RFC 9110 has ignored */
  DRAY_TEST_RANGE_FROM,   /* first to last, or to the end if last is -1 */
  DRAY_TEST_RANGE_SUFFIX, /* the last `last` bytes; first is -1 */
  DRAY_TEST_RANGE_MULTIPLE,
} DrayTestRangeKind;

typedef struct
{
  DrayTestRangeKind kind;
  gint64 first;
  gint64 last;
} DrayTestRange;

typedef struct
{
  char *head; /* as it came, without the empty line */
  char **lines;
  char *method;
  char *target;
  char *path;      /* the target without its query, decoded */
  gboolean closes; /* the client wants the connection closed afterwards */
  gint64 body_size;
  DrayTestRange range;
} DrayTestRequest;

DrayTestRequest *dray_test_request_parse (const char *head, gsize length);
void dray_test_request_free (DrayTestRequest *request);
char *dray_test_request_dup_header (const DrayTestRequest *request, const char *name);
DrayTestRange dray_test_range_parse (const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayTestRequest, dray_test_request_free)

G_END_DECLS
