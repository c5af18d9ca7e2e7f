/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the Hugging Face hub says of a repository: which commit a revision is, and its files.
 *
 * Nothing that the hub says is believed beyond what a repository can be. Blocks: for a thread that
 * may wait.
 */

#pragma once

#include "core/source/variants.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* How many files and folders a repository of models may have, and in how many pages they come. */
#define DRAY_HUB_ENTRIES_MAX 50000
#define DRAY_HUB_PAGES_MAX 2000

/**
 * DrayHub:
 * @session: a session that is lent to this thread
 * @endpoint: the hub's address, without a slash at its end
 * @token: (nullable): the token of an account
 * @wait: (nullable): where the seconds go that the hub asks to wait, if it does
 *
 * How to ask the hub.
 */
typedef struct
{
  SoupSession *session;
  const char *endpoint;
  const char *token;
  gint64 *wait;
} DrayHub;

/**
 * DrayHubRepository:
 * @commit: which commit the revision is
 * @files: (element-type DrayRepositoryFile): its files, each path once and in the hub's order
 *
 * A repository at one commit.
 */
typedef struct
{
  char *commit;
  GPtrArray *files;
} DrayHubRepository;

DrayHubRepository *dray_hub_list (const DrayHub *hub,
                                  const char *repo,
                                  const char *revision,
                                  GCancellable *cancellable,
                                  GError **error);
void dray_hub_repository_free (DrayHubRepository *repository);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrayHubRepository, dray_hub_repository_free)

G_END_DECLS
