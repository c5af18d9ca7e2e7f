/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The network that goes and comes back, and the machine that sleeps.
 *
 * What the system says of the network, this file says; and, since the server is on the computer
 * itself, whether that counts as the computer itself. So does one of the kernel's clocks.
 */

#include "tests/core/manager-steps.h"

#include "core/request/manager-private.h"

#include <time.h>

#define PATH FIXTURE_PATH

/* Whether 127.0.0.1 is taken for a place that only a network leads to. */
static gboolean far;

/* How long the machine has slept, in seconds; read by every thread. */
static gint asleep;

gboolean __real_g_inet_address_get_is_loopback (GInetAddress *address);
gboolean __wrap_g_inet_address_get_is_loopback (GInetAddress *address);
int __real_clock_gettime (clockid_t clock, struct timespec *time);
int __wrap_clock_gettime (clockid_t clock, struct timespec *time);

gboolean
__wrap_g_inet_address_get_is_loopback (GInetAddress *address)
{
  return !far && __real_g_inet_address_get_is_loopback (address);
}

int
__wrap_clock_gettime (clockid_t clock, struct timespec *time)
{
  int result = __real_clock_gettime (clock, time);

  if (clock == CLOCK_BOOTTIME)
    time->tv_sec += g_atomic_int_get (&asleep);
  return result;
}

/* A system that says of the network what it is told. */
#define MONITOR_TYPE (monitor_get_type ())
G_DECLARE_FINAL_TYPE (Monitor, monitor, TEST, MONITOR, GObject)

struct _Monitor
{
  GObject parent_instance;
  gboolean available;
  guint n_reached; /* how often it was asked for an address */
};

enum
{
  PROP_0,
  PROP_NETWORK_AVAILABLE,
  PROP_NETWORK_METERED,
  PROP_CONNECTIVITY,
};

static void
monitor_initable_init (G_GNUC_UNUSED GInitableIface *iface)
{
}

static gboolean
monitor_can_reach (GNetworkMonitor *monitor,
                   G_GNUC_UNUSED GSocketConnectable *connectable,
                   G_GNUC_UNUSED GCancellable *cancellable,
                   GError **error)
{
  Monitor *self = TEST_MONITOR (monitor);

  self->n_reached++;
  if (!self->available)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE, "Unreachable");
  return self->available;
}

static void
monitor_iface_init (GNetworkMonitorInterface *iface)
{
  iface->can_reach = monitor_can_reach;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (Monitor,
                               monitor,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, monitor_initable_init)
                               G_IMPLEMENT_INTERFACE (G_TYPE_NETWORK_MONITOR, monitor_iface_init))

static void
monitor_get_property (GObject *object, guint id, GValue *value, G_GNUC_UNUSED GParamSpec *pspec)
{
  Monitor *self = TEST_MONITOR (object);

  if (id == PROP_NETWORK_AVAILABLE)
    g_value_set_boolean (value, self->available);
  else if (id == PROP_NETWORK_METERED)
    g_value_set_boolean (value, FALSE);
  else
    g_value_set_enum (value, self->available ? G_NETWORK_CONNECTIVITY_FULL
                                             : G_NETWORK_CONNECTIVITY_LOCAL);
}

static void
monitor_class_init (MonitorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = monitor_get_property;
  g_object_class_override_property (object_class, PROP_NETWORK_AVAILABLE, "network-available");
  g_object_class_override_property (object_class, PROP_NETWORK_METERED, "network-metered");
  g_object_class_override_property (object_class, PROP_CONNECTIVITY, "connectivity");
}

static void
monitor_init (G_GNUC_UNUSED Monitor *self)
{
}

static void
set_available (Monitor *monitor, gboolean available)
{
  monitor->available = available;
  g_signal_emit_by_name (monitor, "network-changed", available);
}

/* A computer without a network, of which the manager knows nothing yet. */
static Monitor *
lose_network (ManagerFixture *fixture, gboolean is_far)
{
  Monitor *monitor = g_object_new (MONITOR_TYPE, NULL);

  far = is_far;
  g_atomic_int_set (&asleep, 0);
  dray_network_set_monitor (fixture->manager->engine.network, G_NETWORK_MONITOR (monitor));
  return monitor;
}

static gboolean
is_offline (gpointer data)
{
  return dray_request_get_state (data) == DRAY_REQUEST_WAITING
         && g_strcmp0 (dray_request_get_reason (data), "no-network") == 0;
}

static gboolean
is_refused (gpointer data)
{
  return dray_request_get_state (data) == DRAY_REQUEST_WAITING
         && g_strcmp0 (dray_request_get_reason (data), "network") == 0;
}

