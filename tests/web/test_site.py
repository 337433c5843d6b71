"""What stands beside the page, and how both are served; a stand-in is taken for the built page."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import read_image
from deepz_zoo.web import site
from deepz_zoo.web.description import describe
from deepz_zoo.web.server import serve
from deepz_zoo.web.site import refuse_site, write_site
from deepz_zoo.zoo import list_models


@pytest.fixture
def page(tmp_path, monkeypatch) -> Path:
    """Return the folder of a page that is taken for the built one."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<title>Deep-Z</title>")
    (folder / "a.mjs").write_text("export {}")
    monkeypatch.setattr(site, "PAGE", folder)
    return folder


def write_onnx(path: Path) -> None:
    path.write_bytes(b"onnx")


def test_site_holds_models_and_calibrated_examples(page, tmp_path):
    manifests = list_models()
    write_site(tmp_path / "site", [(manifest, write_onnx) for manifest in manifests])
    models = json.loads((tmp_path / "site/models.json").read_text(encoding="utf-8"))["models"]
    assert [model["name"] for model in models] == [manifest.name for manifest in manifests]
    for model, manifest in zip(models, manifests, strict=True):
        assert (tmp_path / "site" / model["onnx"]).read_bytes() == b"onnx"
        example = read_image(tmp_path / "site" / model["example"])
        assert example.axes == "yx"
        assert example.pixel_size_um == model["pixelSizeUm"] == manifest.system.pixel_size_um
    assert (tmp_path / "site/index.html").is_file()


def test_what_the_page_warns_of_is_what_was_measured(manifest, limits):
    plain = describe(manifest)
    assert (plain.min_signal_to_noise, plain.pixel_sizes) == (5.0, (None, None))
    measured = describe(manifest.model_copy(update={"limits": limits}))
    assert measured.min_signal_to_noise_reason.startswith("on simulated images the model failed")
    low, high = measured.pixel_sizes
    assert (low, high) == (0.88, 1.1)


def test_larger_networks_take_smaller_images():
    most = {manifest.size: describe(manifest).max_pixels for manifest in list_models()}
    assert most == {"lite": 2**22, "half": 2**21}


def test_only_an_older_site_is_replaced(page, tmp_path, manifest):
    folder = tmp_path / "site"
    write_site(folder, [(manifest, write_onnx)])
    with pytest.raises(DeepZError, match="exists; move it away or set `overwrite`"):
        write_site(folder, [(manifest, write_onnx)])
    write_site(folder, [(manifest, write_onnx)], overwrite=True)
    (tmp_path / "thesis").mkdir()
    with pytest.raises(DeepZError, match="is no Deep-Z web page"):
        refuse_site(tmp_path / "thesis", overwrite=True)


def test_failure_leaves_nothing(page, tmp_path, manifest):
    def fail(path: Path) -> None:
        raise DeepZError("no weights")

    with pytest.raises(DeepZError, match="no weights"):
        write_site(tmp_path / "site", [(manifest, fail)])
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_package_with_its_page(page, tmp_path, run, run_cli, built):
    package = tmp_path / "mine.zip"
    arguments = ("package", "--weights", run / "best.safetensors", "-o", package, "--web")
    code, out, err = run_cli(*arguments, "--no-test")
    assert (code, err) == (0, "")
    folder = tmp_path / "mine_web"
    assert str(folder) in out.replace("\n", "")
    (onnx,) = (folder / "models").glob("*.onnx")
    assert onnx.read_bytes() == zipfile.ZipFile(package).read("weights.onnx")
    code, _, err = run_cli("package", "--weights", run / "best.safetensors", "--web", "-o", built)
    assert code == 2


def test_page_belongs_to_the_variant_with_a_dpm(run_cli):
    code, _, err = run_cli("package", "leica20x_0.8/TxRd", "--variant", "zstack", "--web")
    assert (code, "--web belongs to --variant surface" in err) == (2, True)


def test_page_that_is_not_built(run_cli, tmp_path, monkeypatch):
    monkeypatch.setattr(site, "PAGE", tmp_path)
    code, _, err = run_cli("web")
    assert code == 2
    assert err.startswith("Error: this installation has no built web page")
    assert "'make web'" in err


# ---------------------------------------------------------------------------------------- a server


@pytest.fixture
def address(page) -> str:
    """Return host and port of a server with one model that can be written and one that cannot."""

    def broken(path: Path) -> None:
        raise DeepZError("weights are damaged")

    files = {"models/good.onnx": write_onnx, "models/bad.onnx": broken}
    started, addresses = threading.Event(), []

    def ready(address: str) -> None:
        addresses.append(urlsplit(address).netloc)
        started.set()

    threading.Thread(target=serve, args=(files, 0, ready), daemon=True).start()
    started.wait()
    return addresses[0]


@pytest.fixture
def ask(address):
    """Return a function that gets a file from the server: (status, headers, content)."""

    def get(name: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(address)
        connection.request("GET", name)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    return get


def test_served_page_is_isolated_and_typed(ask):
    status, headers, content = ask("/")
    assert (status, content) == (200, b"<title>Deep-Z</title>")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert ask("/a.mjs")[1]["Content-Type"] == "text/javascript"


def test_models_are_written_when_they_are_asked_for(ask):
    assert ask("/models/good.onnx")[2] == ask("/models/good.onnx?again")[2] == b"onnx"
    status, _, content = ask("/models/bad.onnx")
    assert (status, b"weights are damaged" in content) == (500, True)


def test_browser_that_leaves_is_not_reported(page, address, ask, capfd):
    (page / "large.wasm").write_bytes(bytes(2**24))
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port))) as leaving:
        leaving.sendall(b"GET /large.wasm HTTP/1.0\r\n\r\n")
        leaving.recv(100)
        # closes with a reset
        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ask("/")[0] == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["/models/", "/nothing", "/../test_site.py", "/%2e%2e/x"])
def test_nothing_else_is_served(ask, name):
    assert ask(name)[0] == 404


def test_port_that_is_taken(page, run_cli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = run_cli("web", "--port", str(port))
    assert code == 2
    assert err.startswith(f"Error: port {port} cannot be used")
    assert "--port" in err
