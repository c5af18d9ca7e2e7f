# SPDX-License-Identifier: GPL-3.0-or-later
"""`dray models`: what comes with Dray, and that it is a source by its name."""

import json

import tap
from command import CommandTest
from servers import ModelServer

LLAMA = 'LLAMA_3_2_1B_INST_Q4_0'
SET = 'QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_UD_Q2_K_XL_SHARD'
REVISION = 'b69aef112e9f895e6f98d7ae0949f72ff09aa401'


class Models(CommandTest):
    def models(self, *arguments):
        return self.home.run('models', *arguments)

    def objects(self, *arguments):
        run = self.models('--json', *arguments)
        self.assertEqual(run.status, 0, run.stderr())
        return [json.loads(line) for line in run.stdout()]

    def test_all_of_them(self):
        self.assertEqual(len(self.models().stdout()), 148)
        models = self.objects()
        self.assertEqual(len({model['name'] for model in models}), 148)
        self.assertEqual({model['task'] for model in models},
                         {'llm', 'embeddings', 'diffusion', 'whisper'})
        self.assertEqual(sum(model['files'] > 1 for model in models), 3)

    def test_a_table_for_people(self):
        lines = self.models('llama', 'Q4_0').stdout()
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], f'^{LLAMA}  Llama 3.2 1B Instruct +773.0.MB  1B  Q4_0$')

    def test_objects_for_programs(self):
        self.assertEqual(self.objects('llama q4_0'), [{
            'name': LLAMA,
            'title': 'Llama 3.2 1B Instruct',
            'task': 'llm',
            'parameters': '1B',
            'quantisation': 'Q4_0',
            'repo': 'unsloth/Llama-3.2-1B-Instruct-GGUF',
            'revision': REVISION,
            'size': 773025824,
            'files': 1,
            'companion': None,
        }])
        model, = self.objects('flash-next', 'ud-q2_k_xl')
        self.assertEqual((model['name'], model['files']), (SET, 3))
        self.assertEqual(model['companion'], 'MMPROJ_QWEN3_8_FLASH_NEXT_177B_MULTIMODAL_F16')

    def test_words_that_nothing_has(self):
        for arguments in (('no-such-model',), ('--json', 'llama', 'whisper')):
            run = self.models(*arguments)
            self.assertEqual((run.status, run.stdout()), (1, []))
            self.assertEqual(len(run.stderr()), 1)

    def test_usage(self):
        self.assertEqual(self.models('--wrong').status, 2)

    def test_a_name_has_a_plan_without_network(self):
        run = self.home.run('plan', '--json', SET.lower())
        plan = json.loads(run.stdout()[0])
        self.assertEqual(plan['modelId'], SET)
        self.assertEqual([asset['companion'] for asset in plan['assets']],
                         [False, False, False, True])
        self.assertTrue(all(asset['sha256'] and asset['size'] for asset in plan['assets']))

    def test_a_name_is_asked_for_at_its_revision(self):
        """Of the hub, or of a mirror."""
        with ModelServer(model=1 << 16) as server:
            self.home.environment['HF_ENDPOINT'] = server.url('').rstrip('/')
            failed = self.assert_failed(self.home.get(LLAMA), 'not-found')
            self.assertIsNotNone(failed['requestId'])
            row, = self.home.rows()
            self.assertEqual((row['modelId'], row['total']), (LLAMA, 773025824))
            self.assertEqual({record['target'] for record in server.records()}, {
                f'/unsloth/Llama-3.2-1B-Instruct-GGUF/resolve/{REVISION}/'
                'Llama-3.2-1B-Instruct-Q4_0.gguf'})


if __name__ == '__main__':
    tap.main()
