/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/server/behaviour.h"

/**
 * dray_test_behaviour_copy:
 * @to: (out caller-allocates): where the copy goes; what was there is not freed
 * @from: a behaviour
 *
 * Copies a behaviour and its texts. Release the copy with dray_test_behaviour_clear().
 */
void
dray_test_behaviour_copy (DrayTestBehaviour *to, const DrayTestBehaviour *from)
{
  *to = *from;
  to->headers = g_strdup (from->headers);
  to->content_encoding = g_strdup (from->content_encoding);
  to->redirect = g_strdup (from->redirect);
  to->answer.headers = g_strdup (from->answer.headers);
  to->answer.body = g_strdup (from->answer.body);
}

/**
 * dray_test_behaviour_clear:
 * @behaviour: a behaviour that dray_test_behaviour_copy() filled
 *
 * Frees the texts and makes everything correct again.
 */
void
dray_test_behaviour_clear (DrayTestBehaviour *behaviour)
{
  g_free ((char *) behaviour->headers);
  g_free ((char *) behaviour->content_encoding);
  g_free ((char *) behaviour->redirect);
  g_free ((char *) behaviour->answer.headers);
  g_free ((char *) behaviour->answer.body);
  *behaviour = (DrayTestBehaviour){ 0 };
}

/**
 * dray_test_behaviour_use:
 * @times: how often something is still to happen
 *
 * Returns: whether it happens now; if so, it is counted
 */
gboolean
dray_test_behaviour_use (guint *times)
{
  if (*times == 0)
    return FALSE;
  if (*times != DRAY_TEST_ALWAYS)
    (*times)--;

  return TRUE;
}
