"""One program of the mesh: started, waited for, stopped, with its log at hand when something goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
TAIL_CHARACTERS = 2_000


class NotReady(AssertionError):
    """Something did not become true in time; the message has the end of a log."""


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = READY_SECONDS) -> None:
    """Ask until the condition holds.

    :raises NotReady: the time is over.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: not within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


class Program:
    """A program with its arguments; what it says goes to `<name>.log` in the directory, which is also its own.

    :param is_ready: asked until it says so; where it raises OSError, nobody listens yet.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        directory: Path,
        is_ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self._command, self._directory, self._is_ready = name, list(command), directory, is_ready
        self._environment = dict(os.environ if environment is None else environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process' number."""
        assert self._process, f"{self.name} does not run"
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it is ready.

        :raises NotReady: it has ended, or takes too long.
        """
        with self._log.open("ab") as log:
            # Out of the terminal's process group: Ctrl-C is the harness's business.
            self._process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it answers.

        :raises NotReady: it has ended, or takes too long.
        """
        try:
            wait_until(self._answers, self.name)
        except NotReady as error:
            raise NotReady(f"{error}. {self.log_tail()}") from error

    def stop(self) -> None:
        """End it, by force where it does not end itself; nothing happens where it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would: it says goodbye to nobody."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self._process = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it stand still until the block ends: connections stay open, and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def log_tail(self) -> str:
        """Return the end of what it said."""
        return self._log.read_text(errors="replace")[-TAIL_CHARACTERS:] if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self._directory / f"{self.name}.log"

    def _answers(self) -> bool:
        if not self.is_alive:
            raise NotReady(f"{self.name} has ended")
        try:
            return self._is_ready()
        except OSError:
            return False
