"""The real demo as a child process, for tests, pictures and benches."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class RunningDemo:
    """A demo that has printed its lines. `directory` is its private one, with the kubeconfig and Envoy's files."""

    process: subprocess.Popen[str]
    page_url: str
    gateway_url: str
    kubeconfig: Path
    start_seconds: float
    audience_url: str = ""

    @property
    def directory(self) -> Path:
        return self.kubeconfig.parent


@contextmanager
def running_demo(*options: str) -> Iterator[RunningDemo]:
    """Start `crossfade demo`, wait for its lines, and end it by Ctrl-C's signal."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "webapp", "demo", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # A demo that never gets ready is ended, so that reading its lines ends, too.
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        lines = _first_lines(process)
        watchdog.cancel()
        yield RunningDemo(
            process=process,
            page_url=lines["page"].rstrip("/"),
            gateway_url=lines["gateway"].rstrip("/"),
            kubeconfig=Path(lines["kubeconfig"]),
            start_seconds=time.monotonic() - began,
            audience_url=lines.get("audience", ""),
        )
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()


def _first_lines(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout
    lines: dict[str, str] = {}
    for line in process.stdout:
        name, _, value = line.strip().partition(" ")
        lines[name] = value.strip()
        if {"page", "gateway", "kubeconfig"} <= lines.keys():
            return lines
    raise AssertionError(f"the demo ended with {process.wait()} before it was ready: {lines}")
