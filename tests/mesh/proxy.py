"""Proxies as a mesh runs them: an Envoy that istiod feeds, and the agent that brings it its certificate from istiod."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from tests.mesh.api import Api
from tests.mesh.build import PILOT_AGENT
from tests.mesh.control_plane import CA_PORT, XDS_PORT
from tests.mesh.processes import Program
from webapp.demo.bootstrap import find_envoy

AUDIENCE = "istio-ca"
"""Whom a token has to be meant for, that istiod signs a certificate for it."""

SOCKET = Path("var", "run", "secrets", "workload-spiffe-uds", "socket")
TOKEN = Path("var", "run", "secrets", "tokens", "istio-token")
ROOT = Path("var", "run", "secrets", "istio", "root-cert.pem")
CA_SECRET = "/api/v1/namespaces/istio-system/secrets/istio-ca-secret"
HTTP2 = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
}


@dataclass(frozen=True)
class Proxy:
    """A pod's proxy.

    :param role: `router` is a gateway's, `sidecar` is one beside an application.
    :param account: the pod's ServiceAccount: what its certificate names.
    :param admin_port: where its Envoy can be asked; all pods share one machine's ports here.
    :param directory: where it makes a folder of its own.
    """

    role: str
    name: str
    namespace: str
    address: str
    account: str
    labels: Mapping[str, str]
    admin_port: int
    directory: Path

    @property
    def home(self) -> Path:
        """The agent's working directory."""
        return self.directory / self.name

    @property
    def certificates(self) -> Path:
        """Where the agent writes what it got: cert-chain.pem, key.pem, root-cert.pem."""
        return self.home / "certificates"


def introduce(api: Api, proxy: Proxy) -> None:
    """Make the account, and give the agent the token by which it proves to istiod that it is that account's."""
    metadata = {"name": proxy.account, "namespace": proxy.namespace}
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    path = f"/api/v1/namespaces/{proxy.namespace}/serviceaccounts/{proxy.account}/token"
    wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [AUDIENCE]}}
    token, root = proxy.home / TOKEN, proxy.home / ROOT
    for each in (token, root, proxy.certificates / "any"):
        each.parent.mkdir(parents=True, exist_ok=True)
    token.write_text(api.done("POST", path, wanted)["status"]["token"])
    root.write_bytes(b64decode(api.done("GET", CA_SECRET)["data"]["ca-cert.pem"]))


def program(proxy: Proxy, *, with_envoy: bool = True) -> Program:
    """Return the agent, which runs the Envoy and hands it its certificate; or only keeps the certificate in files."""
    proxy.home.mkdir(exist_ok=True)
    bootstrap = proxy.home / "bootstrap.json"
    bootstrap.write_text(json.dumps(envoy_bootstrap(proxy)))
    config = {
        "binaryPath": str(find_envoy()),
        "customConfigFile": str(bootstrap),
        "concurrency": 1,
        "discoveryAddress": f"127.0.0.1:{CA_PORT}",
        "proxyAdminPort": proxy.admin_port,
        "statusPort": proxy.admin_port + 20,
        # Who stops a proxy here wants it gone.
        "terminationDrainDuration": "0.001s",
    }
    environment = {
        **os.environ,
        "POD_NAME": proxy.name,
        "POD_NAMESPACE": proxy.namespace,
        "SERVICE_ACCOUNT": proxy.account,
        "INSTANCE_IP": proxy.address,
        "ISTIOD_SAN": "istiod.istio-system.svc",
        "PROXY_CONFIG": json.dumps(config),
        "ISTIO_META_CLUSTER_ID": "Kubernetes",
        "OUTPUT_CERTS": str(proxy.certificates),
        "DISABLE_ENVOY": str(not with_envoy),
    }

    def is_ready() -> bool:
        has_certificate = (proxy.certificates / "root-cert.pem").exists()
        return has_certificate and (not with_envoy or admin("/ready", port=proxy.admin_port) == "LIVE\n")

    return Program(
        proxy.name,
        [PILOT_AGENT.path, "proxy", proxy.role],
        directory=proxy.home,
        environment=environment,
        is_ready=is_ready,
    )


def admin(path: str, *, port: int) -> str:
    """Ask an Envoy's admin; ConnectionError where nobody answers."""
    with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
        try:
            return pool.request("GET", f"http://127.0.0.1:{port}{path}").data.decode()
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error


def envoy_bootstrap(proxy: Proxy) -> dict[str, Any]:
    """https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/ shows what a real proxy's looks like."""
    by_ads = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    service = {"envoy_grpc": {"cluster_name": "xds"}}
    domain = f"{proxy.namespace}.svc.cluster.local"
    return {
        "node": {
            "id": f"{proxy.role}~{proxy.address}~{proxy.name}.{proxy.namespace}~{domain}",
            "cluster": f"{proxy.name}.{proxy.namespace}",
            "metadata": {
                "NAMESPACE": proxy.namespace,
                "NAME": proxy.name,
                "LABELS": dict(proxy.labels),
                "CLUSTER_ID": "Kubernetes",
                "ISTIO_VERSION": "1.31.0",
                # No rule of the kernel leads a pod's connections to its proxy here: it listens itself.
                "INTERCEPTION_MODE": "NONE",
            },
        },
        "admin": {"address": _socket(proxy.admin_port)},
        "dynamic_resources": {
            "ads_config": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [service]},
            "lds_config": by_ads,
            "cds_config": by_ads,
        },
        "static_resources": {
            "clusters": [
                _cluster("xds", _socket(XDS_PORT)),
                # istiod's configuration asks for certificates here, by this name.
                _cluster("sds-grpc", {"pipe": {"path": str(proxy.home / SOCKET)}}),
            ]
        },
    }


def _cluster(name: str, address: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": HTTP2,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def _socket(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
