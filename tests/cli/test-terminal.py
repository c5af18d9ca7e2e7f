# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees: the live line on a terminal, and the help."""

import os
import re
import signal
import subprocess
import unicodedata

import tap
from command import CommandTest
from servers import ModelServer
from terminal import show

MEGABYTE = 1000 * 1000
VERBS = {
    'get': ['-d, --directory=DIR', '--sha256=HEX', '--connections=N', '--limit-rate=SIZE',
            '--restart-changed',
            '--token-file=FILE', '--json', '--quiet', 'SOURCE…'],
    'load': ['-d, --directory=DIR', '--sha256=HEX', '--json', 'SOURCE…'],
    'list': ['--all', '--json'],
    'pause': ['REQUEST…'],
    'resume': ['--restart-changed', '--json', '--quiet', 'REQUEST…'],
    'discard': ['REQUEST…'],
    'remove': ['REQUEST…'],
    'cancel': ['--model=MODEL'],
    'hold': [],
    'release': [],
    'inspect': ['--json', 'FILE'],
    'models': ['--json', 'QUERY'],
    'plan': ['--json', '--token-file=FILE', 'SOURCE'],
}


def columns_of(text):
    return sum(2 if unicodedata.east_asian_width(letter) in 'WF' else 1
               for letter in text if not unicodedata.combining(letter))


class LiveLine(CommandTest):
    def test_it_never_wraps(self):
        name = 'a_model_with_quite_a_long_name_for_a_line'

        def let_it_come(_run, terminal):
            terminal.wait_for(r' 1\.0.*/s')
            server.open_gates()

        with ModelServer(2 * MEGABYTE, **{name: 2 * MEGABYTE}) as server:
            for columns in (40, 80, 132):
                self.home.out = self.home.root / str(columns)
                server.replace(f'{name}.gguf')
                server.set_gate(f'{name}.gguf', MEGABYTE)
                status, lines, text = show(
                    self, columns, 'get', '-d', self.home.out, server.url(f'{name}.gguf'),
                    meanwhile=let_it_come)
                self.assertEqual(status, 0)
                self.assertLess(max(columns_of(line) for line in lines), columns)
                self.assertGreaterEqual(len(lines), 3)
                # One line, drawn over itself.
                self.assertEqual(text.count('\n') - text.count('\x1b[1A'), 1)
                self.assertTrue(all(line.startswith('a_') for line in lines), lines)

    def test_it_shows_name_bytes_speed_and_the_end(self):
        with ModelServer(3 * MEGABYTE, model=6 * MEGABYTE) as server:
            sha256 = server.digests['model.gguf']
            for options, ending in (([], 'Complete'), (['--sha256', sha256], 'Verified')):
                self.home.out = self.home.root / ending
                status, lines, _ = show(
                    self, 100, 'get', *options, '-d', self.home.out, server.url('model.gguf'))
                self.assertEqual(status, 0)
                self.assertTrue(all('model.gguf' in line for line in lines), lines)
                self.assertTrue(any(re.search(r'\d.MB of 6\.0.MB +\d\.\d.MB/s +0:0\d left', line)
                                    for line in lines), lines)
                self.assertIn('Complete', lines[-1])
                self.assertIn(ending, lines[-1])
                # Else it would be given to the next call instead of a transfer.
                (self.home.out / 'model.gguf').unlink()

    def test_interrupted_it_says_so(self):
        def interrupt(run, terminal):
            terminal.wait_for('MB of')
            run.signal(signal.SIGINT)

        with ModelServer(gate=MEGABYTE, model=8 * MEGABYTE) as server:
            status, lines, _ = show(self, 80, 'get', '-d', self.home.out, server.url('model.gguf'),
                                    meanwhile=interrupt)
            self.assertEqual(status, 130)
            self.assertIn('Paused', lines[-1])

    def test_a_line_for_each_file(self):
        with ModelServer(4 * MEGABYTE, one=2 * MEGABYTE, two=MEGABYTE) as server:
            status, lines, text = show(self, 80, 'get', '-d', self.home.out,
                                       server.url('one.gguf'), server.url('two.gguf'))
            self.assertEqual(status, 0)
            self.assertRegex(lines[-2], r'^one\.gguf.*Complete')
            self.assertRegex(lines[-1], r'^two\.gguf.*Complete')
            self.assertIn('\x1b[2A', text)

    def test_a_name_cannot_write_on_the_terminal(self):
        """Control characters of a link are not handed on."""
        with ModelServer(model=MEGABYTE) as server:
            status, _, text = show(self, 80, 'get', '-d', self.home.out,
                                   server.url('%1b%5b2J%1b%5d0;title%07.gguf'))
            self.assertEqual(status, 1)
            self.assertNotIn('\x1b[2J', text)
            self.assertNotIn('\x1b]', text)
            self.assertNotIn('\x07', text)


class Help(CommandTest):
    def test_every_verb_explains_itself(self):
        for verb, words in VERBS.items():
            run = self.home.run(verb, '--help')
            text = '\n'.join(run.stdout())
            self.assertEqual((run.status, run.stderr()), (0, []), verb)
            self.assertIn(f'dray {verb} ', text)
            for word in words:
                self.assertIn(word, text, verb)

    def test_the_help_names_every_verb(self):
        for way in ('--help', '-h', 'help'):
            run = self.home.run(way)
            self.assertEqual((run.status, run.stderr()), (0, []))
            verbs = run.stdout()[run.stdout().index('Verbs:') + 1:]
            self.assertEqual({line.split()[0] for line in verbs if line.startswith('  ')},
                             set(VERBS))

    def test_the_manual_page_has_what_the_help_has(self):
        page = subprocess.run(['groff', '-ww', '-K', 'utf8', '-man', '-T', 'utf8', '-P', '-cbou',
                               os.environ['DRAY_MANUAL']],
                              env=self.home.environment, text=True, capture_output=True, check=True)
        self.assertEqual(page.stderr, '')
        text = page.stdout.replace('\u2010', '-').replace('\u2212', '-')
        for verb in VERBS:
            for option in re.findall(r'(?m)^  (?:-\w, )?(--[a-z0-9-]+)',
                                     '\n'.join(self.home.run(verb, '--help').stdout())):
                self.assertIn(option, text, verb)
            self.assertIn(f'dray {verb}', text)

    def test_the_version(self):
        run = self.home.run('--version')
        self.assertEqual((run.status, len(run.stdout())), (0, 1))
        self.assertRegex(run.stdout()[0], r'^dray \d+\.\d+\.\d+ \(.+\..+\)$')


if __name__ == '__main__':
    tap.main()
