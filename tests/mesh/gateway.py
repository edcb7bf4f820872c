"""The ingress gateway's proxy, and what it says about itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

from tests.mesh import proxy
from tests.mesh.proxy import Proxy

GATEWAY_POD = "gateway-1"
GATEWAY_ACCOUNT = "istio-ingressgateway-service-account"
"""As `istioctl install` names it."""
GATEWAY_ADDRESS = "10.244.0.10"
GATEWAY_LABELS = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
EXTERNAL_ADDRESS = "203.0.113.80"
GATEWAY_URL = f"http://{EXTERNAL_ADDRESS}:8080"
ADMIN_PORT = 15000


def gateway_proxy(directory: Path) -> Proxy:
    """Return the gateway pod's proxy."""
    return Proxy(
        role="router",
        name=GATEWAY_POD,
        namespace="istio-system",
        address=GATEWAY_ADDRESS,
        account=GATEWAY_ACCOUNT,
        labels=GATEWAY_LABELS,
        admin_port=ADMIN_PORT,
        directory=directory,
    )


def admin(path: str) -> str:
    """Ask the gateway's admin; ConnectionError where nobody answers."""
    return proxy.admin(path, port=ADMIN_PORT)


def counters(pattern: str) -> dict[str, int]:
    """Return Envoy's own counters whose names match the regular expression."""
    stats = json.loads(admin(f"/stats?format=json&type=Counters&filter={quote(pattern)}"))["stats"]
    return {each["name"]: each["value"] for each in stats}


def upstream_requests(host: str, subset: str, *, port: int = 80) -> int:
    """Return how many requests the gateway has sent to a subset of a host (its full name)."""
    name = re.escape(f"cluster.outbound|{port}|{subset}|{host}.upstream_rq_total")
    # istiod names the statistics of a cluster after it, with or without the `;` that ends its name.
    return sum(counters(name.replace(r"\.upstream", r";?\.upstream")).values())
