"""``python -m deepz_zoo`` is the command ``deepz-zoo``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from deepz_zoo.cli.entry import run

    sys.exit(run())
