"""`/healthz`, `/readyz` and `/metrics`, an application of its own on a port of its own.

Probes and scrapers come by pod address: the pages' trusted hosts and a gateway-only policy would shut them out.
"""

from __future__ import annotations

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST

from webapp.composition import Adapters


def create_probes(adapters: Adapters) -> Flask:
    """Build the probes' application."""
    app = Flask("webapp.probes", static_folder=None)

    @app.get("/healthz")
    def healthz() -> tuple[dict[str, object], int]:
        """200 while every thread lives; 503 asks the kubelet for a new pod."""
        dead = [name for name, alive in adapters.threads().items() if not alive]
        return {"alive": not dead, "dead": dead}, 503 if dead else 200

    @app.get("/readyz")
    def readyz() -> tuple[dict[str, object], int]:
        """200 as soon as pages can be served: the first sync and staleness are states of the page."""
        return {"ready": True, "cluster": adapters.cluster.status().state}, 200

    @app.get("/metrics")
    def metrics() -> Response:
        """Prometheus' text form."""
        adapters.metrics.picture_age.set(adapters.cluster.status().age_seconds)
        for kind, age_seconds in adapters.cluster.watch_ages().items():
            adapters.metrics.watch_age.labels(kind).set(age_seconds)
        return Response(adapters.metrics.text(), content_type=CONTENT_TYPE_LATEST)

    return app
