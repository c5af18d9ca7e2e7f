# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that another program keeps is used where it is: no byte is fetched, none is copied, and
whatever becomes of the request, the file is left alone.

DRAY_TEST_FULL=1 adds a cache that the hub's own client makes, from npm, at a pinned version.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'server'))

import tap              # noqa: E402
from command import CommandTest, sha256_of  # noqa: E402
from hub import Hub, Registry, make_bytes   # noqa: E402
from servers import ModelServer             # noqa: E402

REPO = 'org/m-GGUF'
MEGABYTE = 1000 * 1000
COMMIT = '0123456789abcdef0123456789abcdef01234567'


def tree(folder):
    """All that a folder holds, with what would tell that anybody had touched it."""
    found = {}
    for path in sorted(folder.rglob('*')):
        facts = path.lstat()
        found[path] = (facts.st_mode, facts.st_ino, facts.st_nlink, facts.st_size,
                       facts.st_blocks, facts.st_mtime_ns, facts.st_ctime_ns)
    return found


def put_in_hub_cache(store, repo, commit, sha256, path, data):
    """Lays a file out as the hub's own programs do, and returns the path that they give for it."""
    repository = store / f"models--{repo.replace('/', '--')}"
    blob = repository / 'blobs' / sha256
    link = repository / 'snapshots' / commit / path
    for folder in (blob.parent, link.parent, repository / 'refs'):
        folder.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    link.symlink_to(os.path.relpath(blob, link.parent))
    (repository / 'refs' / 'main').write_text(commit)
    return link


