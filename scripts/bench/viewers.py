"""Many viewers of one stream in one cheap process: `python -m scripts.bench.viewers PORT PATH COUNT`.

Says how many have had their opening, in a line; then, to each line that it reads, what it has heard since the last one.
"""

from __future__ import annotations

import json
import resource
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from types import TracebackType

from tests.running import ROOT

CHUNK = 1 << 18
TIMEOUT_SECONDS = 30.0


@dataclass
class Report:
    """What was heard, and what hearing it has cost.

    :param delays: seconds from an event's own `now` to its end on each viewer's socket.
    :param ages: seconds from the end of each answer of the gateway to the first viewer's socket.
    """

    delays: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    events: int = 0
    size: int = 0
    cpu_seconds: float = 0.0


class Viewers:
    """So many of them, in a process of its own, until the block ends."""

    def __init__(self, port: int, path: str, count: int) -> None:
        self._command = [sys.executable, "-m", "scripts.bench.viewers", str(port), path, str(count)]

    def __enter__(self) -> Viewers:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._line()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def report(self) -> Report:
        """Return what was heard since the last report."""
        assert self._process.stdin
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        return Report(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the viewers' process has ended"
        return line


def main() -> None:
    """Watch until standard input ends."""
    port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    selector = selectors.DefaultSelector()
    buffers: dict[socket.socket, bytes] = {}
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        buffers[connection] = b""
        selector.register(connection, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    first = next(iter(buffers))
    fresh, waiting = set(buffers), set(buffers)
    heard, computed = Report(), _computed()
    while True:
        for key, _ in selector.select():
            viewer = key.fileobj
            if not isinstance(viewer, socket.socket):
                if not sys.stdin.readline():
                    return
                heard.cpu_seconds = _computed() - computed
                print(json.dumps(asdict(heard)), flush=True)
                heard, computed = Report(), _computed()
                continue
            data = viewer.recv(CHUNK)
            now = time.time()
            assert data, "the stream has ended"
            assert viewer not in fresh or data.startswith(b"HTTP/1.1 200 "), data
            fresh.discard(viewer)
            heard.size += len(data)
            *events, buffers[viewer] = (buffers[viewer] + data).split(b"\n\n")
            for event in events:
                heard.events += 1
                place = event.find(b'"now": ', 0, 200)
                if place < 0:
                    continue
                if viewer in waiting:
                    waiting.discard(viewer)
                    if not waiting:
                        print("all have had their opening", flush=True)
                    continue
                heard.delays.append(now - float(event[place + 7 : event.index(b",", place)]))
                if viewer is first:
                    rows = json.loads(event[event.index(b"data: ") + 6 :])["window"]
                    heard.ages += [now - asked_at - milliseconds / 1000 for _, asked_at, _, _, milliseconds, *_ in rows]


def _computed() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
