# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs the engine: the window's process, a command, or first one and then the other."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import tap
from bus import NAME, Bus, Caller, has_ended
from command import PATIENCE, Home, assert_quick, sha256_of
from servers import ModelServer

MEGABYTE = 1 << 20
ENGINE = NAME + '.Engine'

# A block that a connection may have asked for and not written, and what lies in the sockets.
IN_FLIGHT = 8 * MEGABYTE

# A desktop's shell stays; of a program that leaves at once the bus would drop the call.
OPEN_DESKTOP_FILE = '''
import sys
from gi.repository import Gio
bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
assert Gio.DesktopAppInfo.new_from_filename(sys.argv[1]).launch([], None)
bus.call_sync(sys.argv[2], '/', 'org.freedesktop.DBus.Peer', 'Ping', None, None, 0, -1, None)
'''


class HandoverTest(unittest.TestCase):
    """`terminal` is a home without a display, `desktop` is the same home with one; both have the
    bus."""

    maxDiff = None

    def setUp(self):
        self.desktop = Home()
        self.addCleanup(self.desktop.close)
        self.bus = Bus(self.desktop.environment, display=True)
        self.addCleanup(self.bus.close)
        self.desktop.environment.update(self.bus.environment)
        self.out = self.desktop.out
        self.terminal = Home()
        self.addCleanup(self.terminal.close)
        self.terminal.environment = {name: value
                                     for name, value in self.desktop.environment.items()
                                     if name != 'DISPLAY'}
        self.terminal.out = self.out
        self.runs = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for run in self.runs:
            if run.process.poll() is None:
                run.kill()
        caller = Caller(self.bus.address)
        if caller.has_owner(NAME):
            process = os.pidfd_open(caller.process_of(NAME))
            with contextlib.suppress(Exception):
                caller.call('Close')
            os.close(process)
        caller.wait_for(lambda: not caller.has_owner(NAME), 'the service to end')
        caller.close()

    def serve(self, rate=0, gate=0, **files):
        server = ModelServer(rate, gate, **files)
        self.addCleanup(server.__exit__)
        return server

    def start(self, home, *arguments, **options):
        run = home.get(*arguments, **options)
        self.runs.append(run)
        return run

    def caller(self, name=NAME):
        caller = Caller(self.bus.address, name)
        self.addCleanup(caller.close)
        return caller

    def assert_complete(self, run, server, name='model.gguf'):
        self.assertEqual(run.end(), 0, run.stderr())
        (completed,) = run.events('completed')
        self.assertEqual(sha256_of(completed['path']), server.digests[name])
        self.assertEqual(completed['sha256'], server.digests[name])
        self.assertEqual(completed['path'], str(self.out / name))

    def assert_no_byte_twice(self, server, allowance=IN_FLIGHT):
        server.wait_until_idle()
        reached = again = 0
        for fetch in sorted(server.fetches(), key=lambda fetch: fetch.first):
            again += max(0, min(fetch.first + fetch.n_bytes, reached) - fetch.first)
            reached = max(reached, fetch.first + fetch.n_bytes)
        tap.note(f'{again} bytes were sent again')
        self.assertLessEqual(again, allowance)


