/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the files of the oracle share: contract-oracle.c (the calls), contract-oracle-set.c (those of
 * sets), contract-rest.c (what comes of them). */

#pragma once

#include "tests/core/contract-oracle.h"

G_BEGIN_DECLS

/* Who wants the bytes that are kept. */
#define ORACLE_WANTING (ORACLE_RUNNING | ORACLE_PAUSED | ORACLE_FAILED)

gboolean
oracle_has_request (const Oracle *oracle, const OracleLink *link, guint states, gboolean sure);
gboolean oracle_may_refuse (const OracleRequest *request);
void oracle_let_go (OracleLink *link);
OracleRequest *oracle_add_request (Oracle *oracle,
                                   OracleLink *link,
                                   const OracleWish *wish,
                                   OracleRequest *parent);
gboolean oracle_is_child (const OracleRequest *request, const OracleRequest *parent);
void
oracle_mark_children (Oracle *oracle, const OracleRequest *parent, guint states, gboolean only);

G_END_DECLS
