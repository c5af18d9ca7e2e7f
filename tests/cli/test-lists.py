# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold sources: a text with one on each line, and what desktops keep links in."""

import json

import tap
from command import CommandTest
from servers import ModelServer

SIZE = 1 << 16


class Lists(CommandTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(first=SIZE, second=SIZE)
        self.addCleanup(self.server.__exit__)

    def write(self, name, content):
        path = self.home.root / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def check(self, run, *names):
        self.assertEqual(run.end(), 0, run.stderr())
        self.assertEqual(sorted(self.home.names()), sorted(f'{name}.gguf' for name in names))
        self.assertEqual(len(self.server.records()), len(names))

    def check_failed(self, run, name):
        failed = self.assert_failed(run, name)
        self.assertIsNone(failed['requestId'])
        self.assertEqual(self.home.rows(), [])

    def test_a_text_of_many_lines(self):
        first, second = (self.server.url(f'{name}.gguf') for name in ('first', 'second'))
        path = self.write('my list.txt', f'# both\r\n\r\n{first}\r\nthe other: {second}\r\n{first}\r\n')
        self.check(self.home.get(path.as_uri()), 'first', 'second')

    def test_links_of_desktops(self):
        links = [
            self.write('first.url',
                       f'[InternetShortcut]\r\nURL={self.server.url("first.gguf")}\r\n'),
            self.write('second.desktop',
                       f'[Desktop Entry]\nType=Link\nURL={self.server.url("second.gguf")}\n'),
        ]
        self.check(self.home.get(*links), 'first', 'second')

    def test_what_is_no_list(self):
        for path, name in ((self.home.root / 'missing.txt', 'not-found'),
                           (self.write('empty.txt', '\n# nothing\n'), 'invalid-source'),
                           (self.write('binary.txt', b'GGUF\0\0\0\3'), 'invalid-source'),
                           (self.write('no.url', '[InternetShortcut]\n'), 'invalid-source')):
            self.check_failed(self.home.get(path), name)

    def test_the_other_sources_go_on(self):
        run = self.home.get(self.home.root / 'missing.txt', self.server.url('first.gguf'))
        self.assertEqual(run.end(), 1)
        events = [json.loads(line)['event'] for line in run.stdout()]
        self.assertEqual((events.count('failed'), events.count('completed')), (1, 1))

    def test_a_digest_is_of_one_file(self):
        path = self.write('list.txt', self.server.url('first.gguf'))
        run = self.home.get('--sha256', '0' * 64, path)
        self.assertEqual(run.end(), 2)

    def test_a_token_is_for_no_list(self):
        path = self.write('list.txt', self.server.url('first.gguf'))
        token = self.write('token', 'secret')
        run = self.home.get('--token-file', token, self.server.url('second.gguf'), path)
        self.assertEqual(run.end(), 2)
        self.assertEqual(self.server.records(), [])


if __name__ == '__main__':
    tap.main()
