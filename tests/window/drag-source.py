#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window from which a link can be dragged: drag-source.py [MIME-TYPE TEXT]…

Tells on standard output, a line each: `ready`, `begin` when a drag has begun, `accepted` when what
lies under it would take it, `refused` when that is over, and `dropped` or `cancelled` at its end.
"""

import sys

import gi
gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def tell(word):
    print(word, flush=True)


def begun_cb(_source, drag):
    tell('begin')
    drag.connect('notify::selected-action',
                 lambda *_: tell('accepted' if drag.get_selected_action() else 'refused'))
    drag.connect('drop-performed', lambda *_: tell('dropped'))
    drag.connect('cancel', lambda *_: tell('cancelled'))


def main():
    offers = zip(sys.argv[1::2], sys.argv[2::2])
    Gtk.init()
    source = Gtk.DragSource(actions=Gdk.DragAction.COPY)
    source.set_content(Gdk.ContentProvider.new_union(
        [Gdk.ContentProvider.new_for_bytes(mime_type, GLib.Bytes(text.encode()))
         for mime_type, text in offers]))
    source.connect('drag-begin', begun_cb)
    label = Gtk.Label(label='Drag me', width_request=200, height_request=150)
    label.add_controller(source)
    window = Gtk.Window(title='Drag source', decorated=False, child=label)
    window.connect('map', lambda *_: GLib.idle_add(tell, 'ready'))
    window.present()
    GLib.MainLoop().run()


main()
