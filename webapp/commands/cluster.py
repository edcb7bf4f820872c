"""A cluster for the length of one command."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from webapp.cluster.cluster import Cluster
from webapp.errors import ClusterUnavailable
from webapp.settings import Settings

SYNC_SECONDS = 30.0
"""How long the first picture may take."""
LOOK_SECONDS = 0.1


@contextmanager
def synced_cluster(settings: Settings) -> Iterator[Cluster]:
    """Give the cluster once its picture is complete, and stop its threads in the end.

    :raises ClusterUnavailable: it is not complete in time; the message says what stands in the way.
    """
    cluster = Cluster(settings)
    cluster.start()
    try:
        deadline = time.monotonic() + SYNC_SECONDS
        revision = cluster.snapshot().revision
        while (status := cluster.status()).state != "live":
            if time.monotonic() > deadline or (status.state == "down" and status.problems):
                raise ClusterUnavailable(" ".join(status.problems) or "The cluster could not be read in time.")
            revision = cluster.wait_for_change(revision, LOOK_SECONDS)
        yield cluster
    finally:
        cluster.stop()
