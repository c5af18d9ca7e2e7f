# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of a hub: which files there are, which are taken, and who may have them.

DRAY_TEST_FULL=1 adds the hub's own client, from npm, at a pinned version: it shows that the double
of these tests speaks the real protocol.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'server'))

import tap              # noqa: E402
from command import CommandTest     # noqa: E402
from hub import Hub                 # noqa: E402

MODELS = HERE.parent.parent / 'data' / 'models.json'
REPO = 'org/m-GGUF'


class HubTest(CommandTest):
    """A case with a hub that the home's commands ask."""

    def serve(self, **options):
        hub = Hub(**options)
        self.addCleanup(hub.__exit__)
        self.home.environment['HF_ENDPOINT'] = hub.base
        return hub

    def sign_in(self, token):
        self.home.environment['HF_TOKEN'] = token

    def plan(self, source):
        run = self.home.run('plan', '--json', source)
        self.assertEqual((run.status, run.stderr()), (0, []), source)
        (line,) = run.stdout()
        return json.loads(line)

    def refused(self, source, error):
        """What the command says instead of a plan."""
        run = self.home.run('plan', source)
        self.assertEqual((run.status, run.stdout()), (1, []), source)
        (line,) = run.stderr()
        self.assertRegex(line, f'^dray: {error}: .')
        self.assertLess(len(line), 2000)
        return line

    def assert_got(self, run, hub, name, paths, revision='main'):
        """The run ended with just these files, whole."""
        self.assertEqual(run.end(), 0, run.stderr())
        self.assertEqual(self.home.names(), sorted(path.rsplit('/', 1)[-1] for path in paths))
        for path in paths:
            self.assert_whole(self.home.out / path.rsplit('/', 1)[-1],
                              hub.digest_of(name, path, revision))


