"""The page in a real Chromium gives what the command line gives, and says what it says."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from deepz_zoo.dpm import Cylinder, Tilt
from deepz_zoo.images import Image, read_image, write_image
from deepz_zoo.intensities import intensity_scale
from deepz_zoo.models import load_model
from deepz_zoo.network.graph.export import export_onnx
from deepz_zoo.refocus import plan_refocus
from deepz_zoo.web.site import write_site
from deepz_zoo.zoo.examples import make_example

MODEL = "leica20x_0.8/TxRd"
AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"

pytestmark = pytest.mark.slow

loaded = functools.cache(partial(load_model, MODEL))


def camera_image(ny: int = 61, nx: int = 83, pixel_um: float | None = 0.325) -> Image:
    """Return a piece of the model's example whose sides are no multiples of anything."""
    whole = make_example(loaded()[1].system).image
    return Image(whole[40 : 40 + ny, 50 : 50 + nx].astype(np.uint16), "yx", pixel_um)


def saved(folder: Path, image: Image, name: str = "cells.ome.tif") -> Path:
    write_image(folder / name, image)
    return folder / name


def refocused(image: Image, target, **options) -> np.ndarray:
    """Return what the command line makes of an image, in float32 by torch."""
    model, manifest = loaded()
    return next(plan_refocus(image, manifest, target, **options).run(model))


def assert_same_plane(found: np.ndarray, image: Image, target, **options) -> None:
    difference = np.abs(found - refocused(image, target, **options)).max()
    assert difference < 1e-3 * intensity_scale(image.data).scale


def test_dropped_image_and_turned_knob_give_the_plane_of_refocus(page, tmp_path):
    image = camera_image()
    page.drop(saved(tmp_path, image))
    page.turn("Depth", 30)
    assert page.target["depthUm"] == 3
    plane = read_image(page.download("This plane", tmp_path))
    assert (plane.pixel_size_um, plane.z_origin_um, plane.axes) == (0.325, 3.0, "yx")
    assert_same_plane(plane.data, image, [3.0])


@pytest.mark.parametrize(
    ("kind", "knob", "axis", "surface"),
    [
        ("Tilt", "Tilt", "x", Tilt(3.0, "x", 0.2)),
        ("Cylinder", "Diameter of the cylinder", "y", Cylinder(6000, "y", 0.2)),
    ],
)
def test_surfaces(page, tmp_path, kind, knob, axis, surface):
    image = camera_image()
    page.drop(saved(tmp_path, image))
    page.press(kind)
    page.choose("Axis along which the surface does not change", axis)
    page.turn("Depth", 2)
    page.turn(knob, 15 if kind == "Tilt" else -1)
    plane = read_image(page.download("This plane", tmp_path))
    assert_same_plane(plane.data, image, surface)


@pytest.mark.parametrize("pixel_um", [0.5, 0.21])
def test_other_pixels_are_resampled_on_request(page, tmp_path, pixel_um):
    image = camera_image(pixel_um=pixel_um)
    page.drop(saved(tmp_path, image))
    assert re.match(rf".*pixels of {pixel_um} µm, the model's are 0.325 µm", page.message)
    page.choose("Where the pixel sizes differ", "resample")
    page.turn("Depth", -20)
    plane = read_image(page.download("This plane", tmp_path))
    assert_same_plane(plane.data, image, [-2.0], mismatch="resample")
    page.choose("Where the pixel sizes differ", "ignore")
    plane = read_image(page.download("This plane", tmp_path))
    assert_same_plane(plane.data, image, [-2.0], mismatch="ignore")


