# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a model in several files, whoever runs the engine: for test-sets.py and
test-sets-bus.py."""

import signal

from servers import ModelServer

MEGABYTE = 1000 * 1000
NAMES = [f'm-{number:05}-of-00003.gguf' for number in (1, 2, 3)]
STEMS = [name.removesuffix('.gguf') for name in NAMES]


class SetChecks:
    """Mixed into a test case that has a `home`."""

    def serve(self, rate=0, gate=0, n_files=3):
        server = ModelServer(rate, gate, **{stem: 2 * MEGABYTE for stem in STEMS[:n_files]})
        self.addCleanup(server.__exit__)
        return server

    def ids_of(self, run):
        """The ids of the parent and of its children, as the first lines tell them."""
        parent, *children = run.events('request')
        self.assertIsNone(parent['parentId'])
        self.assertIsNone(parent['downloadKey'])
        self.assertEqual([child['parentId'] for child in children],
                         [parent['requestId']] * len(NAMES))
        self.assertEqual([child['source'].rsplit('/', 1)[1] for child in children], NAMES)
        self.assertEqual([event['event'] for event in run.events()][:4], ['request'] * 4)
        return parent['requestId'], [child['requestId'] for child in children]

    def pause_halfway(self, server):
        """Of a server whose gates stop each file halfway, and are open afterwards."""
        run = self.home.get(server.url(NAMES[1]))
        run.wait_for_event(lambda event: (event.get('downloaded') or 0) > MEGABYTE)
        run.signal(signal.SIGINT)
        self.assertEqual(run.end(), 130)
        self.assertEqual(run.stderr(), [])
        server.open_gates()
        return run

    def test_each_file_is_told_of_and_so_is_the_whole(self):
        server = self.serve(gate=MEGABYTE)
        run = self.home.get(server.url(NAMES[1]))
        run.wait_for_event(lambda event: event['event'] == 'progress')
        parent, children = self.ids_of(run)
        for request_id in (parent, *children):
            run.wait_for_event(lambda event: event['requestId'] == request_id
                               and event.get('state') == 'downloading')
        server.open_gates()
        self.assertEqual(run.end(), 0, run.stderr())
        for request_id in (parent, *children):
            progress = [event for event in run.events('progress')
                        if event['requestId'] == request_id]
            self.assertIn('downloading', [event['state'] for event in progress])
            self.assertEqual(progress[-1]['state'], 'completed')
        *files, whole = run.events('completed')
        self.assertEqual({event['path']: event['sha256'] for event in files},
                         {str(self.home.out / name): server.digests[name] for name in NAMES})
        self.assertEqual((whole['requestId'], whole['size'], whole['path']),
                         (parent, 6 * MEGABYTE, str(self.home.out / NAMES[0])))
        self.assertEqual(run.stderr(), [])

    def test_without_a_terminal_each_path_is_printed_once(self):
        server = self.serve()
        run = self.home.run('get', '-d', self.home.out, server.url(NAMES[0]))
        self.assertEqual(run.status, 0, run.stderr())
        self.assertEqual(sorted(run.stdout()), [str(self.home.out / name) for name in NAMES])

    def test_a_file_that_fails_is_named_once(self):
        server = self.serve(n_files=2)
        run = self.home.get(server.url(NAMES[0]))
        self.assertEqual(run.end(), 1)
        self.assertEqual(len(run.stderr()), 1, run.stderr())
        self.assertRegex(run.stderr()[0], f'^dray: not-found: {NAMES[2]}: ')
        parent, children = self.ids_of(run)
        self.assertEqual([(event['requestId'], event['error']) for event in run.events('failed')],
                         [(children[2], 'not-found'), (parent, 'not-found')])
        self.assertEqual(len(run.events('completed')), 2)

    def test_an_interrupt_pauses_all_and_resume_takes_all_up(self):
        server = self.serve(gate=MEGABYTE)
        paused = self.pause_halfway(server)
        parent, children = self.ids_of(paused)
        self.assertEqual({row['requestId']: row['state'] for row in self.home.rows()},
                         {request_id: 'paused' for request_id in (parent, *children)})
        run = self.home.start('resume', '--json', parent[:8])
        self.assertEqual(run.end(), 0, run.stderr())
        self.assertEqual(self.ids_of(run), (parent, children))
        self.assertEqual({event['requestId'] for event in run.events('completed')},
                         {parent, *children})
        server.wait_until_idle()
        sent = sum(fetch.n_bytes for fetch in server.fetches())
        self.assertLess(sent, 10 * MEGABYTE)

    def test_list_shows_the_files_below_the_whole(self):
        server = self.serve(gate=MEGABYTE)
        parent, children = self.ids_of(self.pause_halfway(server))
        whole, *files = self.home.run('list').stdout()
        self.assertRegex(whole, rf'^{parent[:8]}  paused .* m\.gguf$')
        for line, child, name in zip(files, children, NAMES, strict=True):
            self.assertRegex(line, rf'^  {child[:8]}  paused .* {name}$')
        self.assertEqual([row['parentId'] for row in self.home.rows()], [None] + [parent] * 3)

    def test_one_file_and_the_whole_are_resumed_and_discarded(self):
        server = self.serve(gate=MEGABYTE)
        parent, children = self.ids_of(self.pause_halfway(server))
        run = self.home.start('resume', '--json', children[0])
        self.assertEqual(run.end(), 0, run.stderr())
        self.assertEqual([event['requestId'] for event in run.events('completed')],
                         [children[0]])
        self.assertEqual(self.home.run('discard', children[1]).status, 0)
        self.assertEqual({row['requestId']: row['state'] for row in self.home.rows()},
                         {parent: 'paused', children[0]: 'completed', children[2]: 'paused'})
        self.assertEqual(self.home.run('discard', parent).status, 0)
        self.assertEqual(self.home.names(), [NAMES[0]])

    def test_a_pause_from_elsewhere_is_said_once(self):
        server = self.serve(gate=MEGABYTE)
        run = self.home.get(server.url(NAMES[0]))
        run.wait_for_event(lambda event: event.get('state') == 'downloading')
        parent, children = self.ids_of(run)
        self.pause_from_elsewhere(parent)
        self.assertEqual(run.end(), 1)
        self.assertEqual(len(run.stderr()), 1, run.stderr())
        self.assertRegex(run.stderr()[0], r'^dray: cancelled: m\.gguf: ')
        self.assertEqual({event['requestId'] for event in run.events('failed')},
                         {parent, *children})

    def test_a_load_prints_the_facts_once(self):
        server = self.serve()
        run = self.home.start('load', '--json', '-d', self.home.out, server.url(NAMES[2]))
        self.assertEqual(run.end(), 0, run.stderr())
        parent, _ = self.ids_of(run)
        (loaded,) = run.events('loaded')
        self.assertEqual((loaded['requestId'], loaded['path'], loaded['size']),
                         (parent, str(self.home.out / NAMES[0]), 6 * MEGABYTE))
