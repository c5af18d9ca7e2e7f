# SPDX-License-Identifier: GPL-3.0-or-later
"""A model in several files, downloaded by a command through the window's process."""

import tap
from bus import NAME, BusTest
from sets import NAMES, SetChecks


class SetsOverTheBus(SetChecks, BusTest):
    def setUp(self):
        super().setUp()
        self.home.environment.update(self.bus.environment)

    def pause_from_elsewhere(self, request_id):
        self.assertEqual(self.home.run('pause', request_id).status, 0)

    def test_the_command_goes_on_with_all_when_the_process_ends(self):
        server = self.serve(gate=500_000)
        run = self.home.get(server.url(NAMES[0]))
        run.wait_for_event(lambda event: (event.get('downloaded') or 0) > 300_000)
        self.assertTrue(self.caller.has_owner(NAME))
        self.caller.call('Close')
        server.open_gates()
        self.assertEqual(run.end(), 0, run.stderr())
        parent, children = self.ids_of(run)
        self.assertEqual({event['requestId'] for event in run.events('completed')},
                         {parent, *children})
        self.assertNotIn('paused', [event['state'] for event in run.events('progress')])


if __name__ == '__main__':
    tap.main()
