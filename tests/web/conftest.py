"""A Chromium and a server that the tests of the page share."""

from __future__ import annotations

import pytest

from deepz_zoo.web.site import PAGE


@pytest.fixture(scope="session")
def browser():
    """Return a Chromium that is driven by Playwright."""
    pytest.importorskip("playwright", reason="pip install 'deepz-zoo[test]'")
    from tests.web.browser import Browser, chromium

    if chromium() is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with Browser() as started:
        yield started


@pytest.fixture(scope="session")
def served(browser):
    """Return the address of ``deepz-zoo web`` with all models."""
    if not (PAGE / "index.html").is_file():
        pytest.skip("needs the built page: make web")
    from tests.web.browser import serving

    with serving() as address:
        yield address


@pytest.fixture(scope="session")
def window(browser, served):
    """Return a window with the page and the model `MODEL`, which takes seconds to load."""
    from tests.web.browser import MODEL

    return browser.open(served, model=MODEL)


@pytest.fixture
def page(window):
    """Return the window as it was opened; no script may fail in it."""
    window.reset()
    yield window
    assert not window.errors
