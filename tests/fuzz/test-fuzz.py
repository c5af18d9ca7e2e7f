# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuzzers find nothing for a while, and find a bug that was planted for them.

DRAY_FUZZERS is the folder where they were built, DRAY_FUZZ_SECONDS how long each runs. What they find
stays there, and so does the corpus: the next run goes on from it.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / 'cli'), str(HERE.parent / 'inspect')]

import tap              # noqa: E402
import write_models     # noqa: E402

FOLDER = pathlib.Path(os.environ['DRAY_FUZZERS'])
SECONDS = int(os.environ.get('DRAY_FUZZ_SECONDS', '20'))
PLANTED_SECONDS = 300
MEGABYTES_MAX = 512


def hub_pages():
    """Pages of a hub's list of files, each after its Link header."""
    names = {
        'shards': ['Q8_0/m-00001-of-00002.gguf', 'Q8_0/m-00002-of-00002.gguf', 'README.md'],
        'variants': ['m-Q4_K_M.gguf', 'm-UD-IQ2_M.gguf', 'mmproj-F16.gguf', 'imatrix.dat'],
        'safetensors': ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'],
        'empty': [],
    }
    pages = {}
    for name, paths in names.items():
        entries = [{'type': 'file', 'path': path, 'size': 10, 'oid': '0' * 40,
                    'lfs': {'oid': '0' * 64, 'size': 10, 'pointerSize': 134}} for path in paths]
        link = '<https://hub.example/api?cursor=1>; rel="next"' if len(entries) > 3 else ''
        pages[name] = f'{link}\n{json.dumps(entries)}'.encode()
    return pages


class Fuzz(unittest.TestCase):
    def run_fuzzer(self, name, files, seconds, corpus):
        """Returns (exit status, what it printed)."""
        seeds = FOLDER / f'seeds-{corpus}'
        grown = FOLDER / f'corpus-{corpus}'
        for folder in (seeds, grown):
            folder.mkdir(exist_ok=True)
        for seed, data in files.items():
            if len(data) < 1 << 16:
                (seeds / seed).write_bytes(data)
        kind = name.split('-')[0]
        run = subprocess.run(
            [FOLDER / f'fuzz-{name}', f'-max_total_time={seconds}', '-max_len=65536', '-timeout=10',
             f'-rss_limit_mb={MEGABYTES_MAX}', '-print_final_stats=1',
             f'-dict={HERE / f"{kind}.dict"}', f'-artifact_prefix={FOLDER}/finding-{corpus}-',
             grown, seeds],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors='replace', check=False)
        return run.returncode, run.stdout

    def check_clean(self, name, files):
        status, text = self.run_fuzzer(name, files, SECONDS, name)
        self.assertEqual(status, 0, text[-5000:])
        covered = re.findall(r'cov: (\d+)', text)
        edges = re.search(r'Loaded \d+ PC tables \((\d+) PCs\)', text)
        runs = re.search(r'stat::number_of_executed_units: (\d+)', text)
        peak = re.search(r'stat::peak_rss_mb: +(\d+)', text)
        self.assertTrue(covered and edges and runs and peak, text[-5000:])
        tap.note(f'{name}: {covered[-1]} of {edges[1]} edges covered, {runs[1]} runs in {SECONDS} s, '
                 f'{peak[1]} MB at most, no finding')
        # What only the sanitizers' own reports would reach, and reading from a disk, are edges too.
        self.assertGreater(int(covered[-1]), int(edges[1]) // 3)

    def check_planted(self, name, files):
        status, text = self.run_fuzzer(f'{name}-planted', files, PLANTED_SECONDS, f'{name}-planted')
        self.assertNotEqual(status, 0, f'the planted bug was not found in {PLANTED_SECONDS} s')
        self.assertRegex(text, r'ERROR: (AddressSanitizer|libFuzzer)|runtime error')
        runs = re.search(r'stat::number_of_executed_units: (\d+)', text)
        tap.note(f'{name}: the planted bug was found in run {runs[1] if runs else "?"}')

    def test_hub_finds_nothing(self):
        self.check_clean('hub', hub_pages())

    def test_hub_finds_a_planted_bug(self):
        self.check_planted('hub', hub_pages())

    def test_gguf_finds_nothing(self):
        self.check_clean('gguf', write_models.gguf_files())

    def test_gguf_finds_a_planted_bug(self):
        self.check_planted('gguf', write_models.gguf_files())

    def test_safetensors_finds_nothing(self):
        self.check_clean('safetensors', write_models.safetensors_files())

    def test_safetensors_finds_a_planted_bug(self):
        self.check_planted('safetensors', write_models.safetensors_files())


if __name__ == '__main__':
    tap.main()
