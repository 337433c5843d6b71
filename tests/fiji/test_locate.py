"""Which ImageJ is taken, and what is said where there is none."""

from __future__ import annotations

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.fiji import locate
from deepz_zoo.fiji.locate import find_imagej, find_java, java_version


@pytest.fixture
def plain(tmp_path):
    """Return a folder laid out as a plain ImageJ."""
    folder = tmp_path / "ImageJ"
    (folder / "plugins").mkdir(parents=True)
    (folder / "ij.jar").touch()
    return folder


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch):
    for variable in ("FIJI_HOME", "IJ_JAR"):
        monkeypatch.delenv(variable, raising=False)


def test_places(fiji, plain):
    found = find_imagej(fiji)
    assert (found.kind, found.place, found.plugins) == ("fiji", str(fiji), fiji / "plugins")
    for place in (plain, plain / "ij.jar"):
        found = find_imagej(place)
        assert (found.kind, found.place) == ("imagej", str(plain / "ij.jar"))
        assert found.plugins == plain / "plugins"


def test_the_folders_of_debian(tmp_path, monkeypatch):
    share, home = tmp_path / "usr" / "share", tmp_path / "home"
    (jar := share / "java" / "ij.jar").parent.mkdir(parents=True)
    jar.touch()
    (home / ".imagej" / "plugins").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert find_imagej(jar).plugins is None
    (shared := share / "imagej" / "plugins").mkdir(parents=True)
    (shared / "Import_Orthanc.jar").touch()
    for place in (jar, share / "imagej"):
        found = find_imagej(place)
        assert (found.kind, found.place, found.plugins) == ("imagej", str(jar), shared)
    # Debian's imagej has been run: it makes links in the folder where users put their own
    (linked := home / ".imagej" / "plugins" / "Import_Orthanc.jar").touch()
    assert find_imagej(share / "imagej").plugins == linked.parent


@pytest.mark.parametrize("coordinates", ["sc.fiji:fiji", "sc.fiji:fiji:2.14.0+org.a:b-c"])
def test_maven_coordinates(coordinates):
    assert find_imagej(coordinates).kind == "maven"


def test_variables_come_before_usual_places_and_fiji_first(fiji, plain, monkeypatch):
    monkeypatch.setattr(locate, "usual_places", lambda: iter([plain]))
    assert find_imagej().place == str(plain / "ij.jar")
    (other := plain.parent / "other.jar").touch()
    monkeypatch.setenv("IJ_JAR", str(other))
    assert find_imagej().place == str(other)
    monkeypatch.setenv("FIJI_HOME", str(fiji))
    assert find_imagej().kind == "fiji"


def test_usual_places_prefer_a_fiji(fiji, plain, monkeypatch):
    (home := plain.parent / "home").mkdir()
    fiji.rename(home / "Fiji.app")
    plain.rename(home / "ImageJ")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert find_imagej().place == str(home / "Fiji.app")


def test_what_is_wrong_is_named(tmp_path, monkeypatch):
    with pytest.raises(DeepZError, match="neither a Fiji folder"):
        find_imagej(tmp_path)
    with pytest.raises(DeepZError, match="no such folder or jar"):
        find_imagej(tmp_path / "ij.jar")
    monkeypatch.setenv("FIJI_HOME", str(tmp_path / "gone"))
    with pytest.raises(DeepZError, match="gone.*named by FIJI_HOME"):
        find_imagej()
    monkeypatch.delenv("FIJI_HOME")
    monkeypatch.setattr(locate, "usual_places", lambda: iter(()))
    with pytest.raises(DeepZError, match="no ImageJ found; download Fiji"):
        find_imagej()


def test_java_of_the_variable_then_of_fiji_then_of_the_path(fiji, tmp_path, monkeypatch):
    def make(home, version):
        program = home / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        program.chmod(0o755)
        return home

    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{make(tmp_path / 'of_path', '11.0.2') / 'bin'}:/usr/bin:/bin")
    bundled = make(fiji / "java" / "linux64" / "zulu21", "21.0.7")
    assert find_java() == tmp_path / "of_path"
    assert find_java(find_imagej(fiji)) == bundled
    monkeypatch.setenv("JAVA_HOME", str(make(tmp_path / "named", "17.0.1")))
    assert find_java(find_imagej(fiji)) == tmp_path / "named"
    assert java_version(bundled) == "21.0.7"
    assert java_version(tmp_path) is None
