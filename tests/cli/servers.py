# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that the tests of the command line download from; all on loopback.

ModelServer is tests/server as a program; Nginx is Debian's, with its own configuration and folders;
MuteServer takes connections and never answers; PlainServer answers as a test wants.
Each is a context manager and ends with it.
"""

import contextlib
import http.server
import json
import os
import pathlib
import pwd
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from command import PATIENCE


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def end(process):
    """Ends a process that we started, by its id."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Fetch:
    """One answer that a server gave, as its log tells: both logs read as lists of these."""

    def __init__(self, target, status, first, n_bytes, token=None):
        self.target = target
        self.status = status
        self.first = first
        self.n_bytes = n_bytes
        self.token = token

    def __repr__(self):
        return f'{self.target}: {self.status} {self.first}+{self.n_bytes}'


class ModelServer:
    """Generated models, given as name=size, at a rate per connection.

    With a gate, the bytes of each file from there on wait until the test opens it: what must still
    be running when something else happens waits at a gate, however slow the machine is.
    """

    def __init__(self, rate=0, gate=0, **files):
        self._folder = tempfile.TemporaryDirectory(prefix='dray-server.')
        self.log_path = pathlib.Path(self._folder.name, 'log')
        self.digests = {}
        arguments = [os.environ['DRAY_MODEL_SERVER'], '--log', str(self.log_path),
                     '--rate', str(rate), '--gate', str(gate)]
        for name, size in files.items():
            arguments += ['--file', f'{name}.gguf={size}']
        self._process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.base = self._process.stdout.readline().split()[-1]
        for _ in files:
            digest, _size, path = self._process.stdout.readline().split()
            self.digests[path.strip('/')] = digest

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self._process)
        self._process.stdout.close()
        self._folder.cleanup()

    def url(self, name):
        return f'{self.base}/{name}'

    def control(self, action):
        with urllib.request.urlopen(f'{self.base}/control/{action}', data=b'') as answer:
            return answer.read().decode().strip()

    def hurry(self):
        """Lets everything come at once, what is being sent too."""
        self.control('rate?bytes=0')
        self.open_gates()

    def replace(self, name):
        """Serves other content under the name, as large as before; returns its SHA-256."""
        self.digests[name] = self.control(f'replace?name={name}')
        return self.digests[name]

    def set_gate(self, name, offset):
        """The file's bytes from there on wait; 0 lets them all go."""
        self.control(f'gate?name={name}&at={offset}')

    def open_gates(self):
        for name in self.digests:
            self.set_gate(name, 0)

    def records(self, event='started'):
        records = []
        if self.log_path.exists():
            # The last line may be half written.
            lines = self.log_path.read_text().split('\n')[:-1]
            records = [json.loads(line) for line in lines]
        return [record for record in records
                if record['event'] == event and not record['target'].startswith('/control/')]

    def fetches(self):
        """Those that are over, in the order in which they were asked for."""
        records = sorted(self.records('finished'), key=lambda record: record['request'])
        return [Fetch(record['target'], record['status'], max(record['range_first'], 0),
                      record['body_bytes'], record['authorization']) for record in records]

    def wait_until_idle(self):
        wait_for(lambda: len(self.records('started')) == len(self.records('finished')),
                 'the server to be idle')