def test_stack_and_gif(page, tmp_path):
    image = camera_image(32, 40)
    page.drop(saved(tmp_path, image))
    stack = read_image(page.download("Stack", tmp_path))
    assert (stack.axes, stack.z_origin_um, stack.z_step_um) == ("zyx", -10, 1)
    assert_same_plane(stack.data[0], image, [-10.0])
    assert_same_plane(stack.data[14], image, [4.0])
    page.expect_status("px")
    with Picture.open(page.download("GIF", tmp_path)) as gif:
        assert (gif.size, gif.n_frames) == ((40, 32), 40)


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("uint8", {"compression": "lzw"}),
        ("uint16", {"byteorder": ">", "bigtiff": True}),
        ("float32", {"compression": "zlib", "predictor": True, "tile": (16, 16)}),
        ("int16", {"imagej": False, "rowsperstrip": 7}),
        ("uint16", {"imagej": True, "resolution": (3.077, 3.077), "metadata": {"unit": "um"}}),
    ],
)
def test_kinds_of_tiff(page, tmp_path, dtype, options):
    values = (camera_image(33, 47).data // 20).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", **options)
    page.drop(tmp_path / "a.tif")
    assert not page.message
    plane = read_image(page.download("This plane", tmp_path))
    assert_same_plane(plane.data, read_image(tmp_path / "a.tif"), [0.0])


def test_png(page, tmp_path):
    image = camera_image()
    Picture.fromarray(image.data).save(tmp_path / "a.png")
    page.drop(tmp_path / "a.png")
    plane = read_image(page.download("This plane", tmp_path))
    assert_same_plane(plane.data, read_image(tmp_path / "a.png"), [0.0])


def test_file_that_is_chosen_in_a_dialog(page, tmp_path):
    with page.page.expect_file_chooser() as chooser:
        page.page.get_by_role("button", name="Open a file").click()
    chooser.value.set_files(saved(tmp_path, camera_image(32, 32), "chosen.ome.tif"))
    page.expect_status("chosen.ome.tif, 32 × 32 px")


def test_any_image_of_a_file(page, tmp_path):
    image = camera_image(32, 48)
    planes = np.stack([image.data, image.data[::-1], image.data[:, ::-1]])
    page.drop(saved(tmp_path, replace(image, data=planes, axes="tyx")))
    assert page.page.get_by_label("Image of the file").input_value() == "2"
    page.fill("Image of the file", "3")
    plane = read_image(page.download("This plane", tmp_path))
    assert_same_plane(plane.data, replace(image, data=planes[2]), [0.0])


def test_warnings_are_those_of_the_command_line(page, tmp_path):
    data = camera_image().data.copy()
    data[:10, :10] = 4095
    noisy = np.minimum(data + np.random.default_rng(0).integers(0, 900, data.shape), 4095)
    image = Image(
        noisy.astype(np.uint16),
        "yx",
        0.4,
        numerical_aperture=1.2,
        immersion="Water",
        emission_um=(0.45,),
    )
    page.drop(saved(tmp_path, image))
    page.choose("Where the pixel sizes differ", "ignore")
    said = plan_refocus(image, loaded()[1], [0.0], mismatch="ignore").warnings
    assert len(said) >= 5
    # The command line names options, where the page has a menu.
    assert [line.replace("so use `resample`", "so resample") + "." for line in said] == list(
        page.warnings
    )


def test_another_model_takes_the_same_image(page, tmp_path):
    image = camera_image()
    page.drop(saved(tmp_path, image))
    page.choose("Model", "leica40x_1.3/TxRd")
    assert "the model's are 0.1625 µm" in page.message
    page.choose("Model", "leica20x_0.8/FITC")
    model, manifest = load_model("leica20x_0.8/FITC")
    plane = read_image(page.download("This plane", tmp_path))
    expected = next(plan_refocus(image, manifest, [0.0]).run(model))
    assert np.abs(plane.data - expected).max() < 1e-3 * intensity_scale(image.data).scale
    page.choose("Model", MODEL)


def test_surface_beyond_the_range_is_refused_or_clipped(page, tmp_path):
    image = camera_image()
    page.drop(saved(tmp_path, image))
    page.press("Tilt")
    page.turn("Tilt", 135)  # to its end, 15°
    page.turn("Depth", 90)
    assert "the model was trained from -10 to +10 µm" in page.message
    page.press("Clip to the trained range")
    surface = Tilt(15, "y", 9)
    plan = plan_refocus(image, loaded()[1], surface, clip=True)
    assert [f"{line}." for line in plan.warnings] == list(page.warnings)
    plane = read_image(page.download("This plane", tmp_path))
    assert_same_plane(plane.data, image, surface, clip=True)


def bad_file(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.tif"
    image = camera_image(32, 32).data
    if kind == "text":
        path.write_text("no image")
    elif kind == "empty":
        path.touch()
    elif kind == "rgb":
        tifffile.imwrite(path, np.zeros((32, 32, 3), np.uint8), photometric="rgb")
    elif kind == "large":
        tifffile.imwrite(path, np.zeros((5000, 5000), np.uint8), compression="zlib")
    elif kind == "nan":
        tifffile.imwrite(path, np.where(image > image.mean(), np.nan, image).astype(np.float32))
    elif kind == "small":
        tifffile.imwrite(path, image[:1, :1])
    elif kind == "inverted":
        tifffile.imwrite(path, image, photometric="miniswhite")
    elif kind == "truncated":
        tifffile.imwrite(path, image)
        path.write_bytes(path.read_bytes()[:-500])
    return path


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("text", "text.tif is neither a TIFF nor a PNG file, whatever its name says"),
        ("empty", r"empty.tif is empty \(0 bytes\)"),
        ("rgb", r"rgb.tif: this is a color \(RGB or alpha\) image"),
        ("large", "large.tif: the image is 5000 × 5000 px, more than a browser's memory takes"),
        ("nan", "nan.tif: .* pixels are NaN or infinite"),
        ("small", "small.tif: the image is 1 × 1 px; expected 16 × 16 or more"),
        ("inverted", "inverted.tif: shows white where the value is 0"),
        ("truncated", "truncated.tif cannot be read whole"),
    ],
)
def test_what_is_no_image_is_refused_in_a_line(page, tmp_path, kind, line):
    page.drop(saved(tmp_path, camera_image(32, 32)))
    page.drop(bad_file(tmp_path, kind))
    assert re.match(line, page.message)
    page.turn("Depth", 1)  # the image before it is still there
    page.expect_status("cells.ome.tif, 32 × 32 px")
    assert not page.message


