"""A client of its own, which has nothing in common with the sampler: it asks the gateway evenly and writes what it saw.

`python -m tests.mesh.independent HOST PORT PATH RATE FILE` runs until it is ended. Each line of the file is `asked
answered version`, in Unix seconds. `change_point` says when the answers changed, with the measurement's own error.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from itertools import accumulate
from pathlib import Path
from threading import Thread
from typing import NamedTuple, TextIO

CONNECTIONS = 10
"""They are kept alive, and each asks in its own slots: a slow answer does not keep the others waiting."""
SUPPORT = 2.0
"""Moments whose log-likelihood is so near to the best one's are as good: about what 95 % means in regular cases."""


class Seen(NamedTuple):
    """One answer; times are Unix seconds."""

    asked: float
    answered: float
    version: str


def read(path: Path) -> list[Seen]:
    """Return what the client has written so far, in the order of asking."""
    lines = path.read_text().splitlines(keepends=True)
    fields = (line.split() for line in lines if line.endswith("\n"))
    return sorted(Seen(float(asked), float(answered), version) for asked, answered, version in fields)


def newest(path: Path) -> float:
    """Return when the newest answer that is written was asked for."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 400))
        return max(float(line.split()[0]) for line in file.read().splitlines()[1:-1])


def change_point(
    seen: Sequence[Seen], before: Mapping[str, int], after: Mapping[str, int]
) -> tuple[float, float, float]:
    """Return the most likely moment at which the answers changed, and from when to when it may have been.

    Where no version is in both splits, single answers prove it: the old weights held when the last old answer was
    asked for, the new ones when the first new answer had come. Else it is the moment of greatest likelihood.
    """
    if not any(before.get(each) and after.get(each) for each in before):
        first = min(each.answered for each in seen if after.get(each.version))
        last = max(each.asked for each in seen if before.get(each.version))
        return (first + last) / 2, min(first, last), max(first, last)
    logs = {
        version: math.log(
            (before[version] + 0.01) / (after[version] + 0.01) * sum(after.values()) / sum(before.values())
        )
        for version in before
    }
    # What speaks for a change before each answer, and after the last one.
    support = list(accumulate((logs[each.version] for each in seen), initial=0.0))
    best = max(support)
    likely = [place for place, each in enumerate(support) if each >= best - SUPPORT]
    asked = [seen[0].asked, *(each.asked for each in seen), seen[-1].answered]
    place = support.index(best)
    return (asked[place] + asked[place + 1]) / 2, asked[likely[0]], asked[likely[-1] + 1]


def _ask(host: str, port: int, path: str, *, start: float, interval: float, out: TextIO) -> None:
    connection = HTTPConnection(host, port, timeout=10)
    slot = 0
    while True:
        time.sleep(max(0.0, start + slot * interval - time.monotonic()))
        asked = time.time()
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        answered = time.time()
        out.write(f"{asked:.6f} {answered:.6f} {response.headers.get('x-app-version', '-')}\n")
        slot = max(slot + 1, math.ceil((time.monotonic() - start) / interval))


def main(host: str, port: str, path: str, rate: str, file: str) -> None:
    """Ask until the process is ended."""
    interval = CONNECTIONS / float(rate)
    start = time.monotonic() + 0.1
    with open(file, "w", buffering=1) as out:
        threads = [
            Thread(
                target=_ask,
                args=(host, int(port), path),
                kwargs={"start": start + number / float(rate), "interval": interval, "out": out},
                daemon=True,
            )
            for number in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
