# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that look at requests or change them: list, pause, resume, discard, remove, cancel."""

import signal
import uuid

import tap
from command import CommandTest
from servers import ModelServer

MEGABYTE = 1000 * 1000
ROW_FIELDS = {'requestId', 'parentId', 'modelId', 'downloadKey', 'source', 'caller', 'state',
              'downloaded', 'total', 'percentage', 'path', 'sha256', 'external', 'error', 'message'}


class Rows(CommandTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(one=2 * MEGABYTE, two=MEGABYTE)
        self.addCleanup(self.server.__exit__)
        self.url = self.server.url('one.gguf')

    def pause_one(self):
        """A request that is halfway and paused; returns its id."""
        self.server.set_gate('one.gguf', MEGABYTE // 2)
        run = self.home.get(self.url)
        run.wait_for_bytes(MEGABYTE // 2)
        run.signal(signal.SIGINT)
        self.assertEqual(run.end(), 130)
        self.server.open_gates()
        return run.events('request')[0]['requestId']

    def complete_two(self):
        run = self.home.get(self.server.url('two.gguf'))
        self.assert_completed(run, self.server.digests['two.gguf'])
        return run.events('request')[0]['requestId']

    def check(self, *arguments, status=0, error=None):
        """Runs a verb that prints nothing, or one line of an error; returns what it printed."""
        run = self.home.run(*arguments)
        self.assertEqual(run.status, status, run.stderr())
        self.assertEqual(len(run.stderr()), 0 if error is None else 1, run.stderr())
        if error is not None:
            self.assertRegex(run.stderr()[0], f'^dray: {error}: .')
        return run.stdout()

    def states(self):
        return {row['requestId']: row['state'] for row in self.home.rows()}

    def test_an_empty_list(self):
        for options in ([], ['--all'], ['--json'], ['--all', '--json']):
            self.assertEqual(self.check('list', *options), [])

    def test_list_shows_the_unfinished_and_with_all_every_one(self):
        one, two = self.pause_one(), self.complete_two()
        (line,) = self.check('list')
        self.assertTrue(line.startswith(one[:8]), line)
        self.assertRegex(line, r'paused .*kB of 2\.0\sMB .*one\.gguf$')
        self.assertEqual({line.split()[0] for line in self.check('list', '--all')},
                         {one[:8], two[:8]})
        self.assertEqual(len(self.check('list', '--json')), 1)

    def test_list_as_json(self):
        one, two = self.pause_one(), self.complete_two()
        rows = {row['requestId']: row for row in self.home.rows()}
        self.assertEqual(set(rows), {one, two})
        for row in rows.values():
            self.assertEqual(set(row), ROW_FIELDS)
            self.assertEqual(row['caller'], 'terminal')
            self.assertEqual(str(uuid.UUID(row['requestId'])), row['requestId'])
        self.assertEqual(rows[one]['state'], 'paused')
        self.assertEqual(rows[one]['downloaded'], self.home.query(
            "SELECT sum (written) AS n FROM piece JOIN asset ON asset_id = id "
            "WHERE state = 'fetching'")[0]['n'])
        self.assertEqual(rows[one]['total'], 2 * MEGABYTE)
        self.assertIsNone(rows[one]['sha256'])
        self.assertEqual(rows[two]['state'], 'completed')
        self.assertEqual(rows[two]['percentage'], 100)
        self.assertEqual(rows[two]['path'], str(self.home.out / 'two.gguf'))
        self.assertEqual(rows[two]['sha256'], self.server.digests['two.gguf'])

    def test_resume_by_id_and_by_its_first_digits(self):
        for digits in (36, 8, 4):
            self.home.out = self.home.root / f'out-{digits}'
            self.server.replace('one.gguf')
            one = self.pause_one()
            (row,) = [row for row in self.home.rows() if row['requestId'] == one]
            run = self.home.start('resume', '--json', one[:digits])
            completed = self.assert_completed(run, self.server.digests['one.gguf'], 'one.gguf')
            self.assertEqual(completed['requestId'], one)
            self.server.wait_until_idle()
            self.assertEqual(self.server.fetches()[-1].first, row['downloaded'])

    def test_the_same_command_again_takes_the_place_of_the_paused_request(self):
        one = self.pause_one()
        again = self.home.get(self.url)
        self.assert_completed(again, self.server.digests['one.gguf'], 'one.gguf')
        other = again.events('request')[0]['requestId']
        self.assertNotEqual(other, one)
        self.assertEqual(self.states(), {other: 'completed'})

    def test_discard_deletes_the_bytes(self):
        one = self.pause_one()
        self.assertEqual(self.home.names(), ['one.gguf.part'])
        self.check('discard', one[:8])
        self.assertEqual(self.home.names(), [])
        self.assertEqual(self.home.query('SELECT * FROM piece'), [])
        self.assertNotIn('paused', self.states().values())
        self.assert_completed(self.home.get(self.url), self.server.digests['one.gguf'], 'one.gguf')
        self.server.wait_until_idle()
        self.assertEqual([fetch.first for fetch in self.server.fetches()], [0, 0])

    def test_what_is_complete_is_not_discarded_but_removed(self):
        two = self.complete_two()
        self.check('discard', two, status=1, error='not-found')
        self.assertEqual(self.states(), {two: 'completed'})
        self.check('remove', two)
        self.assertEqual(self.states(), {})
        self.assert_whole(self.home.out / 'two.gguf', self.server.digests['two.gguf'])

    def test_pause_of_what_does_not_run_is_harmless(self):
        one, two = self.pause_one(), self.complete_two()
        before = self.states()
        self.check('pause', one)
        self.check('pause', one, two)
        self.assertEqual(self.states(), before)
        self.assertEqual(self.home.names(), ['one.gguf.part', 'two.gguf'])

    def test_a_killed_ones_request_is_listed_with_its_bytes(self):
        self.server.set_gate('one.gguf', MEGABYTE)
        run = self.home.get(self.url)
        run.wait_for_bytes(MEGABYTE)
        run.kill()
        one = run.events('request')[0]['requestId']
        (row,) = self.home.rows()
        self.assertEqual((row['requestId'], row['state']), (one, 'paused'))
        self.assertEqual(row['downloaded'], self.home.written())
        self.check('pause', one)
        self.check('discard', one)
        self.assertEqual(self.home.names(), [])

    def test_cancel_by_model_counts_what_was_in_flight(self):
        one = self.pause_one()
        model = self.home.rows()[0]['modelId']
        self.assertEqual(self.check('cancel', '--model', model), ['0'])
        self.assertEqual(self.check('cancel', '--model', 'url:http://no.such/model'), ['0'])
        self.assertEqual(self.states(), {one: 'paused'})
        self.assertEqual(self.home.names(), ['one.gguf.part'])

    def test_unknown_ids(self):
        one = self.pause_one()
        for verb in ('pause', 'discard', 'remove', 'resume'):
            for unknown in (str(uuid.uuid4()), one[:3], '', one + '0', "'; DROP TABLE request; --"):
                self.check(verb, unknown, status=1, error='not-found')
        self.assertEqual(self.states(), {one: 'paused'})

    def test_an_unknown_id_stops_no_other(self):
        one = self.pause_one()
        self.check('discard', str(uuid.uuid4()), one, status=1, error='not-found')
        self.assertEqual(self.home.names(), [])

    def test_resume_of_what_is_complete(self):
        two = self.complete_two()
        self.server.wait_until_idle()
        n_requests = len(self.server.records())
        run = self.home.run('resume', '--json', two)
        self.assertIn(run.status, (0, 1))
        self.assertEqual(len(self.server.records()), n_requests)
        self.assertEqual(self.states(), {two: 'completed'})

    def test_resume_with_restart_changed(self):
        one = self.pause_one()
        sha256 = self.server.replace('one.gguf')
        self.assert_failed(self.home.start('resume', '--json', one), 'changed')
        self.assertEqual(self.states(), {one: 'failed'})
        run = self.home.start('resume', '--json', '--restart-changed', one)
        self.assert_completed(run, sha256)


if __name__ == '__main__':
    tap.main()
