"""The way from the dashboard's process to the supervisor's `Stage`: a line of JSON each way, over a Unix socket.

It lies in the demo's private folder, so that only this user gets in; and it is no Kubernetes API, which may be lost.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from threading import Thread
from typing import Any

from webapp.demo.stage import Stage, StageError

LONGEST_LINE = 4096
PATIENCE_SECONDS = 10.0


class _Handler(StreamRequestHandler):
    """One question: `{"play": name}` or `{}`; answered by what is on, with an `error` where it could not be played."""

    timeout = PATIENCE_SECONDS
    server: StageDoor

    def handle(self) -> None:
        asked = json.loads(self.rfile.readline(LONGEST_LINE))
        error = ""
        try:
            if name := asked.get("play"):
                self.server.stage.play(name)
        except StageError as refused:
            error = str(refused)
        self.wfile.write(json.dumps(self.server.stage.now() | {"error": error}).encode() + b"\n")


class StageDoor(ThreadingUnixStreamServer):
    """Lets questions in while it runs."""

    daemon_threads = True

    def __init__(self, path: Path, stage: Stage) -> None:
        self.stage = stage
        super().__init__(str(path), _Handler)
        self._thread = Thread(target=self.serve_forever, args=(0.1,), name="stage-door", daemon=True)

    def start(self) -> None:
        """Start the thread that lets questions in."""
        self._thread.start()

    def stop(self) -> None:
        """Let none in any more."""
        self.shutdown()
        self._thread.join()
        self.server_close()


def ask_stage(path: Path, play: str = "") -> dict[str, Any]:
    """Play a scene, or none; return what is on (see `Stage.now`), with an `error` in words where it was refused.

    :raises OSError: the supervisor has gone.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE_SECONDS)
        line.connect(str(path))
        line.sendall(json.dumps({"play": play} if play else {}).encode() + b"\n")
        with line.makefile("rb") as answer:
            now: dict[str, Any] = json.loads(answer.readline(LONGEST_LINE))
    return now
