/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/validator.h"

#include <string.h>

/* RFC 9110 (section 8.8.2.2) asks for a second between Last-Modified and Date before the date may
 * be called strong, if the clocks agree; RFC 7232 asked for a minute, which also covers a file
 * that is still being written and clocks that do not quite agree. */
#define STRONG_DATE_GAP 60

/**
 * dray_validator_clear:
 * @validator: a validator
 *
 * Frees what @validator owns and leaves it knowing nothing.
 */
void
dray_validator_clear (DrayValidator *validator)
{
  g_clear_pointer (&validator->etag, g_free);
  g_clear_pointer (&validator->last_modified, g_free);
  validator->date_gap = -1;
}

/**
 * dray_validator_copy:
 * @to: an initialised validator (all zero will do), whose strings are freed
 * @from: the validator to copy
 */
void
dray_validator_copy (DrayValidator *to, const DrayValidator *from)
{
  g_autofree char *etag = g_strdup (from->etag);
  g_autofree char *last_modified = g_strdup (from->last_modified);
  gint64 date_gap = from->date_gap;

  dray_validator_clear (to);
  to->etag = g_steal_pointer (&etag);
  to->last_modified = g_steal_pointer (&last_modified);
  to->date_gap = date_gap;
}

/* RFC 9110, section 8.8.3: quotes around characters that are neither quotes, blanks nor controls.
 * A tag that breaks the grammar is no stronger than a weak one. */
static gboolean
is_strong_etag (const char *etag)
{
  gsize length = etag != NULL ? strlen (etag) : 0;

  if (length < 2 || etag[0] != '"' || etag[length - 1] != '"')
    return FALSE;

  for (gsize i = 1; i < length - 1; i++)
    {
      guchar c = etag[i];

      if (c <= ' ' || c == '"' || c == 0x7f)
        return FALSE;
    }

  return TRUE;
}

static const char *
opaque_tag (const char *etag)
{
  return g_str_has_prefix (etag, "W/") ? etag + 2 : etag;
}

static gboolean
is_strong_date (const DrayValidator *validator)
{
  return validator->last_modified != NULL && validator->date_gap >= STRONG_DATE_GAP;
}

/**
 * dray_validator_get_if_range:
 * @validator: what came with the bytes at hand
 *
 * Returns: (transfer none) (nullable): the value for an If-Range header: a strong ETag, else a date
 *   that is strong, else %NULL. A weak ETag is never sent.
 */
const char *
dray_validator_get_if_range (const DrayValidator *validator)
{
  if (is_strong_etag (validator->etag))
    return validator->etag;

  return is_strong_date (validator) ? validator->last_modified : NULL;
}

static DrayValidatorMatch
compare_dates (const DrayValidator *ours, const DrayValidator *theirs)
{
  if (ours->last_modified == NULL || theirs->last_modified == NULL)
    return DRAY_VALIDATORS_UNPROVEN;

  if (!g_str_equal (ours->last_modified, theirs->last_modified))
    return DRAY_VALIDATORS_DIFFER;

  return is_strong_date (ours) ? DRAY_VALIDATORS_EQUAL : DRAY_VALIDATORS_UNPROVEN;
}

/**
 * dray_validator_compare:
 * @ours: what came with the bytes at hand
 * @theirs: what came with a later response
 *
 * Strong ETags on both sides decide alone. Otherwise other opaque tags mean another version, since
 * even a weak tag changes with the meaning of the file; equal ones prove nothing and the dates
 * decide. It is our date that has to be strong: it says that our version was not replaced within
 * the same second.
 *
 * Returns: what can be said of the two versions
 */
DrayValidatorMatch
dray_validator_compare (const DrayValidator *ours, const DrayValidator *theirs)
{
  if (is_strong_etag (ours->etag) && is_strong_etag (theirs->etag))
    return g_str_equal (ours->etag, theirs->etag) ? DRAY_VALIDATORS_EQUAL : DRAY_VALIDATORS_DIFFER;

  if (ours->etag != NULL && theirs->etag != NULL
      && !g_str_equal (opaque_tag (ours->etag), opaque_tag (theirs->etag)))
    return DRAY_VALIDATORS_DIFFER;

  return compare_dates (ours, theirs);
}
