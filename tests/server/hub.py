# SPDX-License-Identifier: GPL-3.0-or-later
"""Doubles of a model hub and of a registry of models, on loopback: shaped like the real ones as
their own clients see them, with made-up repositories. They know nothing of Dray.

Each is two servers: one that knows what there is, and the storage that it redirects to with signed
links, at another origin. `asked` tells what came to either, and with which token.
"""

import contextlib
import hashlib
import http.server
import json
import random
import re
import threading
import urllib.parse

TEXT_SUFFIXES = ('.md', '.json', '.txt')


def make_bytes(seed, size):
    return random.Random(seed).randbytes(size)


class Asked:
    """One request, and the status that it got."""

    def __init__(self, server, handler):
        self.server = server
        self.target = handler.path
        self.path = urllib.parse.unquote(urllib.parse.urlsplit(handler.path).path)
        self.token = (handler.headers['Authorization'] or '').removeprefix('Bearer ') or None
        self.host = handler.headers['Host']
        self.range = handler.headers['Range']
        self.accept = handler.headers['Accept']
        self.status = None
        self.n_bytes = 0

    def __repr__(self):
        return f'{self.server} {self.target} {self.range} {self.token}: {self.status}+{self.n_bytes}'


class Server:
    """An origin whose answers are the owner's."""

    def __init__(self, name, answer, asked):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            disable_nagle_algorithm = True

            def handle(self):
                # The client may leave whenever it likes.
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def do_GET(self):
                self.asked = Asked(name, self)
                asked.append(self.asked)
                answer(self)

            def do_POST(self):
                self.body = self.rfile.read(int(self.headers['Content-Length']))
                self.do_GET()

            def send_response(self, status, message=None):
                self.asked.status = status
                super().send_response(status, message)

            def reply(self, status, body=b'', **headers):
                self.send_response(status)
                for header, value in headers.items():
                    self.send_header(header.replace('_', '-'), value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.asked.n_bytes = len(body)

            def reply_json(self, status, value, **headers):
                headers.setdefault('Content_Type', 'application/json; charset=utf-8')
                self.reply(status, json.dumps(value).encode(), **headers)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.port = self._server.server_address[1]
        self.base = f'http://127.0.0.1:{self.port}'
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Storage:
    """Where the bytes are: behind links that are signed and expire, and answer ranges."""

    def __init__(self, asked):
        self._blobs = {}
        self._signatures = set()
        self._n_signed = 0
        self._changed = threading.Condition()
        self.cut = None     # bytes of a body after which the connection breaks, once for each blob
        self.when_cut = None    # called before it breaks
        self._was_cut = set()
        self.server = Server('storage', self._answer, asked)

    def add(self, data):
        digest = hashlib.sha256(data).hexdigest()
        self._blobs[digest] = data
        return digest

    def get(self, digest):
        return self._blobs[digest]

    def sign(self, digest):
        with self._changed:
            self._n_signed += 1
            signature = hashlib.sha256(f'{digest}{self._n_signed}'.encode()).hexdigest()[:32]
            self._signatures.add((digest, signature))
        return (f'{self.server.base}/blobs/{digest}?Expires={1_900_000_000 + self._n_signed}'
                f'&Signature={signature}&Key-Pair-Id=K1')

    def expire(self):
        """No link that was given so far is good any more."""
        with self._changed:
            self._signatures.clear()

    def _answer(self, handler):
        parts = urllib.parse.urlsplit(handler.path)
        digest = parts.path.rpartition('/')[2]
        query = dict(urllib.parse.parse_qsl(parts.query))
        with self._changed:
            is_signed = (digest, query.get('Signature')) in self._signatures
        if not is_signed:
            handler.reply(403, b'<Error><Code>AccessDenied</Code></Error>',
                          Content_Type='application/xml')
            return

        data = self._blobs[digest]
        asked = re.fullmatch(r'bytes=(\d+)-(\d*)', handler.headers['Range'] or '')
        first = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1, len(data)) if asked and asked[2] else len(data)
        if asked and first >= len(data):
            handler.reply(416, Content_Range=f'bytes */{len(data)}')
            return
        self._send(handler, digest, first, end, asked is not None)

    def _send(self, handler, digest, first, end, is_range):
        data = self._blobs[digest]
        body = data[first:end]
        handler.send_response(206 if is_range else 200)
        if is_range:
            handler.send_header('Content-Range', f'bytes {first}-{end - 1}/{len(data)}')
        handler.send_header('Content-Type', 'application/octet-stream')
        handler.send_header('Accept-Ranges', 'bytes')
        handler.send_header('ETag', f'"{digest[:32]}"')
        handler.send_header('Content-Length', str(len(body)))
        handler.end_headers()
        with self._changed:
            is_cut = self.cut is not None and digest not in self._was_cut and self.cut < len(body)
            if is_cut:
                self._was_cut.add(digest)
                body = body[:self.cut]
        if is_cut:
            handler.close_connection = True
            if self.when_cut is not None:
                self.when_cut()
        handler.wfile.write(body)
        handler.asked.n_bytes = len(body)


