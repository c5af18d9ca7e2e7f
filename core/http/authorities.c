/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "core/http/authorities.h"

struct _DrayAuthorities
{
  GTlsDatabase parent_instance;
  GTlsDatabase *database;
};

G_DEFINE_FINAL_TYPE (DrayAuthorities, dray_authorities, G_TYPE_TLS_DATABASE)

static GTlsCertificateFlags
verify_chain (GTlsDatabase *database,
              GTlsCertificate *chain,
              const char *purpose,
              GSocketConnectable *identity,
              GTlsInteraction *interaction,
              GTlsDatabaseVerifyFlags flags,
              GCancellable *cancellable,
              GError **error)
{
  DrayAuthorities *self = DRAY_AUTHORITIES (database);

  return g_tls_database_verify_chain (self->database, chain, purpose, identity, interaction, flags,
                                      cancellable, error);
}

static void
dray_authorities_finalize (GObject *object)
{
  DrayAuthorities *self = DRAY_AUTHORITIES (object);

  g_object_unref (self->database);
  G_OBJECT_CLASS (dray_authorities_parent_class)->finalize (object);
}

static void
dray_authorities_class_init (DrayAuthoritiesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dray_authorities_finalize;
  G_TLS_DATABASE_CLASS (klass)->verify_chain = verify_chain;
}

static void
dray_authorities_init (G_GNUC_UNUSED DrayAuthorities *self)
{
}

/**
 * dray_authorities_new:
 * @database: who is asked
 *
 * Returns: (transfer full): a database that trusts whom @database trusts
 */
GTlsDatabase *
dray_authorities_new (GTlsDatabase *database)
{
  DrayAuthorities *self = g_object_new (DRAY_TYPE_AUTHORITIES, NULL);

  self->database = g_object_ref (database);
  return G_TLS_DATABASE (self);
}

/**
 * dray_authorities_share:
 *
 * Lets all connections from now on ask the system's database instead of copying it, unless the
 * process has chosen a default database of its own. The first call reads the certificates of the
 * system, which takes milliseconds.
 */
void
dray_authorities_share (void)
{
  static gsize shared;
  GTlsBackend *backend;
  g_autoptr (GTlsDatabase) system = NULL;
  g_autoptr (GTlsDatabase) chosen = NULL;

  if (!g_once_init_enter (&shared))
    return;

  backend = g_tls_backend_get_default ();
  if (g_tls_backend_supports_tls (backend))
    {
      system = G_TLS_BACKEND_GET_INTERFACE (backend)->get_default_database (backend);
      chosen = g_tls_backend_get_default_database (backend);
    }
  if (system != NULL && system == chosen)
    {
      g_autoptr (GTlsDatabase) authorities = dray_authorities_new (system);

      g_tls_backend_set_default_database (backend, authorities);
    }
  g_once_init_leave (&shared, 1);
}
