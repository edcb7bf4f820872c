"""The ingress gateway's Envoy, fed by istiod over ADS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from tests.mesh.control_plane import XDS_PORT
from tests.mesh.processes import Program
from webapp.demo.bootstrap import find_envoy

GATEWAY_ADDRESS = "10.244.0.10"
GATEWAY_LABELS = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
EXTERNAL_ADDRESS = "203.0.113.80"
GATEWAY_URL = f"http://{EXTERNAL_ADDRESS}:8080"
ADMIN_URL = "http://127.0.0.1:15000"


def envoy(directory: Path) -> Program:
    """Return Envoy as the gateway pod runs it."""
    config = directory / "envoy.json"
    config.write_text(json.dumps(_bootstrap()))
    command: list[str | Path] = [
        *(find_envoy(), "--config-path", config, "--concurrency", "1"),
        *("--disable-hot-restart", "--log-level", "warning"),
    ]
    return Program("envoy", command, directory=directory, is_ready=lambda: admin("/ready") == "LIVE\n")


def admin(path: str) -> str:
    """Ask Envoy's admin; ConnectionError where nobody answers."""
    with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
        try:
            return pool.request("GET", f"{ADMIN_URL}{path}").data.decode()
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error


def counters(pattern: str) -> dict[str, int]:
    """Return Envoy's own counters whose names match the regular expression."""
    stats = json.loads(admin(f"/stats?format=json&type=Counters&filter={quote(pattern)}"))["stats"]
    return {each["name"]: each["value"] for each in stats}


def upstream_requests(host: str, subset: str, *, port: int = 80) -> int:
    """Return how many requests the gateway has sent to a subset of a host (its full name)."""
    name = re.escape(f"cluster.outbound|{port}|{subset}|{host}.upstream_rq_total")
    # istiod names the statistics of a cluster after it, with or without the `;` that ends its name.
    return sum(counters(name.replace(r"\.upstream", r";?\.upstream")).values())


def _bootstrap() -> dict[str, Any]:
    """https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/ shows what a real proxy's looks like."""
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    istiod = {
        "name": "xds",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {
            "cluster_name": "xds",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(XDS_PORT)}}]}],
        },
    }
    by_ads = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    service = {"envoy_grpc": {"cluster_name": "xds"}}
    return {
        "node": {
            "id": f"router~{GATEWAY_ADDRESS}~gateway-1.istio-system~istio-system.svc.cluster.local",
            "cluster": "istio-ingressgateway.istio-system",
            "metadata": {
                "NAMESPACE": "istio-system",
                "NAME": "gateway-1",
                "LABELS": GATEWAY_LABELS,
                "CLUSTER_ID": "Kubernetes",
                "ISTIO_VERSION": "1.31.0",
            },
        },
        "admin": {"address": _address(15000)},
        "dynamic_resources": {
            "ads_config": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [service]},
            "lds_config": by_ads,
            "cds_config": by_ads,
        },
        "static_resources": {"clusters": [istiod]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
