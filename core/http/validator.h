/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a server said about which version of a file its bytes belong to (RFC 9110, section 8.8).
 *
 * A plain value that owns its strings.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *etag;          /* as sent, with its quotes, perhaps weak ("W/…"); NULL for none */
  char *last_modified; /* as sent; NULL for none */
  gint64 date_gap;     /* seconds from Last-Modified to Date; -1 where either is missing */
} DrayValidator;

typedef enum
{
  DRAY_VALIDATORS_EQUAL,    /* a strong validator proves the same version */
  DRAY_VALIDATORS_DIFFER,   /* another version */
  DRAY_VALIDATORS_UNPROVEN, /* nothing that both sides have is strong enough to tell */
} DrayValidatorMatch;

void dray_validator_clear (DrayValidator *validator);
void dray_validator_copy (DrayValidator *to, const DrayValidator *from);
const char *dray_validator_get_if_range (const DrayValidator *validator);
DrayValidatorMatch dray_validator_compare (const DrayValidator *ours, const DrayValidator *theirs);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DrayValidator, dray_validator_clear)

G_END_DECLS