class InTheWindowsProcess(HandoverTest):
    def test_get_starts_it_and_goes_through_it(self):
        server = self.serve(gate=2 * MEGABYTE, model=8 * MEGABYTE)
        run = self.start(self.desktop, server.url('model.gguf'), '--sha256',
                         server.digests['model.gguf'])
        run.wait_for_bytes(MEGABYTE)
        caller = self.caller()
        ((request_id, request),) = caller.requests().items()
        self.assertNotEqual(caller.process_of(NAME), run.process.pid)
        self.assertFalse(caller.has_owner(ENGINE))
        self.assertEqual((request['Caller'], run.events('request')[0]['requestId']),
                         ('terminal', request_id))
        server.open_gates()
        self.assert_complete(run, server)
        self.assertEqual(run.events('completed')[0]['verified'], 'digest')
        progress = run.events('progress')
        self.assertEqual(progress[-1]['state'], 'completed')
        self.assertEqual([event['downloaded'] for event in progress],
                         sorted(event['downloaded'] for event in progress))

    def test_a_relative_folder_is_the_commands(self):
        server = self.serve(model=MEGABYTE)
        work = self.desktop.root / 'work'
        work.mkdir()
        run = self.desktop.start('get', '-d', 'here', server.url('model.gguf'), cwd=work)
        self.assertEqual(run.end(), 0, run.stderr())
        self.assertEqual(run.stdout(), [str(work / 'here' / 'model.gguf')])

    def test_a_signal_pauses(self):
        server = self.serve(gate=MEGABYTE, model=16 * MEGABYTE)
        for number in (signal.SIGINT, signal.SIGTERM):
            run = self.start(self.desktop, server.url('model.gguf'))
            run.wait_for_event(lambda event: event.get('state') == 'downloading')
            run.signal(number)
            self.assertEqual(run.end(), 128 + number)
            self.assertEqual(run.events('progress')[-1]['state'], 'paused')
            (row,) = self.desktop.rows()
            self.assertEqual(row['state'], 'paused')

    def test_a_killed_command_leaves_its_requests(self):
        server = self.serve(gate=MEGABYTE, model=16 * MEGABYTE)
        run = self.start(self.desktop, server.url('model.gguf'))
        run.wait_for_event(lambda event: event.get('state') == 'downloading')
        run.kill()
        caller = self.caller()
        caller.wait_for_state(run.events('request')[0]['requestId'], 'paused')

    def test_a_vanished_service_is_an_error_and_costs_nothing(self):
        server = self.serve(rate=4 * MEGABYTE, gate=14 * MEGABYTE, model=16 * MEGABYTE)
        run = self.start(self.desktop, server.url('model.gguf'))
        run.wait_for_bytes(4 * MEGABYTE)
        os.kill(self.caller().process_of(NAME), signal.SIGKILL)
        server.open_gates()
        self.assertEqual(run.end(), 1)
        self.assertEqual(len(run.stderr()), 1, run.stderr())
        self.assertRegex(run.stderr()[0], '^dray: cancelled: .*gone.*kept')
        self.assertEqual(run.events('failed')[0]['error'], 'cancelled')

        self.assert_complete(self.start(self.desktop, server.url('model.gguf')), server)
        self.assert_no_byte_twice(server)

    def test_the_command_goes_on_when_it_ends_in_order(self):
        server = self.serve(rate=4 * MEGABYTE, gate=14 * MEGABYTE, model=16 * MEGABYTE)
        run = self.start(self.desktop, server.url('model.gguf'))
        run.wait_for_bytes(4 * MEGABYTE)
        process = os.pidfd_open(self.caller().process_of(NAME))
        self.addCleanup(os.close, process)
        signal.pidfd_send_signal(process, signal.SIGTERM)
        self.assertTrue(has_ended(process, 60))
        server.open_gates()
        self.assert_complete(run, server)
        self.assert_no_byte_twice(server)
        self.assertEqual(len(run.events('request')), 1)

    def test_what_others_pause_and_discard(self):
        server = self.serve(gate=MEGABYTE, one=16 * MEGABYTE, two=16 * MEGABYTE)
        for name, verb in (('one', 'pause'), ('two', 'discard')):
            run = self.start(self.desktop, server.url(f'{name}.gguf'))
            run.wait_for_event(lambda event: event.get('state') == 'downloading')
            request_id = run.events('request')[0]['requestId']
            self.assertEqual(self.desktop.run(verb, request_id[:8]).status, 0)
            self.assertEqual(run.end(), 1)
            self.assertEqual(run.events('failed')[0]['error'], 'cancelled')

    def test_every_verb(self):
        self.check_every_verb(self.desktop)

    def check_every_verb(self, home):
        server = self.serve(gate=MEGABYTE, model=8 * MEGABYTE)
        run = self.start(home, server.url('model.gguf'))
        run.wait_for_event(lambda event: event.get('state') == 'downloading')
        request_id = run.events('request')[0]['requestId']
        (row,) = home.rows()
        self.assertEqual((row['requestId'], row['state'], row['caller']),
                         (request_id, 'downloading', 'terminal'))
        sweep = home.run('cancel', '--model', row['modelId'])
        self.assertEqual((sweep.status, sweep.stdout()), (0, ['1']), sweep.stderr())
        self.assertEqual(run.end(), 1)

        server.open_gates()
        resumed = home.start('resume', '--json', request_id[:8])
        self.runs.append(resumed)
        self.assert_complete(resumed, server)
        self.assertEqual(resumed.events('completed')[0]['requestId'], request_id)
        self.assertEqual(home.run('discard', request_id).status, 1)
        self.assertEqual(home.run('remove', request_id).status, 0)
        self.assertEqual(home.rows(), [])
        for verb in ('pause', 'resume', 'discard', 'remove'):
            unknown = home.run(verb, 'abcdef')
            self.assertEqual(unknown.status, 1)
            self.assertRegex(unknown.stderr()[0], '^dray: not-found: ')
        wrong = home.run('get', '--json', 'https://')
        self.assertNotEqual(wrong.status, 0)
        missing = home.run('get', server.url('nothing.gguf'))
        self.assertEqual(missing.status, 1)
        self.assertRegex(missing.stderr()[0], '^dray: not-found: ')


