# SPDX-License-Identifier: GPL-3.0-or-later
"""`dray plan`: what a source stands for, without a byte of it."""

import json

import tap
from command import CommandTest

SHARD = 'https://example.com/big/model-00002-of-00003.gguf?signature=1'


class Plan(CommandTest):
    def plan(self, *arguments):
        return self.home.run('plan', *arguments)

    def test_a_link_is_its_file(self):
        run = self.plan('--json', 'https://example.com/model.gguf')
        self.assertEqual(run.status, 0, run.stderr())
        plan = json.loads(run.stdout()[0])
        self.assertEqual(plan['modelId'], 'url:https://example.com/model.gguf')
        self.assertEqual([asset['url'] for asset in plan['assets']],
                         ['https://example.com/model.gguf'])
        self.assertIsNone(plan['size'])

    def test_a_shard_is_its_set(self):
        run = self.plan('--json', SHARD)
        plan = json.loads(run.stdout()[0])
        self.assertEqual([asset['url'] for asset in plan['assets']],
                         [SHARD.replace('00002', f'{n:05}') for n in (1, 2, 3)])
        self.assertEqual(plan['variants'], [])

    def test_for_people(self):
        run = self.plan(SHARD)
        self.assertEqual(run.status, 0, run.stderr())
        lines = run.stdout()
        self.assertEqual(len(lines), 4)
        self.assertTrue(all(line.startswith('  https://') and line.endswith('size unknown')
                            for line in lines[1:]), lines)

    def test_what_is_no_source(self):
        run = self.plan('ftp://example.com/model.gguf')
        self.assertEqual(run.status, 1)
        self.assertRegex(run.stderr()[0], '^dray: invalid-source: ')
        self.assertEqual(run.stdout(), [])

    def test_usage(self):
        for arguments in ((), ('a', 'b'), ('--wrong', 'https://example.com/x')):
            self.assertEqual(self.plan(*arguments).status, 2, arguments)


if __name__ == '__main__':
    tap.main()
