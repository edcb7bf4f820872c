"""The supervisor's side of the HelloWorld pods: one child process for all of them, told by JSON lines."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webapp.demo.bootstrap import LOOPBACK
from webapp.demo.errors import FleetFailed

ANSWER_SECONDS = 10.0
"""Longest wait for an answer, the start of the process included."""

STOP_SECONDS = 5.0


class Fleet:
    """All HelloWorld pods of the demo; may be used by several threads.

    It is a process of its own so that no answer of the supervisor's waits for the traffic.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process; returns at once."""
        # Out of the terminal's process group: Ctrl-C is the supervisor's business.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "webapp.demo.hello"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=Path(__file__).parents[2],
            process_group=0,
        )

    def stop(self) -> None:
        """End the process; nothing happens where there is none."""
        with self._lock:
            process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start_pod(self, name: str, *, version: str, service: str) -> tuple[str, int]:
        """Start a pod and return its (host, port); it listens already.

        :raises FleetFailed: it runs already, or there is no fleet.
        """
        answer = self._ask({"do": "start", "pod": name, "version": version, "service": service})
        return LOOPBACK, answer["port"]

    def stop_pod(self, name: str) -> None:
        """Stop a pod.

        :raises FleetFailed: there is no such pod, or no fleet.
        """
        self._ask({"do": "stop", "pod": name})

    def switch(self, name: str, switches: Mapping[str, Any]) -> bool:
        """Change a pod's switches (see `hello_switches.Switches`) and return whether it listens.

        :raises FleetFailed: a switch can't be set to that, there is no such pod, or no fleet.
        """
        return bool(self._ask({"do": "switch", "pod": name, "switches": dict(switches)})["ready"])

    def _ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            process = self._process
            if process is None or process.stdin is None or process.stdout is None:
                raise FleetFailed("The HelloWorld pods are stopped.")
            line = b""
            try:
                process.stdin.write(json.dumps(command).encode() + b"\n")
                while not line.endswith(b"\n"):
                    if not select.select([process.stdout], [], [], ANSWER_SECONDS)[0]:
                        raise FleetFailed(f"The HelloWorld pods have not answered for {ANSWER_SECONDS:.0f} s.")
                    if not (part := process.stdout.read(1 << 16)):
                        raise FleetFailed("The process of the HelloWorld pods has ended.")
                    line += part
            except OSError as error:
                raise FleetFailed("The process of the HelloWorld pods has ended.") from error
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise FleetFailed(f"The HelloWorld pods refuse to {command['do']} {command['pod']}: {answer['error']}.")
        return answer