/* Nobody listens any more where the server was; returns its port. */
static guint16
stop_server (ManagerFixture *fixture)
{
  guint16 port = dray_test_server_get_port (fixture->server);

  dray_test_server_free (g_steal_pointer (&fixture->server));
  return port;
}

static void
start_server (ManagerFixture *fixture, guint16 port)
{
  g_autoptr (GError) error = NULL;

  fixture->server = dray_test_server_new_on_port (port, &error);
  g_assert_no_error (error);
  dray_test_server_add_gguf (fixture->server, PATH, 7, FIXTURE_SIZE);
}

/* A download whose server is gone in the middle; nothing else but a network can bring it back. */
static DrayRequest *
lose_server (ManagerFixture *fixture, guint16 *port)
{
  DrayRequest *request;

  steps_set_gate (fixture, PATH, FIXTURE_HELD);
  request = fixture_get (fixture, PATH);
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  *port = stop_server (fixture);

  return request;
}

static void
assert_continues (ManagerFixture *fixture, DrayRequest *request)
{
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
  g_assert_cmpint (fixture_get_body_bytes (fixture, PATH), ==, FIXTURE_SIZE - FIXTURE_HELD);
}

/* What the system says keeps nobody from trying. */
static void
test_works_without (ManagerFixture *fixture, gconstpointer data)
{
  g_autoptr (Monitor) monitor = lose_network (fixture, GPOINTER_TO_INT (data));
  DrayRequest *request = fixture_get (fixture, PATH);

  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
  g_assert_cmpuint (monitor->n_reached, ==, 0);
}

/* It waits for the network however long, and goes on at the next byte as soon as that is back. */
static void
test_gone (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (Monitor) monitor = lose_network (fixture, TRUE);
  guint16 port;
  DrayRequest *request = lose_server (fixture, &port);

  fixture_wait (is_offline, request);
  g_assert_cmpint (dray_request_get_downloaded (request), ==, FIXTURE_HELD);

  /* It comes, and is gone before the server was reached. */
  for (guint i = 0; i < 3; i++)
    {
      set_available (monitor, TRUE);
      set_available (monitor, FALSE);
      steps_spin (fixture);
      fixture_wait (is_offline, request);
    }

  start_server (fixture, port);
  set_available (monitor, TRUE);
  assert_continues (fixture, request);
}

/* A server that is gone is another thing than a network that is gone. */
static void
test_server_gone (ManagerFixture *fixture, gconstpointer data)
{
  gboolean available = GPOINTER_TO_INT (data);
  g_autoptr (Monitor) monitor = lose_network (fixture, available);
  guint16 port;
  DrayRequest *request;

  set_available (monitor, available);
  request = lose_server (fixture, &port);
  fixture_wait (is_refused, request);
  g_assert_false (is_offline (request));

  start_server (fixture, port);
  assert_continues (fixture, request);
}

static void
test_pause (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (Monitor) monitor = lose_network (fixture, TRUE);
  guint16 port;
  DrayRequest *request = lose_server (fixture, &port);

  fixture_wait (is_offline, request);
  g_assert_cmpuint (fixture_cancel (fixture, dray_request_get_id (request), FALSE), ==, 1);
  set_available (monitor, TRUE);
  steps_spin (fixture);
  g_assert_cmpint (dray_request_get_state (request), ==, DRAY_REQUEST_PAUSED);

  start_server (fixture, port);
  fixture_resume (fixture, request);
  assert_continues (fixture, request);
}

/* A connection that the sleep has killed, and that would be silent for ever, is given up. Without
 * validators there is but one, which nothing else makes doubtful. */
static void
test_sleep_while_fetching (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const DrayTestBehaviour stall = {
    .validators = DRAY_TEST_VALIDATORS_NONE,
    .break_times = 1,
    .break_after = FIXTURE_HELD,
    .break_how = DRAY_TEST_BREAK_STALL,
  };
  G_GNUC_UNUSED g_autoptr (Monitor) monitor = lose_network (fixture, FALSE);
  DrayRequest *request;

  fixture_set_silence (fixture, 0);
  dray_test_server_set_behaviour (fixture->server, PATH, &stall);
  request = fixture_get (fixture, PATH);
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  steps_spin (fixture);
  g_assert_cmpuint (steps_count_asked (fixture, PATH), ==, 1);

  g_atomic_int_set (&asleep, 8 * 3600);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
  g_assert_cmpuint (steps_count_asked (fixture, PATH), ==, 2);
}