class AlreadyHere(CommandTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(model=3 * MEGABYTE)
        self.addCleanup(self.server.__exit__)
        self.url = self.server.url('model.gguf')
        self.sha256 = self.server.digests['model.gguf']
        self.user = self.home.root / 'home'
        self.library = self.user / 'Downloads' / 'Models'

    def fetch(self, path):
        """What the other program has done: it has downloaded the model to its own folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(self.url) as answer:
            path.write_bytes(answer.read())
        self.assert_whole(path, self.sha256)
        self.server.wait_until_idle()
        self.n_asked = len(self.server.records())

    def put_in_hub_cache(self, store):
        path = self.home.root / 'model.gguf'
        self.fetch(path)
        return put_in_hub_cache(store, 'org/repo', COMMIT, self.sha256, path.name,
                                path.read_bytes())

    def put_in_ollama(self, root):
        path = root / 'blobs' / f'sha256-{self.sha256}'
        self.fetch(path)
        manifest = root / 'manifests/registry.ollama.ai/library/model/latest'
        manifest.parent.mkdir(parents=True)
        manifest.write_text('{"schemaVersion":2}')
        return path

    def put_in_lm_studio(self, root):
        path = root / 'publisher' / 'repo' / 'model.gguf'
        self.fetch(path)
        return path

    def get(self, *options):
        run = self.home.start('get', '--json', '--sha256', self.sha256, *options, self.url)
        completed = self.assert_completed(run, self.sha256)
        return completed, run.events('request')[0]

    def check(self, program, path, store):
        """Asks for the model, twice, then does to the requests all that can be done."""
        before = tree(store)
        for _ in range(2):
            completed, request = self.get()
            self.assertEqual(completed['path'], str(path))
            self.assertEqual(completed['external'], program)
            self.assertEqual(completed['verified'], 'digest')
            self.assertEqual(completed['size'], 3 * MEGABYTE)
        self.assertFalse(self.library.exists())
        self.assertEqual({row['external'] for row in self.home.rows()}, {program})
        self.assertEqual(tree(store), before)

        for arguments in (['discard', request['requestId']],
                          ['cancel', '--model', request['modelId']],
                          ['remove', *(row['requestId'] for row in self.home.rows())]):
            self.home.run(*arguments)
            self.assertEqual(tree(store), before, arguments)
        self.assertEqual(self.home.rows(), [])
        self.assertEqual(sha256_of(path), self.sha256)
        self.assertEqual(len(self.server.records()), self.n_asked)

    def test_in_the_hugging_face_cache(self):
        store = self.home.root / 'cache' / 'huggingface' / 'hub'
        self.check('Hugging Face cache', self.put_in_hub_cache(store), store)

    def test_where_hf_home_says(self):
        self.home.environment['HF_HOME'] = str(self.home.root / 'hf')
        store = self.home.root / 'hf' / 'hub'
        self.check('Hugging Face cache', self.put_in_hub_cache(store), store)

    def test_in_ollama(self):
        store = self.user / '.ollama' / 'models'
        self.check('Ollama', self.put_in_ollama(store), store)

    def test_where_ollama_models_says(self):
        store = self.home.root / 'big drive'
        self.home.environment['OLLAMA_MODELS'] = str(store)
        self.check('Ollama', self.put_in_ollama(store), store)

    def test_in_lm_studio(self):
        store = self.user / '.lmstudio' / 'models'
        self.check('LM Studio', self.put_in_lm_studio(store), store)

    def test_a_load_reads_it_there(self):
        store = self.user / '.ollama' / 'models'
        path = self.put_in_ollama(store)
        before = tree(store)
        run = self.home.start('load', '--json', '--sha256', self.sha256, self.url)
        self.assert_completed(run, self.sha256)
        self.assertEqual(run.events('loaded')[0]['path'], str(path))
        self.assertEqual(run.events('loaded')[0]['format'], 'gguf')
        self.assertEqual(tree(store), before)
        self.assertEqual(len(self.server.records()), self.n_asked)

    def test_who_names_a_folder_has_a_file_of_its_own(self):
        store = self.user / '.ollama' / 'models'
        path = self.put_in_ollama(store)
        before = tree(store)
        completed, _request = self.get('-d', self.home.out)
        self.assertEqual(completed['path'], str(self.home.out / 'model.gguf'))
        self.assertNotIn('external', completed)
        self.assertNotEqual(os.stat(completed['path']).st_ino, path.stat().st_ino)
        self.assertEqual(self.home.names(), ['model.gguf'])
        self.assertEqual(tree(store), before)
        self.assertEqual(len(self.server.records()), self.n_asked)

    def test_in_the_library_of_a_lost_catalog(self):
        first, _request = self.get()
        self.assertNotIn('external', first)
        n_asked = len(self.server.records())
        before = tree(self.library)
        shutil.rmtree(self.home.catalog_path.parent)
        again, _request = self.get()
        self.assertEqual((again['path'], again['external']), (first['path'], 'Library'))
        self.assertEqual(len(self.server.records()), n_asked)
        self.assertEqual(tree(self.library), before)

    def test_what_is_not_whole_is_not_taken(self):
        store = self.user / '.ollama' / 'models'
        path = self.put_in_ollama(store)
        path.rename(f'{path}-partial')
        hub = self.home.root / 'cache/huggingface/hub/models--org--repo/blobs'
        self.fetch(hub / f'{self.sha256}.incomplete')
        before = tree(store), tree(hub)
        completed, _request = self.get()
        self.assertNotIn('external', completed)
        self.assertTrue(completed['path'].startswith(str(self.library)))
        self.assertEqual((tree(store), tree(hub)), before)
        self.assertGreater(len(self.server.records()), self.n_asked)

    def test_what_is_gone_is_fetched(self):
        path = self.put_in_lm_studio(self.user / '.lmstudio' / 'models')
        self.assertEqual(self.get()[0]['path'], str(path))
        path.unlink()
        completed, _request = self.get()
        self.assertNotIn('external', completed)
        self.assertGreater(len(self.server.records()), self.n_asked)


class PlanTest(CommandTest):
    """A case with a source that lists its files and their digests."""

    SHARDS = {f'sub/m-Q8_0-0000{number}-of-00003.gguf': 200_000 for number in (1, 2, 3)}

    def setUp(self):
        super().setUp()
        self.store = self.home.root / 'cache' / 'huggingface' / 'hub'

    def serve(self):
        hub = Hub()
        self.addCleanup(hub.__exit__)
        self.home.environment['HF_ENDPOINT'] = hub.base
        return hub

    def check(self, source, links, program):
        """Every file is used where it is."""
        run = self.home.start('get', '--json', source)
        self.assertEqual(run.end(), 0, run.stderr())
        rows = self.home.rows()
        self.assertEqual({row['path'] for row in rows}, {str(link) for link in links})
        self.assertEqual({(row['state'], row['external']) for row in rows},
                         {('completed', program)})
        self.assertFalse((self.home.root / 'home' / 'Downloads').exists())


class WithPlan(PlanTest):
    """What a source lists is found without anybody's naming a digest."""

    def test_a_set_of_the_hub(self):
        hub = self.serve()
        commit = hub.add(REPO, self.SHARDS)
        links = [put_in_hub_cache(self.store, REPO, commit, hub.digest_of(REPO, path), path,
                                  make_bytes(f'{REPO}/{path}', size))
                 for path, size in self.SHARDS.items()]
        before = tree(self.store)
        self.check(f'hf:{REPO}', links, 'Hugging Face cache')
        self.assertEqual(tree(self.store), before)
        self.assertEqual(hub.asked_of('storage'), [])

    def test_a_part_of_a_set(self):
        """What is here is used, and only the rest is fetched."""
        hub = self.serve()
        commit = hub.add(REPO, self.SHARDS)
        path = list(self.SHARDS)[1]
        link = put_in_hub_cache(self.store, REPO, commit, hub.digest_of(REPO, path), path,
                                make_bytes(f'{REPO}/{path}', self.SHARDS[path]))
        run = self.home.start('get', '--json', f'hf:{REPO}')
        self.assertEqual(run.end(), 0, run.stderr())
        rows = self.home.rows()
        self.assertEqual({row['path'] for row in rows if row['external']}, {str(link)})
        self.assertEqual(len({row['path'] for row in rows}), 3)
        self.assertEqual(sum(asked.n_bytes for asked in hub.asked_of('storage')), 400_000)

    def test_a_model_of_ollamas(self):
        registry = Registry()
        self.addCleanup(registry.__exit__)
        self.home.environment['DRAY_OLLAMA_REGISTRY'] = registry.base
        data = make_bytes('a model', 300_000)
        (sha256,) = registry.add('small', 'latest', [('model', data)])
        blob = self.home.root / 'home/.ollama/models/blobs' / f'sha256-{sha256}'
        blob.parent.mkdir(parents=True)
        blob.write_bytes(data)
        self.check('ollama:small', [blob], 'Ollama')
        self.assertEqual([asked.path for asked in registry.asked if '/blobs/' in asked.path], [])


if os.environ.get('DRAY_TEST_FULL'):
    class OwnClient(PlanTest):
        def test_a_cache_that_the_hubs_client_has_made(self):
            hub = self.serve()
            hub.add(REPO, self.SHARDS)
            folder = self.home.root / 'npm'
            shutil.copytree(HERE.parent / 'server' / 'npm', folder)
            subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund',
                            '--omit=optional'],
                           cwd=folder, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
            result = subprocess.run(
                ['node', folder / 'cache.mjs', hub.base, REPO, self.store, *self.SHARDS],
                cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                env={'PATH': os.environ['PATH'], 'NO_PROXY': '*'})
            links = [pathlib.Path(link) for link in json.loads(result.stdout)]
            self.assertEqual([link.is_symlink() for link in links], [True] * 3)
            before = tree(self.store)
            hub.asked.clear()
            self.check(f'hf:{REPO}', links, 'Hugging Face cache')
            self.assertEqual(tree(self.store), before)
            self.assertEqual(hub.asked_of('storage'), [])


if __name__ == '__main__':
    tap.main()
