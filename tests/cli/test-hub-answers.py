# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hub or a registry may answer that cannot be: each is an error that says so, and nothing of
it is believed."""

import json
import pathlib
import resource
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'server'))

import tap              # noqa: E402
from command import PATIENCE, CommandTest   # noqa: E402
from hub import Hub, Registry       # noqa: E402

REPO = 'org/m-GGUF'
DIGEST = '0123456789abcdef' * 4


def entry(**changes):
    """A file as the hub lists it; a change to None leaves a member out."""
    members = {'type': 'file', 'path': 'm-Q8_0.gguf', 'size': 10, 'oid': '0' * 40,
               'lfs': {'oid': DIGEST, 'size': 10, 'pointerSize': 134}} | changes
    return {name: value for name, value in members.items() if value is not None}


def text(body, kind='application/json'):
    return lambda handler: handler.reply(
        200, body if isinstance(body, bytes) else body.encode(), Content_Type=kind)


def value(body):
    return text(json.dumps(body))


class Answers(CommandTest):
    def refuse(self, source, error):
        """The command ends with that error, in one readable line."""
        run = self.home.run('plan', '--json', source, seconds=60)
        self.assertEqual((run.status, run.stdout()), (1, []), source)
        (line,) = run.stderr()
        self.assertRegex(line, f'^dray: {error}: .')
        self.assertLess(len(line), 1000)
        self.assertTrue(line.isprintable(), line)
        return line


class HubAnswers(Answers):
    def setUp(self):
        super().setUp()
        self.hub = Hub()
        self.addCleanup(self.hub.__exit__)
        self.home.environment['HF_ENDPOINT'] = self.hub.base
        self.commit = self.hub.add(REPO, {'m-Q8_0.gguf': 10})
        self.tree = f'/api/models/{REPO}/tree/{self.commit}'

    def check_list(self, answer, error):
        self.hub.overrides[self.tree] = answer
        return self.refuse(f'hf:{REPO}', error)

    def test_what_is_no_list(self):
        for body, error in (
                ('', 'server-error'),
                ('[', 'server-error'),
                ('[{"type":"file"', 'server-error'),
                ('{}', 'server-error'),
                ('null', 'server-error'),
                ('"text"', 'server-error'),
                ('[1]', 'server-error'),
                ('[null]', 'server-error'),
                ('[[]]', 'server-error'),
                ('[{}]', 'server-error'),
                (b'[{"type":"file","path":"\xff\xfe","size":1}]', 'server-error'),
                (b'\x00\x01\x02', 'server-error'),
                ('<!DOCTYPE html><html>Sign in</html>', 'not-a-model'),
                ('  \n<html>', 'not-a-model'),
                ('[' * 1_000_000, 'unsupported'),
                ('{"a":' * 100_000, 'unsupported'),
                ('[' + '0,' * 1_000_000 + '0]', 'unsupported'),
                ('"' + 'x' * (17 << 20) + '"', 'unsupported'),
                ('[]', 'not-found')):
            with self.subTest(body[:40]):
                self.check_list(text(body), error)
        self.check_list(text('<html></html>', 'text/html'), 'not-a-model')

    def test_what_only_some_parsers_take(self):
        """Nothing hides a part of an answer from what counts its values and how deep they lie."""
        hidden = '[' * 100_000
        listed = json.dumps([entry()])
        for body in (f'/*"*/{hidden}', f'//"\n{hidden}', f"['\"', {hidden}", f"['\"']",
                     f'["\\ud800", "\\"{hidden}', f'["\\ud800"]', '["\\udc00"]',
                     '["\\ud800\\u0041"]', '["\\ud800\\ud800"]', '["\\u0000"]', '["\\u00"]',
                     '["\\x41"]', "['a']", '["\\\'"]', '["a\nb"]', '["a\tb"]', '[nul]', '[True]',
                     '[01]', '[0x10]', '[1.]', '[.5]', '[+1]', '[1e]', '[-]', '[NaN]', '["a]',
                     f'{listed}/**/', f'{listed} //', f'var list = {listed};', f'{listed}\f'):
            with self.subTest(body[:40]):
                self.check_list(text(body), 'server-error')

    def test_all_that_json_has(self):
        body = json.dumps([entry(path='\U0001f600-é-Q8_0.gguf', other=[
            0, -1, 1.5, 1e300, -0.25e-3, True, False, None, '\b\f\n\r\t"\\/\x7f', {}, []])])
        for written in (body, body.replace('/', '\\/'), f' \t\r\n{body}\n'):
            self.hub.overrides[self.tree] = text(written)
            run = self.home.run('plan', '--json', f'hf:{REPO}')
            self.assertEqual(run.status, 0, run.stderr())
            self.assertEqual(json.loads(run.stdout()[0])['assets'][0]['name'],
                             '\U0001f600-é-Q8_0.gguf')

    def test_what_is_no_commit(self):
        path = f'/api/models/{REPO}/revision/main'
        for body in ({}, [], {'sha': None}, {'sha': 7}, {'sha': ''}, {'sha': 'main'},
                     {'sha': '../../..'}, {'sha': 'A' * 40}, {'sha': 'a' * 39},
                     {'sha': 'a' * 40 + '\n'}):
            with self.subTest(body):
                self.hub.overrides[path] = value(body)
                self.refuse(f'hf:{REPO}', 'server-error')

    def test_sizes_that_cannot_be(self):
        for size in (-1, 1 << 61, (1 << 63) - 1, 1 << 63, 1 << 64, (1 << 64) + 10, 10 ** 30,
                     -(10 ** 30), 1.5, 1e300, '10', [], {}, True):
            with self.subTest(size):
                self.check_list(value([entry(size=size)]), 'server-error')
                self.check_list(value([entry(size=None, lfs={'oid': DIGEST, 'size': size})]),
                                'server-error')
        self.assertIn('two sizes', self.check_list(value([entry(size=11)]), 'server-error'))

    def test_sizes_that_are_not_said(self):
        self.hub.overrides[self.tree] = value([entry(size=None, lfs={'oid': DIGEST})])
        run = self.home.run('plan', '--json', f'hf:{REPO}')
        self.assertEqual(run.status, 0)
        (asset,) = json.loads(run.stdout()[0])['assets']
        self.assertEqual((asset['size'], asset['sha256']), (None, DIGEST))

    def test_digests_that_cannot_be(self):
        for digest in ('', '0' * 40, DIGEST + '0', DIGEST[:-1] + 'g', '../' + DIGEST, 'sha256:'):
            with self.subTest(digest):
                self.check_list(value([entry(lfs={'oid': digest, 'size': 10})]), 'server-error')
        for digest in ('sha256:' + DIGEST, DIGEST.upper()):
            with self.subTest(digest):
                self.hub.overrides[self.tree] = value([entry(lfs={'oid': digest, 'size': 10})])
                run = self.home.run('plan', '--json', f'hf:{REPO}')
                self.assertEqual(json.loads(run.stdout()[0])['assets'][0]['sha256'], DIGEST)

    def test_names_that_cannot_be(self):
        for path in ('', '/', '.', '..', '../m.gguf', 'a/../../m.gguf', '/etc/m.gguf', 'a//m.gguf',
                     'a/./m.gguf', 'a/..', 'a/', '..\\m.gguf', 'C:\\m.gguf', 'a\nm.gguf',
                     '\x1b[2Jm.gguf', 'a\x7fm.gguf', 'x' * 5000 + '.gguf', 7, [], {}):
            with self.subTest(repr(path)[:40]):
                self.check_list(value([entry(path=path)]), 'server-error')
        for member in ('type', 'path'):
            self.check_list(value([entry(**{member: None})]), 'server-error')

    def test_names_that_come_twice(self):
        self.assertIn('twice', self.check_list(value([entry(), entry()]), 'server-error'))
        self.check_list(value([entry(path='a'), entry(path='a', type='directory')]),
                        'server-error')

    def test_kinds_that_nobody_knows(self):
        self.hub.overrides[self.tree] = value([entry(), entry(path='x.gguf', type='symlink')])
        run = self.home.run('plan', '--json', f'hf:{REPO}')
        self.assertEqual([asset['name'] for asset in json.loads(run.stdout()[0])['assets']],
                         ['m-Q8_0.gguf'])

    def test_pages_in_a_circle(self):
        def page(handler):
            number = int(handler.path.rpartition('=')[2]) if 'page=' in handler.path else 0
            handler.reply_json(200, [entry(path=f'{number}-{len(self.hub.asked)}.gguf')],
                               Link=f'<{self.tree}?page={(number + 1) % 3}>; rel="next"')

        self.assertIn('circle', self.check_list(page, 'server-error'))
        # Which page the circle comes back to is seen before that is asked for once more.
        self.assertEqual(len(self.hub.asked_of('hub', self.tree)), 4)

    def test_pages_without_end(self):
        """A million files, and as many pages without any: memory stays small."""
        def page(handler, n_entries):
            number = int(handler.path.rpartition('=')[2]) if 'page=' in handler.path else 0
            handler.reply_json(200, [entry(path=f'{number}/{i}.gguf') for i in range(n_entries)],
                               Link=f'<?page={number + 1}>; rel="next"')

        for n_entries, n_pages in ((10_000, 6), (0, 2000)):
            with self.subTest(n_entries):
                self.hub.asked.clear()
                self.check_list(lambda handler: page(handler, n_entries), 'unsupported')
                self.assertLessEqual(len(self.hub.asked_of('hub', self.tree)), n_pages)

    def test_links_to_no_page(self):
        for link, is_page in (('', False), ('<>', True), ('<', False), ('<x', False),
                              ('<http://[>; rel="next"', True), ('<x>; rel="prev"', False),
                              ('<x>', False), ('<x>; rel=next', True),
                              ('<y>; rel="prev", <x>; REL = "Next"', True),
                              ('<file:///etc/passwd>; rel="next"', True)):
            with self.subTest(link):
                self.hub.overrides[self.tree] = lambda handler, link=link: handler.reply_json(
                    200, [entry()], Link=link if link != '<>' else '<>; rel="next"')
                run = self.home.run('plan', f'hf:{REPO}')
                self.assertEqual(run.status, 1 if is_page else 0, run.stderr())

    def test_an_answer_that_ends_early(self):
        def cut(handler):
            handler.send_response(200)
            handler.send_header('Content-Length', '1000')
            handler.end_headers()
            handler.wfile.write(b'[]')
            handler.close_connection = True

        self.check_list(cut, 'network|too-short')

    def test_memory(self):
        """The largest answer that is read takes no more than a few hundred bytes for each value."""
        self.check_list(text('[' + '[],' * 249_000 + '[]]'), 'server-error')
        self.check_list(text('[' + '"",' * 490_000 + '""]'), 'server-error')
        kibibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        tap.note(f'{kibibytes} KiB')
        if PATIENCE == 1:
            self.assertLess(kibibytes, 300_000)


class RegistryAnswers(Answers):
    def setUp(self):
        super().setUp()
        self.registry = Registry()
        self.addCleanup(self.registry.__exit__)
        self.home.environment['DRAY_OLLAMA_REGISTRY'] = self.registry.base

    def layer(self, **changes):
        members = {'mediaType': Registry.LAYER + 'model', 'digest': f'sha256:{DIGEST}',
                   'size': 10} | changes
        return {name: content for name, content in members.items() if content is not None}

    def test_a_model_and_its_companions(self):
        model, _, projector, *_ = self.registry.add(
            'llava', '7b', [('model', 300_000), ('license', b'free'), ('projector', 2000),
                            ('template', b'{{ }}'), ('params', b'{}')])
        run = self.home.run('plan', '--json', 'ollama:llava:7b')
        plan = json.loads(run.stdout()[0])
        self.assertEqual([(asset['name'], asset['size'], asset['sha256'], asset['companion'])
                          for asset in plan['assets']],
                         [('llava-7b.gguf', 300_000, model, False),
                          ('llava-7b-mmproj.gguf', 2000, projector, True)])
        self.assertEqual(plan['assets'][0]['url'],
                         f'{self.registry.base}/v2/library/llava/blobs/sha256:{model}')

        run = self.home.get('https://ollama.com/library/llava:7b')
        self.assertEqual(run.end(), 0, run.stderr())
        self.assert_whole(self.home.out / 'llava-7b.gguf', model)
        self.assert_whole(self.home.out / 'llava-7b-mmproj.gguf', projector)
        self.assertEqual(len(self.home.names()), 2)

    def test_one_of_a_person(self):
        (digest,) = self.registry.add('ann/tiny', 'latest', [('model', 1000)])
        run = self.home.get('ollama:ann/tiny')
        self.assert_completed(run, digest, 'ann-tiny-latest.gguf')

    def test_what_there_is_not(self):
        self.assertIn('“none:latest”', self.refuse('ollama:none', 'not-found'))
        self.registry.add('cloud', 'latest', [('license', 10)])
        self.refuse('ollama:cloud', 'unsupported')
        self.home.environment['DRAY_OLLAMA_REGISTRY'] = 'ftp://example.com'
        self.assertIn('DRAY_OLLAMA_REGISTRY', self.refuse('ollama:none', 'invalid-source'))

    def test_what_is_no_manifest(self):
        for body, error in (
                ('', 'server-error'), ('[]', 'server-error'), ('{}', 'server-error'),
                ('<html>', 'not-a-model'), ('{"layers":{}}', 'server-error'),
                ('{"layers":[]}', 'unsupported'), ('{"layers":[1,null,"",[]]}', 'unsupported'),
                (json.dumps({'layers': [self.layer()] * 1001}), 'unsupported'),
                *((json.dumps({'layers': [self.layer(**change)]}), 'server-error')
                  for change in ({'digest': None}, {'digest': 'md5:0'}, {'digest': 'sha256:../x'},
                                 {'digest': DIGEST}, {'size': None}, {'size': -1},
                                 {'size': 1 << 62}, {'size': 10 ** 30}, {'size': '10'}))):
            with self.subTest(body[:60]):
                self.registry.overrides['/v2/library/m/manifests/latest'] = text(body)
                self.refuse('ollama:m', error)

    def test_refusals(self):
        for status, error in ((401, 'unauthorized'), (403, 'forbidden'), (404, 'not-found'),
                              (429, 'rate-limited'), (500, 'server-error'), (503, 'server-error')):
            with self.subTest(status):
                self.registry.overrides['/v2/library/m/manifests/latest'] = \
                    lambda handler, status=status: handler.reply_json(status, {'errors': []})
                self.refuse('ollama:m', error)


if __name__ == '__main__':
    tap.main()