/* The body of a file whose size nobody knows has broken off, and whether it ends there is being asked
 * when the machine sleeps: that there was no answer says nothing of where it ends. */
static void
test_sleep_while_proving (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  DrayTestBehaviour behaviour = {
    .ranges = DRAY_TEST_RANGES_IGNORED,
    .framing = DRAY_TEST_FRAMING_CLOSE,
    .gate = FIXTURE_HELD,
  };
  G_GNUC_UNUSED g_autoptr (Monitor) monitor = lose_network (fixture, FALSE);
  DrayRequest *request;

  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  request = fixture_get (fixture, PATH);
  fixture_wait_for_bytes (request, FIXTURE_HELD);
  g_assert_cmpint (dray_request_get_total (request), ==, DRAY_SIZE_UNKNOWN);

  behaviour.ranges = DRAY_TEST_RANGES_CORRECT;
  behaviour.gate = -1;
  behaviour.delay = 600 * 1000;
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  fixture_wait_for_asked (fixture, 2);

  behaviour.gate = 0;
  behaviour.delay = 0;
  dray_test_server_set_behaviour (fixture->server, PATH, &behaviour);
  g_atomic_int_set (&asleep, 8 * 3600);
  fixture_wait_for_end (request);
  fixture_assert_completed (fixture, request, PATH);
}

/* One that waits tries at once. */
static void
test_sleep_while_waiting (ManagerFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  G_GNUC_UNUSED g_autoptr (Monitor) monitor = lose_network (fixture, TRUE);
  guint16 port;
  DrayRequest *request = lose_server (fixture, &port);

  fixture_wait (is_offline, request);
  start_server (fixture, port);
  g_atomic_int_set (&asleep, 8 * 3600);
  assert_continues (fixture, request);
}

typedef struct
{
  const char *url;
  gboolean asks;
} Place;

static void
count_back (gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* Which places a network is needed for. */
static void
test_places (void)
{
  static const Place places[] = {
    { "http://127.0.0.1:8080/x", FALSE }, { "http://127.1.2.3/x", FALSE },
    { "http://[::1]/x", FALSE },          { "http://localhost/x", FALSE },
    { "http://LOCALHOST:1/x", FALSE },    { "https://192.168.1.5/x", TRUE },
    { "https://[fe80::1]/x", TRUE },
  };
  g_autoptr (Monitor) monitor = g_object_new (MONITOR_TYPE, NULL);
  guint n_back = 0;
  g_autoptr (DrayNetwork) network = dray_network_new (count_back, &n_back);

  far = FALSE;
  dray_network_set_monitor (network, G_NETWORK_MONITOR (monitor));
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      guint n_reached = monitor->n_reached;

      g_assert_cmpint (dray_network_is_gone (network, places[i].url), ==, places[i].asks);
      g_assert_cmpuint (monitor->n_reached, ==, n_reached + (places[i].asks ? 1 : 0));
    }
  g_assert_true (dray_network_is_gone (network, "https://example.org/x"));
  g_assert_true (dray_network_is_gone (network, NULL));

  /* A neighbour whom a network without a way out reaches. */
  monitor->available = TRUE;
  g_assert_false (dray_network_is_gone (network, "https://192.168.1.5/x"));
  g_assert_true (dray_network_is_gone (network, "https://example.org/x"));

  /* It is back once, however often the system says so. */
  g_assert_cmpuint (n_back, ==, 0);
  set_available (monitor, TRUE);
  set_available (monitor, TRUE);
  g_assert_cmpuint (n_back, ==, 1);
  g_assert_false (dray_network_is_gone (network, "https://example.org/x"));
  set_available (monitor, FALSE);
  set_available (monitor, TRUE);
  g_assert_cmpuint (n_back, ==, 2);
}

static void
add (const char *name, gconstpointer data, void (*test) (ManagerFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/manager-network/", name, NULL);

  g_test_add (path, ManagerFixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/manager-network/places", test_places);
  add ("works-without/here", GINT_TO_POINTER (FALSE), test_works_without);
  add ("works-without/far", GINT_TO_POINTER (TRUE), test_works_without);
  add ("gone", NULL, test_gone);
  add ("server-gone/here", GINT_TO_POINTER (FALSE), test_server_gone);
  add ("server-gone/far", GINT_TO_POINTER (TRUE), test_server_gone);
  add ("pause", NULL, test_pause);
  add ("sleep/while-fetching", NULL, test_sleep_while_fetching);
  add ("sleep/while-proving", NULL, test_sleep_while_proving);
  add ("sleep/while-waiting", NULL, test_sleep_while_waiting);

  return g_test_run ();
}