class Plans(HubTest):
    FILES = {'README.md': 100, 'm-Q2_K.gguf': 200, 'm-Q4_K_M.gguf': 400,
             'Q8_0/m-Q8_0-00001-of-00002.gguf': 500, 'Q8_0/m-Q8_0-00002-of-00002.gguf': 300,
             'mmproj-BF16.gguf': 50, 'mmproj-F16.gguf': 60}

    def test_what_there_is_and_what_is_proposed(self):
        hub = self.serve(page_size=2)
        commit = hub.add(REPO, self.FILES)
        plan = self.plan(f'hf:{REPO}')
        self.assertEqual(plan['variants'], [{'name': 'Q2_K', 'size': 200, 'files': 1},
                                            {'name': 'Q4_K_M', 'size': 400, 'files': 1},
                                            {'name': 'Q8_0', 'size': 800, 'files': 2}])
        self.assertEqual((plan['variant'], plan['suggested'], plan['title'], plan['size']),
                         ('Q4_K_M', 'Q4_K_M', 'm', 460))
        self.assertEqual(plan['assets'], [
            {'url': f'{hub.base}/{REPO}/resolve/{commit}/{name}', 'name': name, 'size': size,
             'sha256': hub.digest_of(REPO, name), 'companion': is_companion}
            for name, size, is_companion in (('m-Q4_K_M.gguf', 400, False),
                                             ('mmproj-F16.gguf', 60, True))])
        # One request for the commit, and one for each page of two.
        self.assertEqual(len(hub.asked), 1 + 4)

    def test_a_variant_is_asked_for(self):
        hub = self.serve()
        hub.add(REPO, self.FILES)
        plan = self.plan(f'hf.co/{REPO}:q8_0')
        self.assertEqual([asset['name'] for asset in plan['assets']],
                         ['m-Q8_0-00001-of-00002.gguf', 'm-Q8_0-00002-of-00002.gguf',
                          'mmproj-F16.gguf'])
        self.assertEqual((plan['variant'], plan['suggested']), ('Q8_0', 'Q4_K_M'))
        self.assertIn('has no variant “Q5_K_M”. It has: Q2_K, Q4_K_M, Q8_0',
                      self.refused(f'hf:{REPO}:Q5_K_M', 'not-found'))

    def test_one_file_and_one_shard(self):
        hub = self.serve()
        hub.add(REPO, self.FILES | {'a b/ü+#%.gguf': 700})
        for source, names, size in (
                (f'hf:{REPO}/README.md', ['README.md'], 100),
                (f'https://huggingface.co/{REPO}/blob/main/m-Q2_K.gguf', ['m-Q2_K.gguf'], 200),
                (f'https://huggingface.co/{REPO}/resolve/main/Q8_0/m-Q8_0-00002-of-00002.gguf',
                 ['m-Q8_0-00001-of-00002.gguf', 'm-Q8_0-00002-of-00002.gguf'], 800),
                (f'https://huggingface.co/{REPO}/blob/main/a%20b/%C3%BC%2B%23%25.gguf',
                 ['ü+#%.gguf'], 700)):
            plan = self.plan(source)
            self.assertEqual([asset['name'] for asset in plan['assets']], names, source)
            self.assertEqual((plan['size'], plan['variants']), (size, []))
        self.refused(f'hf:{REPO}/none.gguf', 'not-found')

        run = self.home.get(source)
        self.assert_got(run, hub, REPO, ['a b/ü+#%.gguf'])

    def test_revisions(self):
        hub = self.serve()
        old = hub.add(REPO, {'m-Q8_0.gguf': 100})
        hub.add(REPO, {'m-Q8_0.gguf': 200})
        other = hub.add(REPO, {'m-Q8_0.gguf': 300}, revision='refs/pr/1')
        for revision, size in (('', 200), (f'@{old}', 100), ('@refs/pr/1', 300), (f'@{other}', 300)):
            self.assertEqual(self.plan(f'hf:{REPO}{revision}')['size'], size, revision)
        self.assertIn('no revision “v9”', self.refused(f'hf:{REPO}@v9', 'not-found'))

    def test_the_environment(self):
        hub = self.serve()
        hub.add(REPO, self.FILES)
        self.home.environment['HF_ENDPOINT'] = hub.base + '/'
        self.plan(f'hf:{REPO}')
        self.home.environment['HF_ENDPOINT'] = 'no address'
        self.assertIn('HF_ENDPOINT', self.refused(f'hf:{REPO}', 'invalid-source'))
        self.home.environment['HF_ENDPOINT'] = hub.base.replace('//', '//me:secret@')
        self.assertNotIn('secret', self.refused(f'hf:{REPO}', 'invalid-source'))
        self.home.environment['HF_ENDPOINT'] = hub.base
        self.home.environment['HF_HUB_OFFLINE'] = '1'
        n_asked = len(hub.asked)
        self.assertIn('HF_HUB_OFFLINE', self.refused(f'hf:{REPO}', 'no-network'))
        self.assertEqual(len(hub.asked), n_asked)


