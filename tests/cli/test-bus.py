# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that ask dray for files over the session bus."""

import os
import re
import time

from gi.repository import GLib

import tap
from bus import (MANAGER, NAME, PATH, PROPERTIES, REQUEST, BusTest, OtherProgram, has_ended,
                 path_of)
from command import sha256_of

MEGABYTE = 1 << 20
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
ERROR = 'org.dray.Dray.Error.'

# contract.md: names and types.
PROPERTIES_OF_A_REQUEST = {
    'Id': 's', 'Kind': 's', 'Source': 's', 'ModelId': 's', 'ParentId': 's', 'DownloadKey': 's',
    'Caller': 's', 'State': 's', 'Reason': 's', 'Downloaded': 't', 'Total': 'x', 'Percentage': 'd',
    'Speed': 't', 'Eta': 'x', 'Path': 's', 'Sha256': 's', 'External': 's', 'Verified': 's',
    'ErrorName': 's', 'ErrorMessage': 's'}
METHODS = {
    'DownloadAsset': ('sa{sv}', 's'), 'LoadModel': ('sa{sv}', 's'), 'Cancel': ('sa{sv}', ''),
    'CancelModel': ('s', 'u'), 'Resume': ('s', ''), 'Remove': ('s', ''), 'Move': ('su', ''),
    'Close': ('', '')}

# How often a sample is taken, in seconds.
SAMPLE = 0.1


