# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window remembers: where models go, how large it is, and what was running."""

import configparser
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'cli'))

import tap  # noqa: E402
from program import WindowTest  # noqa: E402
from servers import ModelServer  # noqa: E402

MEGABYTE = 1000 * 1000
SIZE = 6 * MEGABYTE
GROUP = 'org/dray/Dray'
APPLICATION = 'org.dray.Dray'


class Settings(WindowTest):
    def setUp(self):
        super().setUp()
        self.server = ModelServer(MEGABYTE, SIZE // 3, Small=SIZE, Other=SIZE)
        self.addCleanup(self.server.__exit__)
        self.url = self.server.url('Small.gguf')
        self.path = self.home.root / 'config' / 'glib-2.0' / 'settings' / 'keyfile'

    def stored(self):
        parser = configparser.ConfigParser()
        parser.read(self.path)
        return dict(parser[GROUP]) if GROUP in parser else {}

    def store(self, **values):
        self.path.parent.mkdir(parents=True)
        lines = (f'{name.replace("_", "-")}={value}' for name, value in values.items())
        self.path.write_text('\n'.join([f'[{GROUP}]', *lines, '']))

    def width(self, program):
        return int(self.desktop.xdotool('getwindowgeometry', '--shell', program.window_id())
                   .split('WIDTH=')[1].split()[0])

    def test_models_go_where_the_settings_say(self):
        library = self.home.root / 'drive' / 'Modelle für alle'
        self.store(library_folder=f"'{library}'")
        self.server.hurry()
        program = self.open()
        program.wait_for_label(f'Saved in {library}')
        program.type_link(self.url)
        program.wait_for_label(str(library))
        program.click('Download')
        program.wait_for_label('Complete')
        self.assertEqual([path.name for path in library.rglob('*.gguf')], ['Small.gguf'])
        self.assertEqual(self.files(), [])

    def test_change_where_models_go(self):
        library = self.home.root / 'chosen'
        library.mkdir()
        self.server.hurry()
        program = self.open()
        program.wait_for_label('Saved in Downloads/Models')
        self.shoot('first-run')
        program.click('Change')
        program.choose_folder(library)
        program.wait_for_label(f'Saved in {library}')
        self.assertEqual(self.stored()['library-folder'], f"'{library}'")
        program.type_link(self.url)
        program.click('Download')
        program.wait_for_label('Complete')
        self.assertEqual([path.name for path in library.rglob('*.gguf')], ['Small.gguf'])

    def test_a_folder_that_takes_no_files_is_not_taken(self):
        self.server.hurry()
        program = self.open()
        program.wait_for_label('Saved in Downloads/Models')
        program.click('Change')
        program.choose_folder('/proc')
        program.wait_for_label('Models cannot be kept in that folder')
        program.wait_for_label('Saved in Downloads/Models')
        self.assertNotIn('library-folder', self.stored())
        program.type_link(self.url)
        program.click('Download')
        program.wait_for_label('Complete')
        self.assertEqual(self.files(), ['Small.gguf'])

    def test_nothing_is_changed_where_nothing_is_remembered(self):
        self.home.environment['GSETTINGS_SCHEMA_DIR'] = ''
        program = self.open()
        program.wait_for_label('Saved in Downloads/Models')
        self.assertIsNotNone(program.find_button('Add Model'))
        self.assertIsNone(program.find_button('Change'))

    def test_only_so_many_run_at_once(self):
        self.store(max_transfers='uint32 1')
        program = self.open(self.url, self.server.url('Other.gguf'))
        program.wait_for_fraction('Small')
        self.assertEqual([name for name in ('Small', 'Other') if program.fraction(name)], ['Small'])
        self.assertEqual([fetch['target'] for fetch in self.server.records()], ['/Small.gguf'])

    def test_all_are_as_slow_as_the_settings_say(self):
        self.server.hurry()
        self.store(rate_limit='uint64 1')
        program = self.open(self.url)
        program.wait_for_label(' bytes of 6.0')
        self.path.write_text(f'[{GROUP}]\nrate-limit=uint64 0\n')
        program.wait_for_label('Complete')

    def test_a_limit_from_the_bus_is_remembered(self):
        program = self.open()
        self.desktop.run('gdbus', 'call', '--session', '--dest', APPLICATION, '--object-path',
                         '/' + APPLICATION.replace('.', '/'), '--method',
                         'org.freedesktop.DBus.Properties.Set', 'org.dray.Dray.Manager1',
                         'RateLimit', '<uint64 5000000>')
        program.wait_for(lambda: self.stored().get('rate-limit') == '5000000',
                         'the limit to be stored')

    def test_the_window_is_as_large_as_it_was(self):
        program = self.open()
        program.wait_for(lambda: self.width(program) >= 900, 'the size of the first run')
        first = self.width(program)
        self.desktop.xdotool('windowsize', program.window_id(), first - 300, 640)
        program.wait_for(lambda: self.width(program) == first - 300, 'another size')
        program.wait_for(lambda: 'window-width' in self.stored(), 'the size to be stored')
        self.assertEqual(program.quit(), 0)
        program = self.open()
        program.wait_for(lambda: self.width(program) == first - 300, 'the size that it had')

    def test_what_was_running_goes_on(self):
        program = self.open(self.url)
        program.wait_for_fraction('Small')
        program.click('Close')
        self.assertEqual(program.wait_for_end(), 0)
        kept = self.written()
        self.assertGreater(kept, 0)
        self.server.set_gate('Small.gguf', SIZE // 3 * 2)
        program = self.open()
        program.wait_for_label('In Progress')
        program.wait_for_fraction('Small', kept / SIZE)
        program.click('Pause Small')
        program.wait_for_label('Paused · ')
        self.assertEqual(program.quit(), 0)
        program = self.open()
        program.wait_for_label('Paused · ')
        self.assertIsNotNone(program.find_button('Resume Small'))

    def test_what_was_running_goes_on_after_a_crash(self):
        program = self.open(self.url)
        program.wait_for_fraction('Small')
        program.process.kill()
        program.wait_for_end()
        kept = self.written()
        self.server.set_gate('Small.gguf', SIZE // 3 * 2)
        program = self.open()
        program.wait_for_label('In Progress')
        program.wait_for_fraction('Small', kept / SIZE)

    def test_what_was_running_stays_paused_where_that_is_wanted(self):
        self.store(resume_at_start='false')
        program = self.open(self.url)
        program.wait_for_fraction('Small')
        self.assertEqual(program.quit(), 0)
        program = self.open()
        program.wait_for_label('Paused · ')


if __name__ == '__main__':
    tap.main()