class Access(HubTest):
    def setUp(self):
        super().setUp()
        self.hub = self.serve(tokens={'member', 'stranger'})
        self.hub.add('org/private', {'m-Q8_0.gguf': 1000}, private=True, allowed={'member'})
        self.hub.add('org/gated', {'m-Q8_0.gguf': 1000}, gated=True, allowed={'member'})

    def test_missing_private_and_gated_are_told_apart(self):
        self.refused('hf:org/private', 'unauthorized')
        self.refused('hf:org/missing', 'unauthorized')
        self.sign_in('mistyped')
        self.refused('hf:org/private', 'unauthorized')
        self.sign_in('stranger')
        self.refused('hf:org/private', 'not-found')
        self.refused('hf:org/missing', 'not-found')
        failed = self.assert_failed(self.home.get('hf:org/gated'), 'gated')
        self.assertIn(f'{self.hub.base}/org/gated', failed['message'])
        self.sign_in('member')
        self.plan('hf:org/private')
        self.assert_got(self.home.get('hf:org/gated'), self.hub, 'org/gated', ['m-Q8_0.gguf'])

    def test_a_password_is_not_shown(self):
        base = self.hub.base.replace('//', '//me:secret@')
        run = self.home.get(f'{base}/org/gated/resolve/main/m-Q8_0.gguf')
        self.assertNotIn('secret', self.assert_failed(run, 'gated')['message'])

    def test_gated_lists(self):
        path = '/api/models/org/gated/revision/main'
        self.hub.overrides[path] = lambda handler: handler.reply_json(
            403, {'error': 'Restricted'}, X_Error_Code='GatedRepo')
        self.assertIn(f'{self.hub.base}/org/gated', self.refused('hf:org/gated', 'gated'))
        self.hub.overrides[path] = lambda handler: handler.reply_json(403, {'error': 'Disabled'})
        self.refused('hf:org/gated', 'forbidden')
        self.hub.overrides[path] = lambda handler: handler.reply_json(503, {'error': 'Busy'})
        self.refused('hf:org/gated', 'server-error')

    def test_the_token_of_the_hubs_own_program(self):
        folder = self.home.root / 'cache' / 'huggingface'
        folder.mkdir(parents=True)
        (folder / 'token').write_text('member\n')
        self.assert_got(self.home.get('hf:org/gated'), self.hub, 'org/gated', ['m-Q8_0.gguf'])

    def test_the_token_of_a_file(self):
        self.sign_in('stranger')
        path = self.home.root / 'own-token'
        path.write_text('member\n')
        run = self.home.get('--token-file', path, 'hf:org/private')
        self.assert_got(run, self.hub, 'org/private', ['m-Q8_0.gguf'])
        self.assertEqual({asked.token for asked in self.hub.asked_of('hub')}, {'member'})

    def test_fewer_requests(self):
        self.hub.refusals += [(429, {'RateLimit': '"api";r=0;t=87'})]
        self.assertIn('in 87 seconds', self.refused('hf:org/gated', 'rate-limited'))

        # A download waits as long as the hub asks.
        self.sign_in('member')
        self.hub.refusals += [(429, {'Retry_After': '1'})]
        run = self.home.get('hf:org/private')
        event = run.wait_for_event(lambda event: event.get('state') == 'waiting')
        self.assertEqual(run.events().index(event), 1)
        self.assert_got(run, self.hub, 'org/private', ['m-Q8_0.gguf'])