class Interface(BusTest):
    def test_names_and_types_are_those_of_the_contract(self):
        with_request = self.caller.download(self.serve(model=MEGABYTE).url('model.gguf'))
        xml = self.caller.call_interface('org.freedesktop.DBus.Introspectable', 'Introspect',
                                         None)[0]
        manager = re.search(f'<interface name="{MANAGER}">.*?</interface>', xml, re.S)[0]
        for method, (takes, gives) in METHODS.items():
            body = re.search(f'<method name="{method}"(?:/>|>(.*?)</method>)', manager, re.S)
            arguments = re.findall(r'<arg type="(.*?)" name=".*?" direction="(.*?)"', body[1] or '')
            self.assertEqual(''.join(kind for kind, way in arguments if way == 'in'), takes)
            self.assertEqual(''.join(kind for kind, way in arguments if way == 'out'), gives)
        self.assertRegex(manager, '<property type="b" name="Held" access="readwrite"')
        self.assertRegex(manager, '<property type="t" name="RateLimit" access="readwrite"')

        xml = self.caller.call_interface('org.freedesktop.DBus.Introspectable', 'Introspect', None,
                                         path=path_of(with_request))[0]
        request = re.search(f'<interface name="{REQUEST}">.*?</interface>', xml, re.S)[0]
        found = dict(re.findall(r'<property type="(.)" name="(\w+)" access="read"', request))
        found = {name: kind
                 for kind, name in re.findall(r'<property type="(.)" name="(\w+)"', request)}
        self.assertEqual({**found, **PROPERTIES_OF_A_REQUEST}, found)
        self.assertRegex(request, 'signal name="Settled"')

    def test_a_download_from_the_id_to_its_end(self):
        gates = [number * MEGABYTE for number in range(1, 6)]
        server = self.serve(gate=gates[0], model=8 * MEGABYTE)
        settled = self.caller.listen(REQUEST, 'Settled')
        changed = self.caller.listen(PROPERTIES, 'PropertiesChanged')
        self.caller.call('Open')

        def samples():
            return [values[1] for _, path, values in changed
                    if path == path_of(request_id) and values[0] == REQUEST]

        began = time.monotonic()
        request_id = self.caller.download(server.url('model.gguf'))
        for gate, next_gate in zip(gates, [*gates[1:], 0]):
            self.caller.wait_for(
                lambda: any(sample.get('Downloaded', 0) >= gate for sample in samples()),
                f'the sample at {gate}')
            server.set_gate('model.gguf', next_gate)
        self.caller.wait_for(lambda: settled, 'the end')
        took = time.monotonic() - began

        request = self.caller.request(request_id)
        self.assertEqual(request['State'], 'completed')
        self.assertEqual(sha256_of(request['Path']), server.digests['model.gguf'])
        self.assertEqual((request['Downloaded'], request['Total'], request['Percentage']),
                         (8 * MEGABYTE, 8 * MEGABYTE, 100.0))
        self.assertEqual((request['Sha256'], request['Verified']),
                         (server.digests['model.gguf'], 'computed'))
        self.assertEqual(request['Caller'], self.caller.unique_name)
        self.assertEqual(request['Kind'], 'download')
        self.assertEqual([(path, *values) for _, path, values in settled],
                         [(path_of(request_id), True, request['Path'], '', '')])

        n_samples = len([sample for sample in samples() if 'State' not in sample])
        self.assertGreaterEqual(n_samples, 3)
        self.assertLessEqual(n_samples, took / SAMPLE + 2)

    def test_a_request_settles_each_time(self):
        server = self.serve(gate=2 * MEGABYTE, model=8 * MEGABYTE)
        settled = self.caller.listen(REQUEST, 'Settled')
        request_id = self.caller.download(server.url('model.gguf'))
        self.caller.wait_for_bytes(request_id, MEGABYTE)

        self.caller.cancel(request_id)
        self.assertEqual(self.caller.state(request_id), 'paused')
        self.caller.call('Resume', '(s)', request_id)
        self.assertNotEqual(self.caller.state(request_id), 'paused')
        self.caller.cancel(request_id, clear_cache=True)
        self.caller.wait_for(lambda: len(settled) == 2, 'two ends')
        self.assertEqual(self.caller.requests(), {})

        self.assertEqual([values[::2] for _, _, values in settled], [(False, 'cancelled')] * 2)
        self.assertEqual([path for path in self.home.root.rglob('*.part')], [])

    def test_a_failure_says_why(self):
        server = self.serve(model=MEGABYTE)
        settled = self.caller.listen(REQUEST, 'Settled')
        request_id = self.caller.download(server.url('model.gguf'), sha256='0' * 64)
        self.caller.wait_for(lambda: settled, 'the end')
        request = self.caller.request(request_id)
        self.assertEqual((request['State'], request['ErrorName']), ('failed', 'checksum-mismatch'))
        self.assertTrue(request['ErrorMessage'])
        self.assertEqual(settled[0][2][2:], ('checksum-mismatch', request['ErrorMessage']))

    def test_sweep_and_remove(self):
        server = self.serve(gate=MEGABYTE, one=8 * MEGABYTE, two=8 * MEGABYTE)
        one, two = (self.caller.download(server.url(f'{name}.gguf')) for name in ('one', 'two'))
        self.caller.wait_for_state(one, 'downloading')
        model = self.caller.request(one)['ModelId']
        self.assertEqual(self.caller.call('CancelModel', '(s)', model), (1,))
        self.assertEqual(self.caller.call('CancelModel', '(s)', model), (0,))
        self.assertEqual(self.caller.state(one), 'paused')
        self.assertNotEqual(self.caller.state(two), 'paused')

        self.caller.call('Remove', '(s)', one)
        self.assertEqual(list(self.caller.requests()), [two])


