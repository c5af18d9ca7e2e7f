# SPDX-License-Identifier: GPL-3.0-or-later
"""What callers on the session bus share: transfers, the queue, a hold; and models that are loaded."""

import time

from gi.repository import GLib

import tap
from bus import MANAGER, NAME, PROPERTIES, REQUEST, BusTest, path_of
from command import sha256_of

MEGABYTE = 1 << 20
NOT_FOUND = 'org.dray.Dray.Error.NotFound'


class DifferentOptions(BusTest):
    def ask_thrice(self, server, limit):
        """The same file for three programs: limited; into another folder; with a wrong digest."""
        url = server.url('model.gguf')
        wishes = {'limited': {'limit_rate': limit,
                              'sha256': server.digests['model.gguf']},
                  'unlimited': {}, 'wrong': {'sha256': '0' * 64}}
        self.programs = {name: self.new_caller() for name in wishes}
        return {name: self.programs[name].download(
                    url, directory=str(self.home.root / name), **options)
                for name, options in wishes.items()}

    def test_one_transfer_serves_them_all(self):
        server = self.serve(gate=MEGABYTE, model=8 * MEGABYTE)
        ids = self.ask_thrice(server, MEGABYTE // 8)
        self.caller.wait_for_bytes(ids['unlimited'], MEGABYTE)
        began = time.monotonic()
        server.open_gates()
        for request_id in ids.values():
            self.caller.wait_for_state(request_id, 'completed', 'failed')
        # At the smaller limit the rest would take 56 s.
        self.assertLess(time.monotonic() - began, 40, 'the largest limit wins')

        for name in ('limited', 'unlimited'):
            request = self.caller.request(ids[name])
            self.assertEqual((request['State'], request['Path']),
                             ('completed', str(self.home.root / name / 'model.gguf')))
            self.assertEqual(sha256_of(request['Path']), server.digests['model.gguf'])
        self.assertEqual(self.caller.request(ids['limited'])['Verified'], 'digest')
        wrong = self.caller.request(ids['wrong'])
        self.assertEqual((wrong['State'], wrong['ErrorName']), ('failed', 'checksum-mismatch'))
        self.assert_no_byte_twice(server)
        self.assertEqual(len(server.records('started')), 1)

    def check_discard(self, goes, stays):
        server = self.serve(gate=2 * MEGABYTE, model=8 * MEGABYTE)
        ids = self.ask_thrice(server, MEGABYTE)
        self.caller.wait_for_bytes(ids[stays], MEGABYTE)
        self.caller.cancel(ids['wrong'], clear_cache=True)
        self.caller.cancel(ids[goes], clear_cache=True)
        server.open_gates()
        self.caller.wait_for_state(ids[stays], 'completed', seconds=60)
        request = self.caller.request(ids[stays])
        self.assertEqual(request['Path'], str(self.home.root / stays / 'model.gguf'))
        self.assertEqual(sha256_of(request['Path']), server.digests['model.gguf'])
        self.assert_no_byte_twice(server)
        self.assertEqual(list(self.home.root.rglob('*.part')), [])

    def test_the_first_discards(self):
        self.check_discard('limited', 'unlimited')

    def test_the_second_discards(self):
        self.check_discard('unlimited', 'limited')


class Loading(BusTest):
    def test_a_load_ends_with_the_models_id(self):
        server = self.serve(model=4 * MEGABYTE)
        settled = self.caller.listen(REQUEST, 'Settled')
        request_id = self.caller.call('LoadModel', '(sa{sv})', server.url('model.gguf'), {})[0]
        self.caller.wait_for(lambda: settled, 'the end')
        request = self.caller.request(request_id)
        self.assertEqual((request['State'], request['Kind']), ('completed', 'load'))
        self.assertEqual([values for _, path, values in settled if path == path_of(request_id)],
                         [(True, request['ModelId'], '', '')])

    def test_the_command_prints_what_the_header_says(self):
        server = self.serve(model=4 * MEGABYTE)
        self.home.environment.update(self.bus.environment)
        run = self.home.run('load', '--json', server.url('model.gguf'))
        self.assertEqual(run.status, 0, run.stderr())
        (loaded,) = run.events('loaded')
        self.assertEqual(loaded['requestId'], run.events('request')[0]['requestId'])
        self.assertEqual((loaded['format'], loaded['size']), ('gguf', 4 * MEGABYTE))
        self.assertTrue(self.caller.has_owner(NAME))


class Holding(BusTest):
    def set_held(self, held):
        self.caller.call_interface(PROPERTIES, 'Set', '(ssv)', MANAGER, 'Held',
                                   GLib.Variant('b', held))

    def held(self):
        return self.caller.call_interface(PROPERTIES, 'Get', '(ss)', MANAGER, 'Held')[0]

    def test_nothing_moves_until_the_release(self):
        server = self.serve(gate=2 * MEGABYTE, model=6 * MEGABYTE)
        self.caller.call('Open')
        self.assertFalse(self.held())
        request_id = self.caller.download(server.url('model.gguf'))
        self.caller.wait_for_bytes(request_id, MEGABYTE)

        self.set_held(True)
        self.caller.wait_for_state(request_id, 'waiting')
        self.assertEqual(self.caller.request(request_id)['Reason'], 'held')
        self.assertTrue(self.held())
        server.wait_until_idle()
        asked = len(server.records('started'))
        server.open_gates()
        self.set_held(False)
        self.assertFalse(self.held())
        self.caller.wait_for_state(request_id, 'completed')
        self.assertGreater(len(server.records('started')), asked)
        self.assertEqual(sha256_of(self.caller.request(request_id)['Path']),
                         server.digests['model.gguf'])

    def test_it_survives_the_process_and_the_command_lets_go(self):
        server = self.serve(gate=2 * MEGABYTE, model=4 * MEGABYTE)
        self.home.environment.update(self.bus.environment)
        request_id = self.caller.download(server.url('model.gguf'), detached=True)
        self.caller.wait_for_bytes(request_id, MEGABYTE)
        hold = self.home.run('hold')
        self.assertEqual((hold.status, hold.stderr()), (0, []))
        self.assertEqual(self.caller.state(request_id), 'waiting')
        self.caller.call('Close')
        self.caller.wait_for(lambda: not self.caller.has_owner(NAME), 'the process to end')

        self.caller.call('Open')
        self.assertTrue(self.held())
        self.caller.call('Resume', '(s)', request_id)
        self.caller.wait_for_state(request_id, 'waiting')
        self.assertEqual(self.home.run('release').status, 0)
        self.assertFalse(self.held())
        server.open_gates()
        self.caller.wait_for_state(request_id, 'completed')


class RateLimit(BusTest):
    def set_limit(self, limit):
        self.caller.call_interface(PROPERTIES, 'Set', '(ssv)', MANAGER, 'RateLimit',
                                   GLib.Variant('t', limit))

    def limit(self):
        return self.caller.call_interface(PROPERTIES, 'Get', '(ss)', MANAGER, 'RateLimit')[0]

    def test_it_holds_at_once_for_all(self):
        server = self.serve(a=4 * MEGABYTE, b=4 * MEGABYTE)
        self.set_limit(1)
        self.caller.call('Open')
        self.assertEqual(self.limit(), 1)
        ids = [self.caller.download(server.url(f'{name}.gguf')) for name in 'ab']
        for request_id in ids:
            self.caller.wait_for_bytes(request_id, 1)
            self.assertLess(self.caller.request(request_id)['Downloaded'], MEGABYTE)
        self.set_limit(0)
        for request_id in ids:
            self.caller.wait_for_state(request_id, 'completed')
        self.assertEqual(self.limit(), 0)

    def test_the_largest_number(self):
        self.caller.call('Open')
        self.set_limit(2**64 - 1)
        self.caller.wait_for(lambda: self.limit() == 2**63 - 1, 'the largest limit')


class Queue(BusTest):
    def test_a_request_is_moved_to_the_front(self):
        files = {f'm{number}': 16 * MEGABYTE for number in range(5)}
        server = self.serve(gate=MEGABYTE, **files)
        ids = [self.caller.download(server.url(f'{name}.gguf')) for name in files]
        for request_id in ids[:3]:
            self.caller.wait_for_state(request_id, 'downloading')
        for request_id in ids[3:]:
            self.caller.wait_for_state(request_id, 'queued')

        self.caller.call('Move', '(su)', ids[4], 0)
        self.caller.cancel(ids[0])
        self.caller.wait_for_state(ids[4], 'downloading')
        self.assertEqual(self.caller.state(ids[3]), 'queued')
        for wrong in ('unknown', ids[0]):
            self.assertEqual(self.caller.error_of('Move', '(su)', wrong, 0), NOT_FOUND)


if __name__ == '__main__':
    tap.main()
