"""What is in this folder drives real Chromium (see `fixtures`)."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that a test needs which provokes an error on purpose."""
    config.addinivalue_line("markers", "console(*patterns): what the browser may complain about in this test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, so that `make unit` can leave it out."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
