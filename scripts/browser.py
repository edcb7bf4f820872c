"""Make sure that there is a Chromium for the browser tests: the system's, else Playwright's own download."""

from __future__ import annotations

import subprocess
import sys

from playwright.sync_api import sync_playwright

from tests.browser.chromium import chromium_path


def main() -> int:
    """Fetch Playwright's Chromium where the machine has none; the tests themselves say what they had to skip."""
    with sync_playwright() as playwright:
        if chromium_path(playwright):
            return 0
    print("no Chromium on this machine; fetching Playwright's own, once", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
