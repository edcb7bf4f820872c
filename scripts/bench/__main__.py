"""Run the benches: `python -m scripts.bench [--only demo|scale|calibration|fan-out|frames]`."""

from __future__ import annotations

import argparse
import subprocess
import sys

from scripts.bench import calibration, demo, fan_out, frames
from tests.mesh.build import UNSHARE, missing, not_built
from tests.running import ROOT


def scale() -> None:
    """Measure on a real API server, in a network namespace of its own; say in a sentence where that can't be done."""
    if words := missing() or not_built():
        print(f"figures at scale are left out. {words}")
        return
    # A /proc of its own: processes are known by their ids in the namespace.
    subprocess.run([*UNSHARE, "--mount-proc", sys.executable, "-m", "scripts.bench.scale"], cwd=ROOT, check=True)


def main() -> int:
    """Run all, or the one that is asked for."""
    benches = {
        "demo": demo.main,
        "fan-out": fan_out.main,
        "frames": frames.main,
        "scale": scale,
        "calibration": calibration.main,
    }
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description="Measure what the notes promise.")
    words = (
        "demo: on the embedded mesh; fan-out: 200 viewers; frames: 50 answers a second in Chromium; "
        "scale: 1,000 services, 5,000 pods; calibration: the statistics, by simulation"
    )
    parser.add_argument("--only", choices=benches, help=words)
    chosen = parser.parse_args().only
    for name, run in benches.items():
        if chosen in {None, name}:
            run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
