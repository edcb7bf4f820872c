"""Run the mesh suite and the contract suite on a real mesh: `python -m tests.mesh [pytest's arguments]`.

The process runs itself again in a network namespace of its own, since an EndpointSlice may not hold loopback
addresses: there every address of pods and Services is this machine's, and every port is free.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.mesh.build import MISSING, UNSHARE, missing, not_built
from tests.mesh.mesh import RealMesh
from tests.mesh.plugin import MeshPlugin

ROOT = Path(__file__).resolve().parent.parent.parent
SUITES = ("tests/mesh", "tests/contract")
INSIDE = "--inside"
CONTRACT_KUBECONFIG = "TESTS_CONTRACT_KUBECONFIG"
NETWORK = (
    "link set lo up",
    # A subnet on lo is this machine's as a whole: any address in it can be listened on.
    "addr add 10.244.0.1/16 dev lo",
    "addr add 10.96.0.1/16 dev lo",
    "addr add 203.0.113.80/32 dev lo",
)
"""Pods, ClusterIPs, and the gateway's external address."""


def main(arguments: list[str]) -> int:
    """Say what is missing, else go on in the namespace."""
    if words := missing() or not_built():
        print(words, file=sys.stderr)
        return MISSING
    # In place of this process, so that whoever started it can end it, and with it all that it started.
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, "-m", "tests.mesh", INSIDE, *arguments])


def inside(arguments: list[str]) -> int:
    """Start the mesh and run pytest beside it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for each in NETWORK:
        subprocess.run(["ip", *each.split()], check=True)
    names_path = any((ROOT / each.partition("::")[0]).exists() for each in arguments if not each.startswith("-"))
    directory = Path(tempfile.mkdtemp(prefix="crossfade-mesh-"))
    began = time.monotonic()
    try:
        with RealMesh(directory) as mesh:
            print(f"mesh: ready after {time.monotonic() - began:.1f} s", flush=True)
            os.environ[CONTRACT_KUBECONFIG] = str(mesh.kubeconfig)
            return pytest.main([*arguments, *(() if names_path else SUITES)], plugins=[MeshPlugin(mesh)])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    os.chdir(ROOT)
    sys.exit(inside(given[1:]) if given[:1] == [INSIDE] else main(given))