class BadInput(BusTest):
    def test_options_of_the_wrong_type(self):
        url = self.serve(model=MEGABYTE).url('model.gguf')
        wrong = {'directory': GLib.Variant('u', 1), 'sha256': GLib.Variant('ay', b'0'),
                 'limit_rate': GLib.Variant('s', '1M'), 'connections': GLib.Variant('t', 1),
                 'detached': GLib.Variant('s', 'true'), 'unknown': GLib.Variant('b', True)}
        for name, value in wrong.items():
            for method in ('DownloadAsset', 'LoadModel'):
                self.assertEqual(
                    self.caller.error_of(method, '(sa{sv})', url, {name: value}), INVALID_ARGS)
        for name, value in {'directory': 'relative', 'connections': 0,
                            'limit_rate': (1 << 64) - 1, 'caller': ''}.items():
            self.assertEqual(self.caller.error_of('DownloadAsset', '(sa{sv})', url, {name: value}),
                             INVALID_ARGS)
        self.assertEqual(self.caller.error_of('DownloadAsset', '(sa{sv})', url, {'connections': 17}),
                         INVALID_ARGS)
        self.assertEqual(self.caller.error_of('Cancel', '(sa{sv})', 'some id',
                                              {'clear_cache': GLib.Variant('s', 'yes')}),
                         INVALID_ARGS)
        self.assertEqual(self.caller.error_of('DownloadAsset', '(s)', url), INVALID_ARGS)
        self.assertEqual(self.caller.requests(), {})

    def test_sources_and_ids_that_are_none(self):
        for source in ('', 'neither link nor name', 'ftp://host/file', 'https://'):
            self.assertEqual(self.caller.error_of('DownloadAsset', '(sa{sv})', source, {}),
                             ERROR + 'InvalidSource', source)
        for unknown in ('', 'unknown', '../../etc', 'é' * 1000):
            self.caller.cancel(unknown)
            self.caller.cancel(unknown, clear_cache=True)
            self.assertEqual(self.caller.call('CancelModel', '(s)', unknown), (0,))
            self.assertEqual(self.caller.error_of('Resume', '(s)', unknown), ERROR + 'NotFound')
        self.assertEqual(self.caller.requests(), {})

    def test_cancels_of_what_is_over(self):
        server = self.serve(model=MEGABYTE)
        request_id = self.caller.download(server.url('model.gguf'))
        self.caller.wait_for_state(request_id, 'completed')
        self.caller.cancel(request_id)
        self.caller.cancel(request_id, clear_cache=True)
        request = self.caller.request(request_id)
        self.assertEqual(request['State'], 'completed')
        self.assertEqual(sha256_of(request['Path']), server.digests['model.gguf'])
        self.assertEqual(self.caller.error_of('Resume', '(s)', request_id), ERROR + 'NotFound')

    def test_a_thousand_requests_for_one_key(self):
        server = self.serve(gate=2 * MEGABYTE, model=16 * MEGABYTE)
        url = server.url('model.gguf')
        ids = [self.caller.download(url, caller=f'number {number}') for number in range(1000)]
        self.assertEqual(len(set(ids)), 1000)

        self.caller.wait_for_bytes(ids[-1], MEGABYTE)
        for request_id in ids[:500]:
            self.caller.cancel(request_id, clear_cache=True)
        self.assertEqual(set(self.caller.requests()), set(ids[500:]))
        server.open_gates()
        self.caller.wait_for(
            lambda: {request['State'] for request_id, request in self.caller.requests().items()
                     if request_id in ids[500:]} == {'completed'}, 'all to complete', 60)
        paths = {request['Path'] for request_id, request in self.caller.requests().items()
                 if request_id in ids[500:]}
        self.assertEqual(len(paths), 1)
        self.assertEqual(sha256_of(paths.pop()), server.digests['model.gguf'])
        self.assertEqual(len(server.records('started')), 1)