class InACommand(HandoverTest):
    def test_every_verb(self):
        InTheWindowsProcess.check_every_verb(self, self.terminal)

    def test_it_serves_the_same_interface(self):
        server = self.serve(gate=2 * MEGABYTE, model=8 * MEGABYTE)
        run = self.start(self.terminal, server.url('model.gguf'))
        run.wait_for_bytes(MEGABYTE)
        caller = self.caller(ENGINE)
        self.assertEqual(caller.process_of(ENGINE), run.process.pid)
        self.assertEqual(list(caller.requests()), [run.events('request')[0]['requestId']])
        self.assertFalse(caller.has_owner(NAME))

        late = caller.download(server.url('model.gguf'), directory=str(self.out))
        self.assertEqual(caller.request(late)['Caller'], caller.unique_name)
        server.open_gates()
        self.assert_complete(run, server)
        self.assertEqual(len(server.records('started')), 1)

    def test_close_ends_it(self):
        server = self.serve(gate=2 * MEGABYTE, model=16 * MEGABYTE)
        run = self.start(self.terminal, server.url('model.gguf'))
        run.wait_for_bytes(MEGABYTE)
        self.caller(ENGINE).call('Close')
        self.assertEqual(run.end(), 1)
        self.assertEqual(run.events('failed')[0]['error'], 'cancelled')
        self.assertEqual(self.terminal.rows()[0]['state'], 'paused')

    def test_a_second_command_outlives_the_first(self):
        server = self.serve(gate=2 * MEGABYTE, one=8 * MEGABYTE, two=24 * MEGABYTE)
        first = self.start(self.terminal, server.url('one.gguf'))
        first.wait_for_bytes(MEGABYTE)
        second = self.start(self.terminal, server.url('two.gguf'))
        second.wait_for_bytes(MEGABYTE)
        self.assertEqual(self.caller(ENGINE).process_of(ENGINE), first.process.pid)

        server.set_gate('one.gguf', 0)
        self.assert_complete(first, server, 'one.gguf')
        server.set_gate('two.gguf', 0)
        self.assert_complete(second, server, 'two.gguf')
        self.assert_no_byte_twice(server, sys.maxsize)

    def test_a_second_command_survives_the_first_ones_kill_with_an_error(self):
        server = self.serve(gate=2 * MEGABYTE, one=16 * MEGABYTE, two=16 * MEGABYTE)
        first = self.start(self.terminal, server.url('one.gguf'))
        first.wait_for_bytes(MEGABYTE)
        second = self.start(self.terminal, server.url('two.gguf'))
        second.wait_for_bytes(MEGABYTE)
        first.kill()
        self.assertEqual(second.end(), 1)
        self.assertRegex(second.stderr()[0], 'gone')


