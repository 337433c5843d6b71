"""The commands that stand in for the menus of a plain ImageJ without a display."""

from __future__ import annotations

import zipfile

from deepz_zoo.fiji.menu_commands import plugin_entries, read_entries


def test_entries_lose_their_shortcuts_and_keep_their_arguments():
    lines = [
        "# Commands, version 1.53",
        'new01="Image...[n]",ij.plugin.Commands("new")',
        'filters05="Gaussian Blur...",ij.plugin.filter.GaussianBlur ',
        'Plugins>Extended Depth of Field, "EDF Easy mode", EDF_Easy_',
        "filters06=-",
        'not an "entry"',
    ]
    assert list(read_entries(lines)) == [
        ("Image...", 'ij.plugin.Commands("new")'),
        ("Gaussian Blur...", "ij.plugin.filter.GaussianBlur"),
        ("EDF Easy mode", "EDF_Easy_"),
    ]


def test_plugins_are_named_as_in_the_menu(tmp_path):
    (tmp_path / "Deep-Z").mkdir()
    macro = tmp_path / "Deep-Z" / "Deep-Z_Refocus.ijm"
    for path in (macro, tmp_path / "StackReg_.class", tmp_path / "StackReg_$1.class"):
        path.touch()
    (tmp_path / "helper.ijm").touch()  # without an underscore it is no command
    (tmp_path / "damaged.jar").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "EDF_.jar", "w") as jar:
        jar.writestr("plugins.config", '# EDF\nPlugins, "EDF Easy mode", EDF_Easy_\n')
    assert dict(plugin_entries(tmp_path)) == {
        "Deep-Z Refocus": f'ij.plugin.Macro_Runner("{macro}")',
        "EDF Easy mode": "EDF_Easy_",
        "StackReg ": "StackReg_",  # the trailing blank is ImageJ's
    }
