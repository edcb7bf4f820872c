"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Here, for every folder: a second Chromium of the same process would not start.
from tests.browser.fixtures import browser, context, page

__all__ = ["browser", "context", "page"]

# How fast a machine draws examples is no property of the code.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

NO_SKIP = bool(os.environ.get("TESTS_MAY_NOT_SKIP"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn a skip into a failure where nothing may be skipped (CI)."""
    report = yield
    if NO_SKIP and report.skipped:  # type: ignore[attr-defined]
        report.outcome = "failed"  # type: ignore[attr-defined]
    return report  # type: ignore[return-value]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the one command that cures skipped browser tests."""
    if terminalreporter.stats.get("skipped"):
        terminalreporter.write_line(
            "Browser tests were skipped: there is no Chromium here. Cure: install your system's chromium package, "
            "or run `.venv/bin/python -m playwright install --with-deps chromium`.",
            yellow=True,
        )
