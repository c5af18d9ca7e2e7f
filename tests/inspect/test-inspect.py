# SPDX-License-Identifier: GPL-3.0-or-later
"""`dray inspect` says of a model file what other parsers say, and refuses what is no model.

DRAY_TEST_FULL=1 adds Hugging Face's own parser of GGUF, from npm, at a pinned version.
"""

import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'cli'))

import read_models      # noqa: E402
import tap              # noqa: E402
import write_models     # noqa: E402
from command import PATIENCE, CommandTest   # noqa: E402
from servers import ModelServer             # noqa: E402

FIELDS = ['path', 'format', 'version', 'architecture', 'name', 'parameters', 'quantisation',
          'contextLength', 'layers', 'embeddingLength', 'shards', 'tensors', 'unknownTensors',
          'size']
MEGABYTE = 1000 * 1000


class InspectTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.folder = self.home.root / 'models'
        self.folder.mkdir()

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def inspect(self, path):
        """What the command says, as a dictionary."""
        run = self.home.run('inspect', '--json', path)
        self.assertEqual((run.status, run.stderr()), (0, []), path)
        (line,) = run.stdout()
        facts = json.loads(line)
        self.assertEqual(list(facts), FIELDS)
        self.assertEqual(facts.pop('path'), str(path))
        return facts

    def refused(self, path, error):
        run = self.home.run('inspect', '--json', path)
        self.assertEqual((run.status, run.stdout()), (1, []), path)
        (line,) = run.stderr()
        self.assertRegex(line, f'^dray: {error}: .')
        return line


