#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""download.py LINK FOLDER: pauses at 10 %; run again, it goes on from there and completes."""

import sys

import gi

gi.require_version('Dray', '0.1')
from gi.repository import Dray, GLib

link, folder = sys.argv[1:]
loop = GLib.MainLoop()
manager = Dray.Manager.new(f'{folder}/catalog.sqlite3', folder)


def opened(_manager, result):
    manager.open_finish(result)
    is_first_run = len(manager.get_requests()) == 0
    request = manager.download_asset(link, None)
    request.connect('notify::downloaded', show, is_first_run)
    request.await_async(None, settled)


def show(request, _property, is_first_run):
    print(request.props.downloaded, request.props.total, f'{request.props.percentage:.1f} %',
          request.props.download_key, flush=True)
    if is_first_run and request.props.percentage >= 10:
        manager.cancel_async(request.props.id, False, None)


def settled(request, result):
    try:
        print('completed', request.await_finish(result))
    except GLib.Error as error:
        print('paused' if error.matches(Dray.error_quark(), Dray.Error.CANCELLED) else error)
    manager.close_async(lambda *_: loop.quit())


manager.open_async(opened)
loop.run()
