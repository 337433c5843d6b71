"""A page that refocuses images in the browser: models described for it, a site, a server."""

from __future__ import annotations
