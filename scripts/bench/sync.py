"""The first lists alone, in a fresh process: `python -m scripts.bench.sync KUBECONFIG` prints the seconds as JSON."""

from __future__ import annotations

import json
import sys
import time

from webapp.cluster.access import load_access
from webapp.cluster.client import Client
from webapp.cluster.cluster import Cluster
from webapp.cluster.kinds import KINDS
from webapp.cluster.reflector import PAGE_SIZE
from webapp.settings import Settings


def main(kubeconfig: str) -> None:
    """Read all kinds one after the other and throw the answers away; then let a Cluster make its picture of them."""
    settings = Settings(kubeconfig=kubeconfig)
    began = time.monotonic()
    read = read_all(Client(load_access(settings)))
    bare = time.monotonic() - began
    cluster = Cluster(settings)
    began, computed = time.monotonic(), time.process_time()
    cluster.start()
    revision = 0
    while cluster.status().state != "live":
        revision = cluster.wait_for_change(revision, 0.02)
    took, cpu = time.monotonic() - began, time.process_time() - computed
    cluster.stop()
    print(json.dumps({"bare_seconds": bare, "sync_seconds": took, "cpu_seconds": cpu, "bytes": read}))


def read_all(client: Client) -> int:
    """Return how many bytes the lists have that the picture is made of."""
    read = 0
    for kind in KINDS:
        proceed = ""
        while True:
            query = [("limit", str(PAGE_SIZE)), *([("continue", proceed)] if proceed else [])]
            headers = {"Accept": kind.accept(watch=False)}
            page = client.json("GET", kind.paths()[0], query=query, headers=headers)
            read += len(json.dumps(page, separators=(",", ":")))
            proceed = page["metadata"].get("continue", "")
            if not proceed:
                break
    return read


if __name__ == "__main__":
    main(sys.argv[1])