def test_nothing_leaves_the_computer(page, served, tmp_path):
    page.drop(saved(tmp_path, camera_image(32, 32)))
    assert {method for method, _ in page.requests} == {"GET"}
    assert all(url.startswith((served, "blob:", "data:")) for _, url in page.requests)
    refused = "fetch('http://localhost:1/', {mode: 'no-cors'}).then(() => '', e => `${e}`)"
    with page.page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        assert "TypeError" in page.page.evaluate(refused)


def test_keys_do_everything(page):
    press, focused = page.page.keyboard.press, page.page.locator(":focus")
    page.page.get_by_role("button", name="Open a file").focus()
    press("Tab")
    assert focused.text_content() == "Show an example"
    press("Enter")
    page.expect_status("Refocused in")
    press("Tab")
    press("Tab")
    press("Tab")
    assert focused.get_attribute("aria-label") == "Depth"
    press("End")
    page.page.wait_for_selector("#refocused[data-target*='\"depthUm\":10,']")
    assert focused.get_attribute("aria-valuetext") == "+10 µm"
    press("Tab")
    press("ArrowRight")
    page.page.wait_for_selector("#refocused[data-target*=tilt], #message:not(:empty)")


def test_dial_is_turned_by_the_pointer_and_by_the_wheel(page, tmp_path):
    page.drop(saved(tmp_path, camera_image(32, 32)))
    box = page.page.locator("#depth .dial").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 30, y)  # a tenth of the way from end to end
    page.page.mouse.up()
    page.page.wait_for_selector("#refocused[data-target*='\"depthUm\":2,']")
    page.page.mouse.wheel(0, -100)
    page.page.wait_for_selector("#refocused[data-target*='\"depthUm\":2.1,']")


def test_sweep_plays_and_stops(page, tmp_path):
    page.drop(saved(tmp_path, camera_image(32, 32)))
    page.page.get_by_role("button", name="Play the z sweep").click()
    page.expect_status("Playing.")
    page.page.get_by_role("button", name="Stop").click()
    page.expect_status("cells.ome.tif")
    assert page.page.get_by_role("button", name="Play the z sweep").is_visible()


def test_swipe_and_contrast(page, tmp_path):
    page.drop(saved(tmp_path, camera_image(32, 32)))
    shown = page.page.locator("#refocused")
    page.page.get_by_role("slider", name="Compare with the input").fill("40")
    assert "40%" in shown.evaluate("canvas => getComputedStyle(canvas).clipPath")
    brightest = "c => Math.max(...c.getContext('2d').getImageData(0, 0, 32, 32).data.filter((_, i) => i % 4 == 0))"  # noqa: E501
    page.page.get_by_role("slider", name="Black").fill("0")
    page.page.get_by_role("slider", name="White").fill("1000")
    assert shown.evaluate(brightest) < 255
    page.page.get_by_role("button", name="Auto").click()
    assert shown.evaluate(brightest) == 255


@pytest.mark.parametrize("width_px", [390, 1280])
def test_page_is_accessible_and_fits(browser, served, width_px):
    opened = browser.open(served, width_px=width_px)
    opened.page.get_by_role("button", name="Show an example").click()
    opened.expect_status("Refocused in")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width_px
    if not AXE.is_file():
        pytest.skip("needs axe-core: make web")
    opened.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = opened.page.evaluate("axe.run()")
    assert [fault["id"] for fault in found["violations"]] == []
    opened.page.close()


def test_folder_beside_a_package_runs_on_any_server_with_one_thread(browser, served, tmp_path):
    model, manifest = loaded()
    write_site(tmp_path / "site", [(manifest, lambda path: export_onnx(model, path))])

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = browser.open(f"http://127.0.0.1:{server.server_address[1]}/")
        opened.expect_status("WebAssembly, 1 thread)")
        image = camera_image()
        opened.drop(saved(tmp_path, image))
        plane = read_image(opened.download("This plane", tmp_path))
        opened.page.close()
        server.shutdown()
    assert_same_plane(plane.data, image, [0.0])
