/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What contract-oracle.c (the calls) and contract-rest.c (what comes of them) share. */

#pragma once

#include "tests/core/contract-oracle.h"

G_BEGIN_DECLS

/* Who wants the bytes that are kept. */
#define ORACLE_WANTING (ORACLE_RUNNING | ORACLE_PAUSED | ORACLE_FAILED)

gboolean
oracle_has_request (const Oracle *oracle, const OracleLink *link, guint states, gboolean sure);
gboolean oracle_may_refuse (const OracleRequest *request);
void oracle_let_go (OracleLink *link);

G_END_DECLS
