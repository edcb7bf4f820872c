"""1,000 services and 5,000 pods on a real API server with istiod's webhook; runs in a namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.bench import measures
from scripts.bench.dashboard import TICKS, Dashboard, memory_mb, running_dashboard, shared_mb
from scripts.bench.figures import show
from scripts.bench.large_mesh import SERVICES, create
from tests.mesh.__main__ import NETWORK
from tests.mesh.dashboard import dashboards_account
from tests.mesh.mesh import RealMesh

STARTS = 3
QUIET_SHARE = 0.1
SETTLE_SECONDS = 90.0


def main() -> int:
    """Start the mesh, fill it, measure."""
    for each in NETWORK:
        subprocess.run(["ip", *each.split()], check=True)
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="crossfade-bench-"))
    try:
        with RealMesh(directory) as mesh:
            # No proxy listens: what istiod would send to it is not what is measured here.
            mesh.gateway.stop()
            fill(mesh)
            kubeconfig = dashboards_account(mesh).write_kubeconfig(directory / "kubeconfig")
            settle()
            for number in range(STARTS):
                with running_dashboard(kubeconfig, directory) as dashboard:
                    first_sync(dashboard, kubeconfig)
                    if number == STARTS - 1:
                        measures.run(mesh, kubeconfig, dashboard)
                        memory("after all of this", dashboard)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"load average {os.getloadavg()[0]:.1f}, of which this bench is a part", flush=True)
    return 0


def fill(mesh: RealMesh) -> None:
    """Create the large mesh."""
    began = time.monotonic()
    made = create(mesh.api)
    took = time.monotonic() - began
    show("objects created, pods' status written too", f"{made:,} in {took:.0f} s", beside=f"{made / took:.0f} a second")


def settle() -> None:
    """Wait until API server, etcd and istiod have digested what was created."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        before = computed()
        time.sleep(1.0)
        if computed() - before < QUIET_SHARE:
            return
    print("the control plane is still busy; figures come out worse than they are", flush=True)


def computed() -> float:
    """Return the CPU seconds of all processes of this namespace so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = stat.read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def first_sync(dashboard: Dashboard, kubeconfig: Path) -> None:
    """Show how long the first picture took, and what it weighs."""
    alone = subprocess.run(
        [sys.executable, "-m", "scripts.bench.sync", str(kubeconfig)], stdout=subprocess.PIPE, check=True
    )
    found = json.loads(alone.stdout)
    show(
        "first sync",
        f"{dashboard.worker_sync_seconds:.2f} s from the worker's start, {dashboard.sync_seconds:.2f} s from the "
        f"command, {found['sync_seconds']:.2f} s from Cluster.start()",
        goal="under 3 s",
        met=dashboard.worker_sync_seconds < 3,
        beside=f"{found['sync_seconds'] / found['bare_seconds']:.1f} times reading the same {found['bytes'] / 1e6:.1f} "
        f"MB and throwing them away; {found['cpu_seconds']:.2f} s of CPU",
    )
    memory("after the first sync", dashboard)


def memory(when: str, dashboard: Dashboard) -> None:
    """Show what the processes hold."""
    worker, master = memory_mb(dashboard.worker), memory_mb(dashboard.master)
    together = shared_mb(dashboard.worker) + shared_mb(dashboard.master)
    show(
        f"resident memory {when}",
        f"worker {worker:.0f} MB (peak {memory_mb(dashboard.worker, 'VmHWM'):.0f}), master {master:.0f} MB, together "
        f"{together:.0f} MB, what they share counted once",
        goal="under 150 MB",
        met=together < 150,
        beside=f"{(worker - master) * 1000 / SERVICES:.0f} KB a service with its five pods",
    )


if __name__ == "__main__":
    raise SystemExit(main())