class Agreement(InspectTest):
    def check(self, files, ending, read):
        self.assertGreaterEqual(len(files), 20)
        for name, data in files.items():
            path = self.write(f'{name}.{ending}', data)
            self.assertEqual(self.inspect(path), read(data), name)
            path.unlink()
        tap.note(f'{len(files)} files agree')

    def test_gguf(self):
        self.check(write_models.gguf_files(), 'gguf', read_models.gguf_facts)

    def test_safetensors(self):
        self.check(write_models.safetensors_files(), 'safetensors', read_models.safetensors_facts)

    if os.environ.get('DRAY_TEST_FULL'):
        def test_gguf_with_the_parser_from_npm(self):
            shutil.copytree(HERE / 'npm', self.home.root / 'npm')
            subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
                           cwd=self.home.root / 'npm', check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
            module = self.home.root / 'npm/node_modules/@huggingface/gguf/dist/index.mjs'
            files = write_models.gguf_files()
            paths = [self.write(f'{name}.gguf', data) for name, data in files.items()]
            said = subprocess.run(['node', HERE / 'facts.mjs', module, *paths], check=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            said = json.loads(said.stdout)
            self.assertEqual(len(said), len(paths))
            for path, theirs in zip(paths, said):
                ours = self.inspect(path)
                self.assertEqual({key: ours[key] for key in theirs if key in ours}, theirs, path)
            tap.note(f'{len(files)} files agree')


class Whole(InspectTest):
    def test_a_file_cut_short(self):
        """Without its last byte no file of either format is whole, and how much is missing is said.
        """
        files = [(name, data, 'gguf') for name, data in write_models.gguf_files().items()
                 if not name.startswith(('gaps', 'random'))]
        files += [(name, data, 'safetensors')
                  for name, data in write_models.safetensors_files().items()]
        for name, data, ending in files:
            path = self.write(f'short-{name}.{ending}', data[:-1])
            line = self.refused(path, 'malformed-model')
            if len(data) > 300:
                self.assertRegex(line, 'cut short: .*[0-9]+ bytes .*Download it again', name)

    def test_cut_anywhere(self):
        for ending, data in (('gguf', write_models.gguf_files()['all-values']),
                             ('safetensors', write_models.safetensors_files()['escapes'])):
            for length in range(0, len(data), 1 + len(data) // 40):
                self.refused(self.write(f'cut.{ending}', data[:length]), 'malformed-model')

    def test_a_downloaded_model(self):
        with ModelServer(model=3 * MEGABYTE) as server:
            run = self.home.get(server.url('model.gguf'))
            path = self.assert_completed(run, server.digests['model.gguf'])['path']
        facts = self.inspect(path)
        self.assertEqual((facts['architecture'], facts['quantisation'], facts['size']),
                         ('llama', 'Q4_0', 3 * MEGABYTE))


class Refusals(InspectTest):
    def test_what_is_no_model(self):
        for name, data, error in (
                ('page.gguf', b'<!DOCTYPE html><title>Sign in</title>', 'not-a-model'),
                ('pointer.safetensors', b'version https://git-lfs.github.com/spec/v1\n', 'not-a-model'),
                ('empty.gguf', b'', 'malformed-model'),
                ('zeros.gguf', bytes(4096), 'malformed-model'),
                ('old.gguf', b'GGUF' + struct.pack('<IQQ', 1, 0, 0), 'unsupported'),
                ('model.onnx', b'\x08\x07\x12\x07', 'unsupported'),
                ('model.bin', b'PK\x03\x04', 'unsupported')):
            self.refused(self.write(name, data), error)

    def test_what_is_no_file(self):
        self.refused(self.folder, 'unsupported')
        self.refused(self.folder / 'none.gguf', 'not-found')
        self.refused('/dev/zero', 'unsupported')

    def test_usage(self):
        for arguments in ([], ['a', 'b'], ['--jsom', 'a']):
            run = self.home.run('inspect', *arguments)
            self.assertEqual((run.status, run.stdout()), (2, []))
            self.assertEqual(len(run.stderr()), 2)

    def test_claims_cost_no_memory(self):
        """Files of 4 TiB without a byte on the disk, which claim as much as their format lets them."""
        claims = {
            'keys.gguf': struct.pack('<IQQ', 3, 0, 1 << 16),
            'text.gguf': struct.pack('<IQQQBIQ', 3, 0, 1, 1, 97, 8, 1 << 41),
            'name.gguf': struct.pack('<IQQQ12sIQ', 3, 0, 1, 12, b'general.name', 8, 1 << 41),
            'array.gguf': struct.pack('<IQQQBIIQ', 3, 0, 1, 1, 97, 9, 10, 1 << 38),
            'tensors.gguf': struct.pack('<IQQ', 3, 1 << 18, 0),
        }
        claims = {name: b'GGUF' + head for name, head in claims.items()}
        claims['header.safetensors'] = struct.pack('<Q', 10 ** 8) + b'{"'
        for name, head in claims.items():
            path = self.write(name, head)
            os.truncate(path, 1 << 42)
            run = self.home.run('inspect', path, preexec_fn=self.hold_down)
            self.assertEqual(run.status, 1, (name, run.stderr()))
            self.assertRegex(run.stderr()[0], '^dray: malformed-model: .', name)
            path.unlink()

    @staticmethod
    def hold_down():
        """16 MiB for all that is allocated; sanitizers want terabytes."""
        if PATIENCE == 1:
            resource.setrlimit(resource.RLIMIT_DATA, (16 << 20, 16 << 20))


class Plain(InspectTest):
    def test_for_a_person(self):
        run = self.home.run('inspect', self.write('a.gguf', write_models.gguf_files()['shard']))
        self.assertEqual((run.status, run.stderr()), (0, []))
        said = dict(line.split(None, 1) for line in run.stdout()
                    if not line.startswith(('Files', 'Context', 'Embedding')))
        self.assertEqual(said['Format'], 'gguf, version 3')
        self.assertEqual(said['Architecture'], 'llama')
        self.assertEqual(said['Layers'], '80')
        self.assertIn('Files in all      5', run.stdout())

    def test_a_name_has_no_power_over_a_terminal(self):
        file = write_models.Gguf().add('general.name', write_models.STRING, 'a\x1b[31m\nb\x9b')
        run = self.home.run('inspect', self.write('a.gguf', file.build()))
        self.assertEqual(run.status, 0)
        self.assertIn('Name              a [31m b ', [line.replace('\x9b', ' ')
                                                      for line in run.stdout()])
        self.assertFalse(any('\x1b' in line or '\x9b' in line for line in run.stdout()))


if __name__ == '__main__':
    tap.main()
