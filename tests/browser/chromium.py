"""Which Chromium the tests, pictures and benches drive, and how it is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def chromium_path(playwright: Playwright) -> str | None:
    """Find a Chromium: the one that is named, the system's, Playwright's own; None where there is none."""
    found = os.environ.get("TESTS_CHROMIUM") or shutil.which("chromium") or playwright.chromium.executable_path
    return found if Path(found).exists() else None
