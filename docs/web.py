"""Make the picture of docs/web.md: ``PYTHONPATH=. python docs/web.py``, after ``make web``."""

from __future__ import annotations

from pathlib import Path

from pictures import shrink

from tests.web.browser import MODEL, Browser, serving


def main(path: Path) -> None:
    """Show the example on a tilted plane, half of it still the input."""
    with serving(MODEL) as address, Browser() as browser:
        page = browser.open(address)
        page.page.get_by_role("button", name="Show an example").click()
        page.expect_status("Refocused in")
        page.turn("Depth", 30)
        page.page.get_by_role("slider", name="Compare with the input").fill("50")
        page.page.screenshot(path=path, full_page=True)
    shrink(path, path, 1100)


if __name__ == "__main__":
    main(Path(__file__).with_suffix(".png"))
