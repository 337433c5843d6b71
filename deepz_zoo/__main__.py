"""``python -m deepz_zoo`` is the command ``deepz-zoo``."""

from __future__ import annotations

import sys

from deepz_zoo.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