class Repository:
    """What a hub keeps under one name: a list of files for each commit."""

    def __init__(self, gated, private, allowed):
        self.gated = gated
        self.private = private
        self.allowed = set(allowed)
        self.commits = {}       # commit: {path: (digest, data)}
        self.revisions = {}     # branch or tag: commit

    def find(self, revision):
        commit = self.revisions.get('main' if revision == 'HEAD' else revision, revision)
        return commit if commit in self.commits else None


class Double:
    """A server whose answers are given below, and the storage that it redirects to."""

    def __init__(self, name):
        self.asked = []
        self.overrides = {}     # path: function of the handler, in place of the double's own answer
        self._storage = Storage(self.asked)
        self._server = Server(name, self._answer, self.asked)
        self.base = self._server.base

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.close()
        self._storage.server.close()


class Hub(Double):
    """Hugging Face's hub: `tokens` are those of accounts that it knows."""

    def __init__(self, tokens=(), page_size=1000):
        self.tokens = set(tokens)
        self.page_size = page_size
        self.refusals = []      # (status, headers) for the next requests to the hub, in their order
        self._repositories = {}
        super().__init__('hub')

    def add(self, name, files, gated=False, private=False, allowed=(), revision='main'):
        """Commits the files, given as path=bytes or path=size, to a branch; returns the commit."""
        repository = self._repositories.setdefault(name, Repository(gated, private, allowed))
        stored = {}
        for path, data in sorted(files.items()):
            if isinstance(data, int):
                data = make_bytes(f'{name}/{path}', data)
            stored[path] = (self._storage.add(data), data)
        text = json.dumps({path: digest for path, (digest, _) in stored.items()})
        commit = hashlib.sha1(text.encode()).hexdigest()
        repository.commits[commit] = stored
        repository.revisions[revision] = commit
        return commit

    def get_repository(self, name):
        return self._repositories[name]

    def digest_of(self, name, path, revision='main'):
        repository = self._repositories[name]
        return repository.commits[repository.find(revision)][path][0]

    def cut_bodies(self, n_bytes, when_cut=None):
        """The storage breaks off once for each file, after so many bytes."""
        self._storage.cut = n_bytes
        self._storage.when_cut = when_cut

    def expire_links(self):
        self._storage.expire()

    def asked_of(self, server, prefix=''):
        return [asked for asked in self.asked
                if asked.server == server and asked.path.startswith(prefix)]

    # What follows is the hub's side.

    def _refuse(self, handler, status, code, message, **headers):
        handler.reply_json(status, {'error': message}, X_Error_Code=code, X_Error_Message=message,
                           **headers)

    def _answer(self, handler):
        path = handler.asked.path
        if self.refusals:
            status, headers = self.refusals.pop(0)
            handler.reply_json(status, {'error': 'Not now'}, **headers)
        elif path in self.overrides:
            self.overrides[path](handler)
        elif match := re.fullmatch(r'/api/models/([^/]+/[^/]+)/revision/(.+)', path):
            self._with_commit(handler, match[1], match[2], self._describe)
        elif match := re.fullmatch(r'/api/models/([^/]+/[^/]+)/tree/([^/]+)(?:/(.*))?', path):
            self._with_commit(handler, match[1], match[2], self._list, match[3] or '')
        elif (match := re.fullmatch(r'/api/models/([^/]+/[^/]+)/paths-info/([^/]+)', path)) \
                and handler.command == 'POST':
            self._with_commit(handler, match[1], match[2], self._tell_paths)
        elif match := re.fullmatch(r'/([^/]+/[^/]+)/resolve/((?:refs/pr/)?[^/]+)/(.+)', path):
            self._with_commit(handler, match[1], match[2], self._resolve, match[3])
        else:
            self._refuse(handler, 404, 'EntryNotFound', 'Sorry, there is nothing here')

    def _with_commit(self, handler, name, revision, answer, *arguments):
        token = handler.asked.token
        repository = self._repositories.get(name)
        if token is not None and token not in self.tokens:
            handler.reply_json(401, {'error': 'Invalid credentials in Authorization header'})
        elif repository is None or (repository.private and token not in repository.allowed):
            # To a stranger the hub does not say which of the two it is.
            self._refuse(handler, 401 if token is None else 404, 'RepoNotFound',
                         'Repository not found')
        elif (commit := repository.find(revision)) is None:
            self._refuse(handler, 404, 'RevisionNotFound', f'Invalid rev id: {revision}')
        else:
            answer(handler, name, repository, commit, *arguments)

    def _describe(self, handler, name, repository, commit):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        facts = {
            '_id': hashlib.sha1(name.encode()).hexdigest()[:24], 'id': name,
            'private': repository.private, 'gated': 'manual' if repository.gated else False,
            'pipeline_tag': 'text-generation', 'downloads': 1, 'likes': 0,
            'lastModified': '2026-01-02T03:04:05.000Z', 'sha': commit, 'modelId': name,
            'siblings': [{'rfilename': path} for path in repository.commits[commit]],
        }
        wanted = query.get('expand')
        if wanted:
            facts = {key: value for key, value in facts.items() if key in ('_id', 'id', *wanted)}
        handler.reply_json(200, facts)

    def _entries(self, repository, commit, folder, recursive):
        entries = {}
        for path, (digest, data) in repository.commits[commit].items():
            if folder and not path.startswith(f'{folder}/'):
                continue
            inner = path[len(folder) + 1 if folder else 0:].split('/')
            parents = range(1, len(inner)) if recursive else range(1, min(2, len(inner)))
            for depth in parents:
                parent = '/'.join(([folder] if folder else []) + inner[:depth])
                entries[parent] = {'type': 'directory', 'size': 0, 'path': parent,
                                   'oid': hashlib.sha1(parent.encode()).hexdigest()}
            if not recursive and len(inner) > 1:
                continue
            entries[path] = {'type': 'file', 'size': len(data), 'path': path,
                             'oid': hashlib.sha1(data).hexdigest()}
            if not path.endswith(TEXT_SUFFIXES):
                entries[path]['lfs'] = {'oid': digest, 'size': len(data), 'pointerSize': 134}
                entries[path]['xetHash'] = hashlib.sha256(digest.encode()).hexdigest()
        return [entries[path] for path in sorted(entries)]

    def _list(self, handler, name, repository, commit, folder):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(handler.path).query))
        entries = self._entries(repository, commit, folder, query.get('recursive') == 'true')
        start = int(query.get('cursor', '0'))
        headers = {}
        if start + self.page_size < len(entries):
            query['cursor'] = str(start + self.page_size)
            headers['Link'] = (f'<{self.base}{urllib.parse.urlsplit(handler.path).path}?'
                               f'{urllib.parse.urlencode(query)}>; rel="next"')
        handler.reply_json(200, entries[start:start + self.page_size], **headers)

    def _tell_paths(self, handler, _name, repository, commit):
        wanted = json.loads(handler.body)
        entries = [entry for entry in self._entries(repository, commit, '', True)
                   if entry['path'] in wanted['paths']]
        if wanted.get('expand'):
            for entry in entries:
                entry['lastCommit'] = {'id': commit, 'title': 'Upload',
                                       'date': '2026-01-02T03:04:05.000Z'}
        handler.reply_json(200, entries)

    def _resolve(self, handler, name, repository, commit, path):
        token = handler.asked.token
        if repository.gated and token not in repository.allowed:
            self._refuse(handler, 401 if token is None else 403, 'GatedRepo',
                         f'Access to model {name} is restricted.')
        elif path not in repository.commits[commit]:
            self._refuse(handler, 404, 'EntryNotFound', 'Entry not found')
        else:
            self._send_file(handler, repository.commits[commit][path], path, commit)

    def _send_file(self, handler, stored, path, commit):
        digest, data = stored
        if not path.endswith(TEXT_SUFFIXES):
            handler.reply(302, Location=self._storage.sign(digest), X_Repo_Commit=commit,
                          X_Linked_Size=str(len(data)), X_Linked_ETag=f'"{digest}"',
                          Accept_Ranges='bytes')
            return
        # Small files come from the hub itself; it answers ranges, too.
        asked = re.fullmatch(r'bytes=(\d+)-(\d*)', handler.headers['Range'] or '')
        headers = {'X_Repo_Commit': commit, 'ETag': f'"{hashlib.sha1(data).hexdigest()}"',
                   'Accept_Ranges': 'bytes', 'Content_Type': 'text/plain; charset=utf-8'}
        if asked:
            first = int(asked[1])
            end = min(int(asked[2]) + 1, len(data)) if asked[2] else len(data)
            handler.reply(206, data[first:end], **headers,
                          Content_Range=f'bytes {first}-{end - 1}/{len(data)}')
        else:
            handler.reply(200, data, **headers)


