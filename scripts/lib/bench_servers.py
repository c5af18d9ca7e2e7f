# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that the bench downloads from; all on loopback, and ended with their context."""

import os
import pwd
import socket
import subprocess
import time
import urllib.request

from bench_programs import BenchError

TRUSTED = '/etc/ssl/certs/ca-certificates.crt'


def free_port():
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def run(*command):
    """Runs a tool that must succeed."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise BenchError(f'{command[0]} failed: {result.stdout.strip()}')


def make_certificate(folder):
    """Makes a certificate for 127.0.0.1 that signs itself, and has this mount namespace trust it
    beside those that the system trusts; returns its path and its key's."""
    certificate, key, bundle = (folder / name for name in ('certificate', 'key', 'bundle'))
    run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-days', '30', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1',
        '-keyout', key, '-out', certificate)
    with open(TRUSTED, encoding='ascii') as file:
        bundle.write_text(file.read() + certificate.read_text())
    run('mount', '--bind', bundle, TRUSTED)
    return certificate, key


class Process:
    """A server's process."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def last_byte(self):
        """When the last answer was over, as Unix time; None if the server does not tell."""
        return None


class Nginx(Process):
    """Debian's nginx with its own configuration, over the files of a folder. Tuned as Debian does,
    with a worker for each core."""

    def __init__(self, scratch, files, rate=0, certificate=None):
        self.scheme = 'https' if certificate else 'http'
        self.port = free_port()
        self.log = scratch / f'{self.scheme}-{self.port}.log'
        secure = ''
        if certificate:
            secure = f'ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};'
        user = f'user {pwd.getpwuid(0).pw_name};' if os.getuid() == 0 else ''
        temporary = ''.join(f'{kind}_temp_path {scratch}/{kind};'
                            for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        path = scratch / f'nginx-{self.port}.conf'
        path.write_text(f'''daemon off; worker_processes auto; {user}
            pid {scratch}/nginx-{self.port}.pid; error_log {scratch}/error.log;
            events {{ worker_connections 768; }}
            http {{
              {temporary} {secure}
              log_format end '$msec'; access_log {self.log} end;
              sendfile on; tcp_nopush on; limit_rate {rate};
              server {{
                listen 127.0.0.1:{self.port}{' ssl' if certificate else ''}; root {files};
              }}
            }}''')
        super().__init__('nginx', '-p', scratch, '-e', scratch / 'error.log', '-c', path)
        self._wait(scratch / 'error.log')

    def _wait(self, error_path):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', self.port)) == 0:
                    return
            time.sleep(0.02)
        raise BenchError(f'nginx did not start: {error_path.read_text()}')

    def url(self, name):
        """Where a file is."""
        return f'{self.scheme}://127.0.0.1:{self.port}/{name}'

    def last_byte(self):
        time.sleep(0.05)
        return max(map(float, self.log.read_text().split()))


class ModelServer(Process):
    """tests/server as a program: an even rate for each connection, and connections that collapse
    if `collapse` is given."""

    def __init__(self, build, files, rate, collapse=None):
        super().__init__(build / 'tests' / 'server' / 'dray-model-server', '--rate', str(rate),
                         '--directory', files, stdout=subprocess.PIPE, text=True)
        self.base = self.process.stdout.readline().split()[-1]
        names = [path.name for path in files.iterdir()]
        for name in names:  # each line comes when the file is hashed
            self.process.stdout.readline()
            if collapse:
                query = '&'.join(f'{key}={value}' for key, value in collapse.items())
                with urllib.request.urlopen(f'{self.base}/control/collapse?name={name}&{query}',
                                            data=b''):
                    pass

    def url(self, name):
        """Where a file is."""
        return f'{self.base}/{name}'
