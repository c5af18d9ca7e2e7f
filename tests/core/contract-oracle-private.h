/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the files of the oracle share: contract-oracle.c (the calls), contract-oracle-set.c (those of
 * sets), contract-oracle-merge.c (links that prove to be equal), contract-rest.c (what comes of it). */

#pragma once

#include "tests/core/contract-oracle.h"

G_BEGIN_DECLS

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