class Callers(BusTest):
    def test_who_leaves_the_bus_leaves_its_requests(self):
        server = self.serve(gate=MEGABYTE, mine=16 * MEGABYTE, detached=16 * MEGABYTE)
        other = self.new_caller()
        mine = other.download(server.url('mine.gguf'))
        detached = other.download(server.url('detached.gguf'), detached=True)
        self.caller.wait_for_state(detached, 'downloading')
        self.caller.wait_for_state(mine, 'downloading')

        other.close()
        self.caller.wait_for_state(mine, 'paused')
        self.assertIn(self.caller.state(detached), ('connecting', 'downloading'))
        self.caller.cancel(detached)

    def test_who_is_killed_leaves_its_requests_and_nobody_elses(self):
        server = self.serve(gate=2 * MEGABYTE, model=8 * MEGABYTE)
        program = OtherProgram(self.bus.address, server.url('model.gguf'))
        self.addCleanup(program.close)
        mine = self.caller.download(server.url('model.gguf'))
        self.caller.wait_for_bytes(mine, MEGABYTE)

        program.kill()
        self.caller.wait_for_state(program.request_id, 'paused')
        server.open_gates()
        self.caller.wait_for_state(mine, 'completed')
        self.assertEqual(self.caller.state(program.request_id), 'paused')
        self.assertEqual(len(server.records('started')), 1)

    def test_who_is_gone_before_its_call_is_answered(self):
        server = self.serve(gate=MEGABYTE, **{f'm{n}': 4 * MEGABYTE for n in range(5)})
        self.caller.call('Open')
        for number in range(5):
            other = self.new_caller()
            other.connection.call(NAME, PATH, MANAGER, 'DownloadAsset',
                                  GLib.Variant('(sa{sv})', (server.url(f'm{number}.gguf'), {})),
                                  None, 0, -1, None, None)
            other.connection.flush_sync(None)
            other.close()
        self.caller.wait_for(lambda: [request['State'] for request
                                      in self.caller.requests().values()] == ['paused'] * 5,
                             'all to be paused')

    def test_resume_does_not_make_it_the_resumers(self):
        server = self.serve(gate=MEGABYTE, model=16 * MEGABYTE)
        request_id = self.caller.download(server.url('model.gguf'))
        self.caller.wait_for_state(request_id, 'downloading')
        self.caller.cancel(request_id)
        passing = self.new_caller()
        passing.call('Resume', '(s)', request_id)
        passing.close()
        self.caller.wait_for_state(request_id, 'downloading')
        self.caller.cancel(request_id)

        passing = self.new_caller()
        passing.call('ResumeWith', '(sa{sv})', request_id, {})
        self.caller.wait_for_state(request_id, 'downloading')
        passing.close()
        self.caller.wait_for_state(request_id, 'paused')

    def check_two_programs(self, first_stays):
        server = self.serve(gate=2 * MEGABYTE, model=8 * MEGABYTE)
        url = server.url('model.gguf')
        programs = [OtherProgram(self.bus.address, url) for _ in range(2)]
        for program in programs:
            self.addCleanup(program.close)
        stays, goes = programs if first_stays else reversed(programs)
        for program in programs:
            self.caller.wait_for_bytes(program.request_id, MEGABYTE)

        self.caller.cancel(goes.request_id, clear_cache=True)
        self.assertNotIn(goes.request_id, self.caller.requests())
        server.open_gates()
        self.caller.wait_for_state(stays.request_id, 'completed')
        request = self.caller.request(stays.request_id)
        self.assertEqual(sha256_of(request['Path']), server.digests['model.gguf'])
        self.assert_no_byte_twice(server)
        self.assertEqual(len(server.records('started')), 1)

    def test_of_two_programs_the_second_discards(self):
        self.check_two_programs(True)

    def test_of_two_programs_the_first_discards(self):
        self.check_two_programs(False)


class Closing(BusTest):
    def test_close_while_everything_happens(self):
        files = {f'm{number}': 8 * MEGABYTE for number in range(6)}
        server = self.serve(gate=MEGABYTE, **files)
        others = [self.new_caller() for _ in range(3)]
        ids = [caller.download(server.url(f'{name}.gguf')) for caller in others for name in files]
        self.caller.wait_for_state(ids[0], 'downloading')
        process = os.pidfd_open(self.caller.process_of(NAME))
        self.addCleanup(os.close, process)

        for caller, request_id in zip(others * 6, ids):
            caller.connection.call(NAME, PATH, MANAGER, 'Cancel',
                                   GLib.Variant('(sa{sv})', (request_id, {})), None, 0, -1, None,
                                   None)
        others[0].connection.call(NAME, PATH, MANAGER, 'Close', None, None, 0, -1, None, None)
        others[1].close()
        self.caller.call('Close')
        self.assertTrue(has_ended(process, 60))

        # The lock is free, and the catalog as it was left.
        states = {row['requestId']: row['state'] for row in self.home.rows()}
        self.assertEqual(states, dict.fromkeys(ids, 'paused'))

    def test_calls_after_close_start_it_again(self):
        server = self.serve(gate=2 * MEGABYTE, model=4 * MEGABYTE)
        request_id = self.caller.download(server.url('model.gguf'))
        self.caller.wait_for_bytes(request_id, MEGABYTE)
        self.caller.call('Close')
        self.caller.wait_for(lambda: not self.caller.has_owner(NAME), 'the name to be free')

        server.open_gates()
        self.caller.call('Resume', '(s)', request_id)
        self.caller.wait_for_state(request_id, 'completed')
        self.assertEqual(sha256_of(self.caller.request(request_id)['Path']),
                         server.digests['model.gguf'])

    def test_an_unused_service_ends(self):
        self.caller.call('Open')
        process = os.pidfd_open(self.caller.process_of(NAME))
        self.addCleanup(os.close, process)
        self.assertTrue(has_ended(process, 60))


if __name__ == '__main__':
    tap.main()