class Nginx:
    """A folder of files, at a rate per connection until hurry(). The log's lines come when an answer
    is over."""

    def __init__(self, rate=0):
        self._folder = tempfile.TemporaryDirectory(prefix='dray-nginx.')
        root = pathlib.Path(self._folder.name)
        self.files = root / 'files'
        self.files.mkdir()
        self.log_path = root / 'access'
        self.error_path = root / 'error'
        self._hurry_path = root / 'hurry'
        self._start(root, rate)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self._process)
        self._folder.cleanup()

    def _configuration(self, root, rate):
        temporary = ''.join(f'{kind}_temp_path {root}/{kind};'
                            for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        user = f'user {pwd.getpwuid(0).pw_name};' if os.getuid() == 0 else ''
        return f'''daemon off; worker_processes 1; pid {root}/pid; error_log {self.error_path};
            {user}
            events {{ worker_connections 64; }}
            http {{
              {temporary}
              log_format fetch '$uri|$status|$body_bytes_sent|$http_range|$request_time';
              access_log {self.log_path} fetch;
              sendfile on; limit_rate {rate};
              server {{
                listen 127.0.0.1:{self.port}; root {self.files};
                if (-f {self._hurry_path}) {{ set $limit_rate 0; }}
              }}
            }}'''

    def _start(self, root, rate):
        # Somebody else may take the port between our asking for it and nginx.
        for _ in range(5):
            self.port = free_port()
            (root / 'nginx.conf').write_text(self._configuration(root, rate))
            self._process = subprocess.Popen(
                ['nginx', '-p', str(root), '-e', str(self.error_path), '-c',
                 str(root / 'nginx.conf')], stdin=subprocess.DEVNULL)
            if self._answers():
                return
            end(self._process)
        raise AssertionError('nginx did not start: ' + self.error_path.read_text())

    def _answers(self):
        deadline = time.monotonic() + 30 * PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', self.port)) == 0:
                    return (pathlib.Path(self._folder.name) / 'pid').exists()
            time.sleep(0.02)
        return False

    def url(self, name):
        return f'http://127.0.0.1:{self.port}/{name}'

    def hurry(self):
        """Lets come at once what is asked for from now on."""
        self._hurry_path.touch()

    def fetches(self):
        fetches = []
        for line in self.log_path.read_text().splitlines():
            target, status, n_bytes, asked, _seconds = line.split('|')
            first = re.match(r'bytes=(\d+)-', asked)
            fetches.append(Fetch(target, int(status), int(first[1]) if first else 0, int(n_bytes)))
        return fetches


class MuteServer:
    """Takes connections and what is sent, and answers nothing; notes when each came."""

    def __init__(self):
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.arrivals = []
        self._over = False
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._over = True
        self._thread.join()
        self._listener.close()

    def _accept(self):
        held = []
        while not self._over:
            if select.select([self._listener], [], [], 0.05)[0]:
                held.append(self._listener.accept()[0])
                self.arrivals.append(time.monotonic())
        for connection in held:
            connection.close()

    def url(self, name):
        return f'http://127.0.0.1:{self._listener.getsockname()[1]}/{name}'


class PlainServer:
    """Python's server, for answers that neither of the others gives; `answer` is called with the
    handler of a request. Notes the token that each request came with."""

    def __init__(self, answer):
        plain = self
        self.tokens = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                plain.tokens.append(self.headers['Authorization'])
                # The client may leave in the middle of it.
                with contextlib.suppress(ConnectionError):
                    answer(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, name):
        return f'http://127.0.0.1:{self._server.server_address[1]}/{name}'


def redirect_to(target):
    def answer(handler):
        handler.send_response(302)
        handler.send_header('Location', target)
        handler.send_header('Content-Length', '0')
        handler.end_headers()

    return answer


def chunked(n_bytes):
    """A body whose length is told by its end alone."""
    def answer(handler):
        handler.send_response(200)
        handler.send_header('Content-Type', 'application/octet-stream')
        handler.send_header('ETag', '"one"')
        handler.send_header('Transfer-Encoding', 'chunked')
        handler.end_headers()
        chunk = bytes(1 << 16)
        for _ in range(n_bytes >> 16):
            handler.wfile.write(b'%x\r\n%s\r\n' % (len(chunk), chunk))
        handler.wfile.write(b'0\r\n\r\n')

    return answer


def wait_for(condition, what, seconds=60):
    """Waits until the condition holds; it is an error if it does not in time."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {seconds} s for {what}')
        time.sleep(0.01)
