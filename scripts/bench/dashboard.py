"""`crossfade serve` as a process that is measured: its start, its memory, its answers and its stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.running import ROOT

PORT, PROBES = 8000, 8001
START_SECONDS = 60.0
TIMEOUT_SECONDS = 30.0
TICKS = os.sysconf("SC_CLK_TCK")
AS_BROWSERS_ASK = {"Accept": "text/html", "Accept-Encoding": "gzip"}


@dataclass(frozen=True)
class Answered:
    """One answer and how long it took: until its head was there, and until its end was."""

    status: int
    headers: dict[str, str]
    body: bytes
    first_byte_seconds: float
    seconds: float


class Asking:
    """One connection that is kept alive, as a browser keeps its own."""

    def __init__(self, port: int = PORT) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answered:
        """Send one request and read its answer."""
        sent = AS_BROWSERS_ASK | {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._connection.request(method, path, body=body, headers=sent)
        response = self._connection.getresponse()
        first = time.perf_counter() - began
        data = response.read()
        whole = time.perf_counter() - began
        return Answered(response.status, {k.lower(): v for k, v in response.getheaders()}, data, first, whole)

    def get(self, path: str, **headers: str) -> Answered:
        """Ask for a page that has to be there."""
        answered = self.ask("GET", path, **headers)
        assert answered.status == 200, answered
        return answered

    def json(self, path: str) -> Any:
        """Ask for a page's JSON."""
        return json.loads(self.get(path, Accept="application/json", Accept_Encoding="identity").body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def mesh_events() -> Iterator[Iterator[dict[str, Any]]]:
    """Open a page's stream; give the data of its `mesh` events."""
    connection = HTTPConnection("127.0.0.1", PORT, timeout=TIMEOUT_SECONDS)
    connection.request("GET", "/stream")
    response = connection.getresponse()

    def events() -> Iterator[dict[str, Any]]:
        name = ""
        for line in response:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name == "mesh":
                yield json.loads(value)

    try:
        yield events()
    finally:
        response.close()
        connection.close()


@dataclass(frozen=True)
class Dashboard:
    """A running one. Seconds until its picture was whole: from the command, and from the worker's start."""

    master: int
    worker: int
    sync_seconds: float
    worker_sync_seconds: float


@contextmanager
def running_dashboard(kubeconfig: Path, directory: Path) -> Iterator[Dashboard]:
    """Serve until the block ends; gives it when its stream says that the picture is whole."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "CROSSFADE_KUBECONFIG": str(kubeconfig),
        "CROSSFADE_BIND": f"127.0.0.1:{PORT}",
        "CROSSFADE_PROBE_BIND": f"127.0.0.1:{PROBES}",
    }
    began = time.monotonic()
    with (directory / "dashboard.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "webapp", "serve"], env=environment, stdout=log, stderr=log)
    try:
        whole = _wait_until_live(process)
        (worker,) = children(process.pid)
        yield Dashboard(process.pid, worker, whole - began, whole - _started_at(worker))
    finally:
        process.terminate()
        process.wait()


def _wait_until_live(process: subprocess.Popen[bytes]) -> float:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the dashboard has ended; see its log"
        try:
            with mesh_events() as events:
                if any(event["state"] == "live" for event in events):
                    return time.monotonic()
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise AssertionError("the dashboard's picture is not whole in time")


def children(pid: int) -> list[int]:
    """List a process's children, whichever of its threads has started them."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(each) for threads_own in lists for each in threads_own.read_text().split()]


def _started_at(pid: int) -> float:
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / TICKS)


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """Return resident memory in MB (10^6 bytes): now, or its peak by `VmHWM`."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024 / 1e6


def shared_mb(pid: int) -> float:
    """Return resident memory in MB with what is shared with other processes divided among them (PSS)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.partition("Pss:")[2].split()[0]) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Return how long a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
