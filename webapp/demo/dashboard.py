"""The dashboard as a child process of the demo: what `crossfade serve` serves, and the stage manager's room."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event

import urllib3

from webapp.demo.bootstrap import LOOPBACK
from webapp.demo.errors import DemoError, PortTaken

READY_SECONDS = 60.0
STOP_SECONDS = 8.0
POLL_SECONDS = 0.02


def free_port(wanted: int = 0, *, host: str = LOOPBACK, option: str = "--port N") -> int:
    """Return the wanted port if it can be had, any free one where it is 0.

    :param option: by which another can be chosen.
    :raises PortTaken: somebody else has it, it is not for everybody, or the host is no address of this machine.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise PortTaken(
                f"Port {wanted}{f' of {host}' if host != LOOPBACK else ''} can't be had ({error.strerror}): "
                f"choose another with `{option}`, or leave it out for a free one."
            ) from error
        port: int = probe.getsockname()[1]
        return port


class Dashboard:
    """The pages' process. Its log is a file in `directory`.

    :param port: where it serves pages.
    :param audience: HOST:PORT of the pages for the audience, empty for none.
    :param door: where the stage is asked.
    """

    def __init__(self, kubeconfig: Path, directory: Path, *, port: int, audience: str, door: Path) -> None:
        self.url = f"http://{LOOPBACK}:{port}/"
        self._probe = ""
        self._log = directory / "dashboard.log"
        self._door = door
        self._environment = {
            "CROSSFADE_KUBECONFIG": str(kubeconfig),
            "CROSSFADE_BIND": f"{LOOPBACK}:{port}",
            "CROSSFADE_AUDIENCE_BIND": audience,
            "CROSSFADE_SAMPLE_AT_ONCE": "1",
            # The embedded API is on this machine: no proxy that somebody has set leads to it.
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; returns at once (see `wait_ready`)."""
        # Chosen as late as can be: until it listens there, others may.
        self._probe = f"{LOOPBACK}:{free_port()}"
        with self._log.open("wb") as log:
            # The folder of our own package, or `-m` would take a `webapp` from wherever the person is.
            # Out of the terminal's process group: Ctrl-C is the supervisor's business.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "webapp", "demo", "--stage-door", str(self._door)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment, "CROSSFADE_PROBE_BIND": self._probe},
                cwd=Path(__file__).parents[2],
                process_group=0,
            )

    def wait_ready(self, stopping: Event) -> None:
        """Wait until it serves pages that have a picture of the mesh, or until somebody wants to stop.

        :raises DemoError: it has ended, or takes too long; the message has the end of its log.
        """
        deadline = time.monotonic() + READY_SECONDS
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=READY_SECONDS / 10)) as pool:
            while not stopping.is_set():
                try:
                    answer = pool.request("GET", f"http://{self._probe}/readyz")
                    if answer.status == 200 and answer.json().get("cluster") != "loading":
                        return
                except (urllib3.exceptions.HTTPError, ValueError):
                    pass  # It does not listen yet; or somebody else does, and then it says so and ends.
                if not self.is_alive:
                    raise DemoError(f"The dashboard has ended.\n{self.log_tail()}")
                if time.monotonic() > deadline:
                    raise DemoError(f"The dashboard is not ready after {READY_SECONDS:.0f} s.\n{self.log_tail()}")
                stopping.wait(POLL_SECONDS)

    def end_soon(self) -> None:
        """Tell the process to end; it takes its time, which others may use (see `stop`)."""
        if self._process is not None:
            # gunicorn's quick way to end: its graceful one waits for the browsers.
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End the process and its workers; nothing happens where there is none."""
        if self._process is None:
            return
        self.end_soon()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # A worker whose master was killed takes a while to notice.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def log_tail(self) -> str:
        """Return the end of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2_000:].strip()
