"""etcd, kube-apiserver and istiod, each as a Program with the flags that one machine needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.mesh.build import API_SERVER, ETCD, ISTIOD
from tests.mesh.processes import Program

NODE_ADDRESS = "10.244.0.1"
ISTIOD_ADDRESS = "10.96.0.10"
XDS_PORT = 15010
CA_PORT = 15012
CERTIFICATE = "apiserver.crt"


@dataclass(frozen=True)
class Ports:
    """Where one etcd and its API server listen, on this machine alone."""

    etcd: int = 2379
    etcd_peers: int = 2380
    api: int = 6443

    @property
    def etcd_url(self) -> str:
        """Where the API server finds etcd."""
        return f"http://127.0.0.1:{self.etcd}"

    @property
    def api_url(self) -> str:
        """Where everybody finds the API server."""
        return f"https://127.0.0.1:{self.api}"


SHARED = Ports()
"""The mesh's own, which all tests share."""

ADMIN_TOKEN = "admin-token"
LIMITED_TOKEN = "limited-token"
TOKENS = f'{ADMIN_TOKEN},admin,1,"system:masters"\n{LIMITED_TOKEN},limited,2\n'
"""https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file"""

MESH_CONFIG = """\
rootNamespace: istio-system
enableAutoMtls: true
defaultProviders: {}
accessLogFile: ""
"""


def etcd(directory: Path, ports: Ports = SHARED) -> Program:
    """Return etcd, which forgets what a power cut would take: nobody waits for the disk."""
    client, peer = ports.etcd_url, f"http://127.0.0.1:{ports.etcd_peers}"
    command: list[str | Path] = [
        *(ETCD.path, "--data-dir", directory / "etcd", "--unsafe-no-fsync", "--log-level", "warn"),
        *("--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer),
        *("--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
    ]
    return Program("etcd", command, directory=directory, is_ready=_answers_200(f"{client}/health"))


def api_server(directory: Path, ports: Ports = SHARED) -> Program:
    """Return kube-apiserver with RBAC, two users, and tokens for service accounts.

    No controller runs beside it: nobody makes pods of Deployments, endpoints of Services, or empties a namespace.
    """
    key = directory / "service-accounts.key"
    if not key.exists():
        key.write_bytes(_private_key())
        (directory / "tokens.csv").write_text(TOKENS)
    flags: dict[str, str | Path] = {
        "etcd-servers": ports.etcd_url,
        "cert-dir": directory / "certificates",
        "secure-port": str(ports.api),
        "bind-address": "127.0.0.1",
        # The address of the Service `kubernetes`, which may not be loopback.
        "advertise-address": NODE_ADDRESS,
        "service-cluster-ip-range": "10.96.0.0/16",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "authorization-mode": "RBAC",
        "token-auth-file": directory / "tokens.csv",
        # It waits for a controller to make the account `default`.
        "disable-admission-plugins": "ServiceAccount",
    }
    command: list[str | Path] = [API_SERVER.path, *(f"--{name}={value}" for name, value in flags.items())]
    authority = directory / "certificates" / CERTIFICATE

    def is_ready() -> bool:
        return authority.exists() and _answers_200(f"{ports.api_url}/readyz", ADMIN_TOKEN, authority)()

    return Program("kube-apiserver", command, directory=directory, is_ready=is_ready)


def istiod(directory: Path, kubeconfig: Path) -> Program:
    """Return istiod, which configures Envoy without TLS; its webhook and its authority are served with TLS."""
    config = directory / "mesh.yaml"
    config.write_text(MESH_CONFIG)
    command: list[str | Path] = [
        *(ISTIOD.path, "discovery", "--kubeconfig", kubeconfig, "--meshConfig", config),
        *("--grpcAddr", f"127.0.0.1:{XDS_PORT}", "--secureGRPCAddr", f"127.0.0.1:{CA_PORT}"),
        *("--httpsAddr", f"{ISTIOD_ADDRESS}:443"),
        *("--httpAddr", "127.0.0.1:15080", "--monitoringAddr", "127.0.0.1:15014", "--ctrlz_port", "0"),
    ]
    environment = {
        **os.environ,
        "POD_NAMESPACE": "istio-system",
        "POD_NAME": "istiod-1",
        "ENABLE_LEADER_ELECTION": "false",
        # Filters that only Istio's own Envoy has.
        "PILOT_ENABLE_ALPN_FILTER": "false",
        "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    }
    is_ready = _answers_200("http://127.0.0.1:15080/ready")
    return Program("istiod", command, directory=directory, environment=environment, is_ready=is_ready)


def _private_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _answers_200(url: str, token: str = "", authority: Path | None = None) -> Callable[[], bool]:
    """Return a question: does this address answer 200 by now?"""

    def ask() -> bool:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urllib3.PoolManager(ca_certs=authority and str(authority), retries=False, timeout=2.0) as pool:
            try:
                return pool.request("GET", url, headers=headers).status == 200
            except urllib3.exceptions.HTTPError:
                return False

    return ask
