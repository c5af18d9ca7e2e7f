# SPDX-License-Identifier: GPL-3.0-or-later
"""The Add dialog: what stands behind the text, and what of it a person chooses."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / 'cli'), str(HERE.parent / 'server')]

import tap  # noqa: E402
from command import sha256_of  # noqa: E402
from hub import Hub, make_bytes  # noqa: E402
from program import WindowTest  # noqa: E402

MEGABYTE = 1000 * 1000
REPO = 'org/Small-GGUF'
FILES = {'Small-Q2_K.gguf': MEGABYTE, 'Small-Q4_K_M.gguf': 2 * MEGABYTE,
         'Q8_0/Small-Q8_0-00001-of-00002.gguf': 2 * MEGABYTE,
         'Q8_0/Small-Q8_0-00002-of-00002.gguf': 2 * MEGABYTE,
         'mmproj-F16.gguf': MEGABYTE}


class Add(WindowTest):
    def setUp(self):
        super().setUp()
        self.hub = Hub(tokens=('good',))
        self.addCleanup(self.hub.__exit__)
        self.home.environment['HF_ENDPOINT'] = self.hub.base
        self.hub.add(REPO, FILES)

    def look_up(self, source):
        program = self.open()
        program.type_link(source)
        return program

    def assert_downloaded(self, program, *paths):
        program.wait_for_label('Complete')
        self.assertEqual(self.files(), sorted(path.rsplit('/', 1)[-1] for path in paths))
        for path in paths:
            self.assertEqual(
                sha256_of(self.library / 'org' / 'Small-GGUF' / path.rsplit('/', 1)[-1]),
                self.hub.digest_of(REPO, path))

    def test_what_is_suggested_with_its_companion(self):
        program = self.look_up(f'hf:{REPO}')
        program.wait_for_label('Suggested')
        program.wait_for_label('2 files · 3.0\xa0MB')
        self.shoot('variants')
        program.click('Download')
        self.assert_downloaded(program, 'Small-Q4_K_M.gguf', 'mmproj-F16.gguf')

    def test_another_variant_without_the_companion(self):
        program = self.look_up(f'hf.co/{REPO}')
        program.wait_for_label('Suggested')
        program.check('Q8_0')
        program.wait_for_label('3 files · 5.0\xa0MB')
        program.check('mmproj-F16.gguf')
        program.wait_for_label('2 files · 4.0\xa0MB')
        program.click('Download')
        self.assert_downloaded(program, 'Q8_0/Small-Q8_0-00001-of-00002.gguf',
                               'Q8_0/Small-Q8_0-00002-of-00002.gguf')

    def test_what_is_typed_last_counts(self):
        program = self.look_up('hf:org/Nothing')
        program.wait_for_label('org/Nothing')
        self.assertIsNone(program.find_button('Download'))
        program.type_again(f'hf:{REPO}:Q2_K')
        program.wait_for_label('2 files · 2.0\xa0MB')
        program.click('Download')
        self.assert_downloaded(program, 'Small-Q2_K.gguf', 'mmproj-F16.gguf')

    def test_a_model_that_comes_with_dray(self):
        program = self.look_up('llama_3_2_1b_inst_q4_0')
        program.wait_for_label('Llama 3.2 1B Instruct · 773.0\xa0MB')

    def test_a_file_with_sources(self):
        path = self.home.root / 'models.txt'
        path.write_text(f'# small ones\nhf:{REPO}:Q2_K\n')
        program = self.look_up(str(path))
        program.wait_for_label('Every source in this file')
        program.click('Download')
        self.assert_downloaded(program, 'Small-Q2_K.gguf', 'mmproj-F16.gguf')

    def test_a_licence_and_a_token(self):
        token = self.home.root / 'token'
        self.home.environment['HF_TOKEN_PATH'] = str(token)
        self.hub.add('org/Closed-GGUF', {'Closed-Q4_K_M.gguf': MEGABYTE}, gated=True,
                     allowed=('good',))
        program = self.open('hf:org/Closed-GGUF:Q4_K_M')
        program.wait_for(lambda: program.find_button('View Licence Closed'), 'the way to the licence')
        self.shoot('licence')
        token.write_text('good')
        program.click('Resume Closed')
        program.wait_for_label('Complete')
        self.assertEqual(self.files(), ['Closed-Q4_K_M.gguf'])

    def test_what_another_program_has(self):
        digest = self.hub.digest_of(REPO, 'Small-Q2_K.gguf')
        store = self.home.root / 'home' / '.ollama' / 'models' / 'blobs'
        store.mkdir(parents=True)
        (store / f'sha256-{digest}').write_bytes(make_bytes(f'{REPO}/Small-Q2_K.gguf', MEGABYTE))
        program = self.open(f'hf:{REPO}:Q2_K')
        program.wait_for_label('found in Ollama')
        program.wait_for_label('Small-Q2_K.gguf')
        program.wait_for_label('Complete · Verified · 2.0\xa0MB')
        self.shoot('found')
        self.assertEqual(self.files(), ['mmproj-F16.gguf'])


if __name__ == '__main__':
    tap.main()