class TheWindowComes(HandoverTest):
    def open_window(self):
        """Opens it as a click on its icon does; returns the seconds until it could be seen."""
        environment = {**self.desktop.environment,
                       'PATH': f'{pathlib.Path(os.environ["DRAY"]).parent}:{os.environ["PATH"]}'}
        began = time.monotonic()
        subprocess.run([sys.executable, '-c', OPEN_DESKTOP_FILE, os.environ['DRAY_DESKTOP_FILE'],
                        NAME],
                       env=environment, check=True, stdin=subprocess.DEVNULL,
                       timeout=60 * PATIENCE)
        while subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', '.'],
                             env=environment, capture_output=True).returncode != 0:
            self.assertLess(time.monotonic() - began, 60 * PATIENCE, 'no window came')
            time.sleep(0.02)
        return time.monotonic() - began

    def test_the_window_is_there_within_two_seconds(self):
        server = self.serve(gate=MEGABYTE, model=2 * MEGABYTE)

        def open_beside_a_command():
            run = self.start(self.terminal, server.url('model.gguf'))
            run.wait_for_event(lambda event: event.get('state') == 'downloading')
            took = self.open_window()
            tap.note(f'the window came after {took:.2f} s')
            process = os.pidfd_open(self.caller().process_of(NAME))
            run.signal(signal.SIGINT)
            self.assertEqual(run.end(), 130)
            self.caller().call('Close')
            self.assertTrue(has_ended(process, 60))
            os.close(process)
            return took

        assert_quick(self, 2 * PATIENCE, open_beside_a_command)

    def check(self):
        server = self.serve(rate=4 * MEGABYTE, gate=20 * MEGABYTE, model=24 * MEGABYTE)
        run = self.start(self.terminal, server.url('model.gguf'))
        run.wait_for_bytes(6 * MEGABYTE)
        self.open_window()

        caller = self.caller()
        caller.wait_for(lambda: not caller.has_owner(ENGINE), 'the command to hand over')
        caller.call('Open')
        request_id = run.events('request')[0]['requestId']
        caller.wait_for_state(request_id, 'downloading')
        self.assertEqual(caller.request(request_id)['Caller'], 'terminal')
        handed_over = caller.request(request_id)['Downloaded']
        self.assertGreaterEqual(handed_over, 6 * MEGABYTE)
        self.assertLess(handed_over, 24 * MEGABYTE)
        self.assertFalse(run.has_ended())
        return server, run

    def test_the_command_hands_over_and_goes_on(self):
        server, run = self.check()
        server.open_gates()
        self.assert_complete(run, server)
        self.assert_no_byte_twice(server)
        self.assertEqual(len(server.records('started')), 2)
        self.assertEqual(len(run.events('request')), 1)
        self.assertNotIn('paused', [event['state'] for event in run.events('progress')])
        self.assertEqual(run.stderr(), [])

    def test_a_signal_after_the_handover_pauses(self):
        _, run = self.check()
        run.signal(signal.SIGINT)
        self.assertEqual(run.end(), 130)
        self.assertEqual(self.caller().state(run.events('request')[0]['requestId']), 'paused')

    def test_both_of_two_commands_follow(self):
        server = self.serve(gate=4 * MEGABYTE, one=24 * MEGABYTE, two=24 * MEGABYTE)
        runs = {}
        for name in ('one', 'two'):
            runs[name] = self.start(self.terminal, server.url(f'{name}.gguf'))
            runs[name].wait_for_bytes(2 * MEGABYTE)
        self.open_window()
        server.open_gates()
        for name, run in runs.items():
            self.assert_complete(run, server, f'{name}.gguf')
            self.assertEqual(len(run.events('request')), 1)


if __name__ == '__main__':
    tap.main()
