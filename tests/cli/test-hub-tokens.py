# SPDX-License-Identifier: GPL-3.0-or-later
"""The hub's token reaches the hub and no other origin, however it redirects: every request that any
server gets is looked at."""

import pathlib
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'server'))

import tap              # noqa: E402
from command import CommandTest     # noqa: E402
from hub import Hub, Server         # noqa: E402

REPO = 'org/m-GGUF'
NAME = 'm-Q8_0.gguf'
TOKEN = 'hf_secret'
SIZE = 200_000


class Tokens(CommandTest):
    def setUp(self):
        super().setUp()
        self.home.environment['HF_TOKEN'] = TOKEN

    def serve(self, size=SIZE):
        self.hub = Hub(tokens={TOKEN})
        self.addCleanup(self.hub.__exit__)
        self.home.environment['HF_ENDPOINT'] = self.hub.base
        self.commit = self.hub.add(REPO, {NAME: size}, gated=True, allowed={TOKEN})
        self.data = self.hub.get_repository(REPO).commits[self.commit][NAME][1]
        self.address = urllib.parse.urlsplit(self.hub.base)
        self.other = Server('other', self.send, self.hub.asked)
        self.addCleanup(self.other.close)
        self.resolve = f'/{REPO}/resolve/{self.commit}/{NAME}'

    def send(self, handler):
        """The file, as any server sends it."""
        handler.reply(200, self.data, ETag='"one"', Content_Type='application/octet-stream')

    def redirect(self, path, target, status=302):
        """The hub sends a path elsewhere."""
        self.hub.overrides[path] = lambda handler: handler.reply(status, Location=target)

    def get(self):
        return self.home.get(f'hf:{REPO}')

    def check(self, n_elsewhere):
        """The token went to the hub, under its own name, and so many others were asked without."""
        own = f'{self.address.hostname}:{self.address.port}'
        elsewhere = [asked for asked in self.hub.asked
                     if asked.server != 'hub' or asked.host != own]
        self.assertEqual([asked.token for asked in elsewhere], [None] * n_elsewhere, elsewhere)
        at_hub = [asked for asked in self.hub.asked if asked not in elsewhere]
        self.assertEqual({asked.token for asked in at_hub}, {TOKEN})
        for asked in self.hub.asked:
            self.assertNotIn(TOKEN, asked.target)

    def check_redirects(self, targets, n_elsewhere, status=302):
        """A chain of redirects from the file's link on; the last target sends the file."""
        path = self.resolve
        for target in targets:
            self.redirect(path, target, status)
            path = urllib.parse.urlsplit(urllib.parse.urljoin(self.hub.base + path, target)).path
        self.hub.overrides[path] = self.send
        self.assert_completed(self.get(), self.hub.digest_of(REPO, NAME), NAME)
        self.check(n_elsewhere)

    def test_signed_link(self):
        self.serve()
        self.assert_completed(self.get(), self.hub.digest_of(REPO, NAME), NAME)
        self.check(1)

    def test_same_origin(self):
        self.serve()
        self.check_redirects([f'{self.hub.base}/files/x'], 0)

    def test_relative(self):
        self.serve()
        self.check_redirects(['../../files/x'], 0)

    def test_absolute_path(self):
        self.serve()
        self.check_redirects(['/files/x'], 0)

    def test_other_port(self):
        self.serve()
        self.check_redirects([f'{self.other.base}/x'], 1)

    def test_other_host(self):
        self.serve()
        self.check_redirects([f'http://localhost:{self.address.port}/files/x'], 1)

    def test_without_scheme(self):
        self.serve()
        self.check_redirects([f'//localhost:{self.address.port}/files/x'], 1)

    def test_without_scheme_at_the_hub(self):
        self.serve()
        self.check_redirects([f'//127.0.0.1:{self.address.port}/files/x'], 0)

    def test_a_name_that_looks_like_the_hubs(self):
        self.serve()
        self.check_redirects(
            [f'http://127.0.0.1:{self.address.port}@localhost:{self.other.port}/x'], 1)

    def test_other_statuses(self):
        for status in (301, 303, 307, 308):
            with self.subTest(status):
                # What is here already is not fetched again.
                self.serve(SIZE + status)
                self.home.out = self.home.root / str(status)
                self.check_redirects([f'{self.other.base}/x'], 1, status)

    def test_away_and_back(self):
        self.serve()
        away = Server('away', lambda handler: handler.reply(
            302, Location=f'{self.hub.base}/files/back'), self.hub.asked)
        self.addCleanup(away.close)
        self.hub.overrides['/files/back'] = self.send
        self.redirect(self.resolve, f'{away.base}/x')
        self.assert_completed(self.get(), self.hub.digest_of(REPO, NAME), NAME)
        self.check(1)

    def test_a_chain(self):
        self.serve()
        self.check_redirects(['/files/1', '/files/2', f'http://localhost:{self.address.port}/3',
                              f'{self.other.base}/4'], 2)

    def test_a_link_that_expires(self):
        self.serve()
        self.hub.cut_bodies(SIZE // 2, self.hub.expire_links)
        self.assert_completed(self.get(), self.hub.digest_of(REPO, NAME), NAME)
        # The signed link, the same when it has expired, and the new one.
        self.check(3)

    def test_the_list_of_files(self):
        for path in (f'/api/models/{REPO}/revision/main', f'/api/models/{REPO}/tree/{{}}'):
            with self.subTest(path):
                self.serve()
                self.redirect(path.format(self.commit), f'{self.other.base}/x')
                self.assertEqual(self.home.run('plan', f'hf:{REPO}').status, 1)
                self.check(1)

    def test_the_next_page(self):
        self.serve()
        self.hub.overrides[f'/api/models/{REPO}/tree/{self.commit}'] = \
            lambda handler: handler.reply_json(200, [], Link=f'<{self.other.base}/x>; rel="next"')
        run = self.home.run('plan', f'hf:{REPO}')
        self.assertRegex(run.stderr()[0], '^dray: server-error: .*another server')
        self.check(0)

    def test_the_token_of_a_file(self):
        self.serve()
        del self.home.environment['HF_TOKEN']
        path = self.home.root / 'token'
        path.write_text(TOKEN)
        run = self.home.get('--token-file', path, f'hf:{REPO}')
        self.assert_completed(run, self.hub.digest_of(REPO, NAME), NAME)
        self.check(1)

    def test_a_link_to_another_server(self):
        self.serve()
        run = self.home.get(f'{self.other.base}/{NAME}')
        self.assert_completed(run, self.hub.digest_of(REPO, NAME), NAME)
        self.assertEqual([asked.token for asked in self.hub.asked], [None])

    def test_a_hub_that_others_can_overhear(self):
        """A name of this machine that is no loopback address; the proxy is a server of ours."""
        self.serve()
        self.home.environment['HF_ENDPOINT'] = 'http://hub.example'
        self.home.environment.pop('no_proxy')
        self.home.environment['http_proxy'] = self.other.base
        run = self.home.run('plan', f'hf:{REPO}')
        self.assertEqual(run.status, 1)
        self.assertEqual([(asked.server, asked.host, asked.token) for asked in self.hub.asked],
                         [('other', 'hub.example', None)])


if __name__ == '__main__':
    tap.main()
