#!/usr/bin/env -S gjs -m
// SPDX-License-Identifier: GPL-3.0-or-later
// download.js LINK FOLDER: pauses at 10 %; run again, it goes on from there and completes.

import Dray from 'gi://Dray?version=0.1';
import GLib from 'gi://GLib';
import System from 'system';

const [link, folder] = System.programArgs;
const loop = new GLib.MainLoop(null, false);
const manager = Dray.Manager.new(`${folder}/catalog.sqlite3`, folder);

manager.open_async((_manager, opened) => {
    manager.open_finish(opened);
    const isFirstRun = manager.get_requests().get_n_items() === 0;
    const request = manager.download_asset(link, null);

    request.connect('notify::downloaded', () => {
        print(request.downloaded, request.total, `${request.percentage.toFixed(1)} %`,
            request.downloadKey);
        if (isFirstRun && request.percentage >= 10)
            manager.cancel_async(request.id, false, null);
    });
    request.await_async(null, (_request, settled) => {
        try {
            print('completed', request.await_finish(settled));
        } catch (error) {
            print(error.matches(Dray.Error, Dray.Error.CANCELLED) ? 'paused' : error);
        }
        manager.close_async(() => loop.quit());
    });
});
loop.run();