class Registry(Double):
    """Ollama's registry of models."""

    MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
    LAYER = 'application/vnd.ollama.image.'

    def __init__(self):
        self._manifests = {}    # (name, tag): manifest
        super().__init__('registry')

    def add(self, name, tag, layers):
        """Layers are (kind, bytes or size); returns their digests."""
        name = name if '/' in name else f'library/{name}'
        described = []
        for number, (kind, data) in enumerate(layers):
            if isinstance(data, int):
                data = make_bytes(f'{name}:{tag}:{number}', data)
            described.append({'mediaType': self.LAYER + kind, 'size': len(data),
                              'digest': f'sha256:{self._storage.add(data)}'})
        config = self._storage.add(json.dumps([name, tag]).encode())
        self._manifests[name, tag] = {
            'schemaVersion': 2, 'mediaType': self.MANIFEST,
            'config': {'mediaType': 'application/vnd.docker.container.image.v1+json',
                       'digest': f'sha256:{config}', 'size': 100},
            'layers': described,
        }
        return [layer['digest'].removeprefix('sha256:') for layer in described]

    def _answer(self, handler):
        path = handler.asked.path
        manifest = re.fullmatch(r'/v2/([^/]+/[^/]+)/manifests/([^/]+)', path)
        blob = re.fullmatch(r'/v2/([^/]+/[^/]+)/blobs/sha256:([0-9a-f]{64})', path)
        if path in self.overrides:
            self.overrides[path](handler)
        elif manifest and self.MANIFEST in (handler.asked.accept or '') \
                and manifest.groups() in self._manifests:
            handler.reply_json(200, self._manifests[manifest.groups()],
                               Content_Type=self.MANIFEST)
        elif blob:
            handler.reply(307, Location=self._storage.sign(blob[2]))
        else:
            handler.reply_json(404, {'errors': [{'code': 'MANIFEST_UNKNOWN',
                                                 'message': 'manifest unknown'}]})
