"""The page in a real Chromium, driven through what a user sees: drop, knobs, lines, downloads."""

from __future__ import annotations

import base64
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
TIMEOUT_MS = 120_000
MODEL = "leica20x_0.8/TxRd"

# What a browser hands over when a file is dropped on it.
_DROPPED = """([name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    return transfer;
}"""

_RESET = """() => {
    for (const [id, value] of [["depth", 100], ["tilt", 165], ["cylinder", 53]])
        document.querySelector(`#${id} input`).value = value;
    document.querySelector("[name=kind]").checked = true;
    document.querySelector("[name=kind]").dispatchEvent(new Event("change"));
    document.querySelector("#axis").value = "y";
    document.querySelector("#clip").checked = false;
}"""


def chromium() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """Yield the address at which ``deepz-zoo web`` serves, as a process of its own."""
    command = [sys.executable, "-m", "deepz_zoo", "web", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0]
        finally:
            process.send_signal(signal.SIGINT)


class Browser:
    """A Chromium without a window; closed as a context manager."""

    def __enter__(self) -> Browser:
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        return self

    def __exit__(self, *error: object) -> None:
        self._chromium.close()
        self._playwright.stop()

    def open(self, address: str, *, model: str | None = None, width_px: int = 1280) -> WebPage:
        """Open the page in a window of its own, with a model loaded."""
        context = self._chromium.new_context(viewport={"width": width_px, "height": 900})
        page = WebPage(context.new_page())
        page.page.goto(address)
        page.expect_status("is ready")
        if model is not None:
            page.page.get_by_label("Model", exact=True).select_option(model)
            page.expect_status(re.compile(f"^{re.escape(model)} is ready"))
        return page


class WebPage:
    """One window with the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.seconds_of_planes: list[float] = []
        page.set_default_timeout(TIMEOUT_MS)
        page.on("request", lambda request: self.requests.append((request.method, request.url)))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def expect_status(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("status")).to_contain_text(text, timeout=TIMEOUT_MS)

    def drop(self, file: Path) -> None:
        """Drop a file on the page and wait for its plane, or for a line that refuses it."""
        content = base64.b64encode(file.read_bytes()).decode()
        self._forget()
        dropped = self.page.evaluate_handle(_DROPPED, [file.name, content])
        self.page.dispatch_event("#viewer", "drop", {"dataTransfer": dropped})
        self.wait()

    def turn(self, knob: str, steps: int) -> None:
        """Turn a knob and wait for the plane."""
        self._forget()
        slider = self.page.get_by_role("slider", name=knob, exact=True)
        slider.fill(str(int(slider.input_value()) + steps))
        self.wait()

    def reset(self) -> None:
        """Turn everything back to how it is on a new page; a new page takes seconds to load."""
        self.page.evaluate(_RESET)
        self._expect_rest()

    def choose(self, menu: str, value: str) -> None:
        """Choose from a menu and wait for the plane."""
        self._forget()
        self.page.get_by_role("combobox", name=menu, exact=True).select_option(value)
        self.wait()

    def press(self, name: str) -> None:
        """Press a radio button or tick a box, and wait for the plane."""
        self._forget()
        buttons = self.page.get_by_role("radio", name=name, exact=True)
        buttons.or_(self.page.get_by_role("checkbox", name=name, exact=True)).check()
        self.wait()

    def fill(self, label: str, value: str) -> None:
        """Type a value into a field, and wait for the plane."""
        self._forget()
        field = self.page.get_by_label(label)
        field.fill(value)
        field.press("Enter")
        self.wait()

    def wait(self) -> None:
        """Wait until nothing is computed and there is a plane or a line that says why not."""
        done = self.page.locator("body:not(.busy) #refocused[data-ms], #message:not(:empty)")
        expect(done.first).to_be_attached(timeout=TIMEOUT_MS)
        self._expect_rest()
        if milliseconds := self.page.locator("#refocused").get_attribute("data-ms"):
            self.seconds_of_planes.append(int(milliseconds) / 1e3)

    @property
    def message(self) -> str:
        return self.page.locator("#message").text_content() or ""

    @property
    def warnings(self) -> Sequence[str]:
        return self.page.locator("#warnings li").all_text_contents()

    @property
    def target(self) -> dict[str, Any]:
        """What the plane that is shown was refocused onto."""
        target = self.page.locator("#refocused").get_attribute("data-target")
        return dict(json.loads(target or "{}"))

    def download(self, button: str, folder: Path) -> Path:
        """Press a button and return the file that the browser saves."""
        with self.page.expect_download(timeout=TIMEOUT_MS) as info:
            self.page.get_by_role("button", name=button).click()
        path = folder / info.value.suggested_filename
        info.value.save_as(path)
        return path

    def _expect_rest(self) -> None:
        expect(self.page.locator("body.busy")).to_have_count(0, timeout=TIMEOUT_MS)

    def _forget(self) -> None:
        self.page.evaluate("delete document.getElementById('refocused').dataset.ms")
        self.page.evaluate("document.getElementById('message').textContent = ''")
