"""Serves the page on this computer, to this computer alone."""

from __future__ import annotations

import errno
import http.server
import sys
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from deepz_zoo.errors import DeepZError
from deepz_zoo.files import temporary_folder
from deepz_zoo.web.site import Writer, built_page

HOST = "127.0.0.1"

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
}


def serve(files: Mapping[str, Writer], port: int, ready: Callable[[str], None]) -> None:
    """Serve the page until the process is interrupted.

    Parameters
    ----------
    files
        As `site_files` returns them; each is written when it is first asked for.
    port
        0 for any that is free.
    ready
        Called with the address once it answers.

    Raises
    ------
    DeepZError
        If the page is not built, or the port is taken.
    """
    page = built_page()
    with temporary_folder("web") as folder:
        handler = partial(_Handler, files=_Files(files, folder), directory=str(page))
        try:
            server = _Server((HOST, port), handler)
        except (OSError, OverflowError) as error:
            if isinstance(error, OSError) and error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise DeepZError(
                f"port {port} cannot be used ({error}); choose another with `port`, or 0 for any"
            ) from None
        with server:
            ready(f"http://{HOST}:{server.server_address[1]}/")
            server.serve_forever()


class _Server(http.server.ThreadingHTTPServer):
    """Says nothing of browsers that leave before they have everything."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error, unless the other side has gone."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Files:
    """Files that are written when they are first asked for."""

    def __init__(self, writers: Mapping[str, Writer], folder: Path) -> None:
        self.writers, self.folder, self.lock = writers, folder, Lock()

    def path(self, name: str) -> Path | None:
        """Return where a file lies, None where there is none of that name."""
        if name not in self.writers:
            return None
        path = self.folder / name
        with self.lock:
            if not path.is_file():
                path.parent.mkdir(exist_ok=True)
                # Under another name first: one that fails half-way must not be taken for the file.
                partly = path.with_name(f"partly_{path.name}")
                self.writers[name](partly)
                partly.replace(path)
        return path


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Answers with the files of the page, and with those that are made."""

    def __init__(self, *args: object, files: _Files, directory: str) -> None:
        self.files = files
        # Whatever the system's own table says: browsers run no modules of another type.
        self.extensions_map = {**self.extensions_map, **_TYPES}
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def send_head(self):  # type: ignore[no-untyped-def]
        """Make the file that is asked for, or say why it cannot be made."""
        try:
            self.files.path(self._name)
        except (DeepZError, OSError) as error:
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR, str(error).splitlines()[0])
            return None
        return super().send_head()

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def translate_path(self, path: str) -> str:
        """Return where the file of an address lies."""
        made = self.files.path(self._name)
        return super().translate_path(path) if made is None else str(made)

    def end_headers(self) -> None:
        """Isolate the page, so that the browser gives it threads."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: object) -> None:
        """List nothing."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""
