"""However often the API server goes and comes back, no thread and no connection is left behind."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from webapp.cluster.cluster import Cluster, Timing
from webapp.cluster.kinds import KINDS
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

CYCLES = 50
HASTY = Timing(first_pause=0.01, longest_pause=0.05, recheck=0.1)


def threads() -> list[str]:
    return sorted(each.name for each in threading.enumerate() if each.name.startswith(("watch ", "probe")))


def sockets() -> int:
    """Count this process' open sockets, of both ends."""
    return sum(_target(each).startswith("socket:") for each in Path("/proc/self/fd").iterdir())


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed since it was listed
        return ""


def test_outages_leave_nothing_behind(
    reviews: Any, api: KubeApi, settings: Settings, watching: Any, until: Any
) -> None:
    api.faults.forbid("list", "pods", namespace="")
    before = len(threading.enumerate()), sockets()
    cluster: Cluster = watching(timing=HASTY, namespaces=("default", "shop"))
    watches = len(KINDS) + 1
    assert api.faults.wait_for_watches(watches, 5.0)
    alive = threads(), sockets()
    for cycle in range(CYCLES):
        api.faults.cut_watches()
        api.stop()
        api.start()
        until(cluster, lambda: not cluster.status().problems[1:])
        assert api.faults.wait_for_watches(watches, 5.0), cycle
    # The probe may have asked meanwhile, and keeps its connection: one, of two ends.
    until(cluster, lambda: threads() == alive[0] and sockets() <= alive[1] + 2)
    assert cluster.is_alive()
    cluster.stop()
    api.stop()
    api.start()
    until(cluster, lambda: (len(threading.enumerate()), sockets()) == before)