class Downloads(HubTest):
    def test_the_shard_sets_of_the_bundled_list(self):
        models = [model for model in json.loads(MODELS.read_text())['models']
                  if len(model['files']) > 1]
        self.assertEqual(len(models), 3)
        hub = self.serve(page_size=3)
        for model in models:
            files = {file['path']: max(1000, file['size'] // 200_000) for file in model['files']}
            commit = hub.add(model['repo'], files | {'README.md': 100, 'm-Q4_K_M.gguf': 500})
            hub.get_repository(model['repo']).revisions[model['revision']] = commit
            folder = pathlib.PurePath(next(iter(files))).parent.name
            self.home.out = self.home.root / model['name']
            run = self.home.get(f'hf:{model["repo"]}@{model["revision"]}:{folder}')
            self.assert_got(run, hub, model['repo'], files)

            parent, *children = run.events('request')
            self.assertEqual([child['parentId'] for child in children],
                             [parent['requestId']] * len(files))
            progress = [event for event in run.events('progress')
                        if event['requestId'] == parent['requestId']]
            figures = [event['downloaded'] for event in progress]
            self.assertEqual(figures, sorted(figures))
            self.assertEqual((progress[-1]['downloaded'], progress[-1]['total'],
                              progress[-1]['state']),
                             (sum(files.values()), sum(files.values()), 'completed'))
            self.assertEqual(len(run.events('completed')), len(files) + 1)

    def test_each_path_is_printed_once(self):
        hub = self.serve()
        hub.add(REPO, {'m-00001-of-00002.gguf': 2000, 'm-00002-of-00002.gguf': 1000})
        run = self.home.run('get', '-d', self.home.out, f'hf:{REPO}')
        self.assertEqual((run.status, run.stderr()), (0, []))
        self.assertEqual(sorted(run.stdout()),
                         [str(self.home.out / f'm-0000{number}-of-00002.gguf')
                          for number in (1, 2)])

    def test_a_gated_model_continues_with_a_token(self):
        hub = self.serve(tokens={'old', 'new'})
        hub.add(REPO, {'m-Q8_0.gguf': 1_000_000}, gated=True, allowed={'old'})
        repository = hub.get_repository(REPO)

        def revoke():
            repository.allowed.clear()
            hub.expire_links()

        self.assert_failed(self.home.get(f'hf:{REPO}'), 'gated')
        hub.cut_bodies(300_000, revoke)
        self.sign_in('old')
        failed = self.assert_failed(self.home.get(f'hf:{REPO}'), 'gated')
        self.assertIn(f'{hub.base}/{REPO}', failed['message'])
        self.assertEqual(self.home.names(), ['m-Q8_0.gguf.part'])
        self.assertEqual(self.home.written(), 300_000)
        inode = (self.home.out / 'm-Q8_0.gguf.part').stat().st_ino

        repository.allowed.add('new')
        self.sign_in('new')
        self.assert_got(self.home.get(f'hf:{REPO}'), hub, REPO, ['m-Q8_0.gguf'])
        self.assertEqual((self.home.out / 'm-Q8_0.gguf').stat().st_ino, inode)
        self.assertEqual(sum(asked.n_bytes for asked in hub.asked_of('storage')
                             if asked.status == 206), 1_000_000)

    def test_a_link_that_expires(self):
        hub = self.serve()
        hub.add(REPO, {'m-Q8_0.gguf': 1_000_000})
        hub.cut_bodies(300_000, hub.expire_links)
        self.assert_got(self.home.get(f'hf:{REPO}'), hub, REPO, ['m-Q8_0.gguf'])
        self.assertEqual(len(hub.asked_of('hub', f'/{REPO}/resolve/')), 2)
        self.assertEqual(sum(asked.n_bytes for asked in hub.asked_of('storage')
                             if asked.status == 206), 1_000_000)

    def test_a_repository_that_changes_meanwhile(self):
        hub = self.serve()
        old = hub.add(REPO, {'m-Q8_0.gguf': b'old' * 1000, 'n-Q2_K.gguf': 10})

        def change(handler):
            entries = [{'type': 'file', 'path': 'm-Q8_0.gguf', 'size': 3000,
                        'oid': '0' * 40, 'lfs': {'oid': hub.digest_of(REPO, 'm-Q8_0.gguf', old),
                                                 'size': 3000, 'pointerSize': 134}}]
            hub.add(REPO, {'m-Q8_0.gguf': b'new' * 2000})
            handler.reply_json(200, entries)

        hub.overrides[f'/api/models/{REPO}/tree/{old}'] = change
        self.assert_got(self.home.get(f'hf:{REPO}'), hub, REPO, ['m-Q8_0.gguf'], old)


if os.environ.get('DRAY_TEST_FULL'):
    class OwnClient(HubTest):
        """The hub's own client takes our double for the hub."""

        def test_it_lists_and_downloads(self):
            hub = self.serve(tokens={'hf_member'}, page_size=2)
            files = {'README.md': 100, 'm-Q8_0.gguf': 300_000, 'Q2_K/m-Q2_K.gguf': 200_000}
            commit = hub.add(REPO, files, gated=True, allowed={'hf_member'})
            folder = self.home.root / 'npm'
            shutil.copytree(HERE.parent / 'server' / 'npm', folder)
            subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund',
                            '--omit=optional'],
                           cwd=folder, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
            result = subprocess.run(
                ['node', folder / 'client.mjs', hub.base, REPO, 'hf_member', folder / 'out'],
                cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                env={'PATH': os.environ['PATH'], 'NO_PROXY': '*'})
            seen = json.loads(result.stdout)
            self.assertEqual(seen['sha'], commit)
            self.assertEqual(seen['gated'], 'manual')
            self.assertEqual({file['path']: file['size'] for file in seen['files']}, files)
            self.assertEqual({file['path']: file['sha256'] for file in seen['files']
                              if file['sha256']},
                             {path: hub.digest_of(REPO, path) for path in files
                              if path.endswith('.gguf')})
            for path in files:
                data = (folder / 'out' / path.replace('/', '-')).read_bytes()
                self.assertEqual(hashlib.sha256(data).hexdigest(), hub.digest_of(REPO, path))
            self.assertEqual(seen['withoutToken'], 401)
            self.assertEqual(seen['missing'], 404)
            self.assertEqual({asked.token for asked in hub.asked_of('storage')}, {None})


if __name__ == '__main__':
    tap.main()
