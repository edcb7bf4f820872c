"""How the API server is reached: a kubeconfig, or the pod's own service account."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.request import getproxies

from kubernetes import config
from kubernetes.client import Configuration
from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME, SERVICE_TOKEN_FILENAME, InClusterConfigLoader
from kubernetes.utils.keepalive import tcp_keepalive_socket_options
from yaml import YAMLError

from webapp.settings import InvalidSetting, Settings

IN_CLUSTER = "in cluster"
DEFAULT_KUBECONFIG = "~/.kube/config"
DEFAULT_NAMESPACE = "default"
SERVICE_ACCOUNT = Path(SERVICE_TOKEN_FILENAME).parent

UNREADABLE = (config.ConfigException, OSError, YAMLError, ValueError, TypeError, AttributeError, KeyError)
"""What the kubernetes client raises on a configuration that it can't use, by where it stumbles."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach an API server.

    :param name: the context's, or "in cluster".
    :param namespace: the context's or the pod's own: where to look who may not look everywhere.
    :param credentials: held while a request is put together: what has expired is fetched once, not by every thread.
    """

    name: str
    in_cluster: bool
    configuration: Configuration
    namespace: str = DEFAULT_NAMESPACE
    credentials: Lock = field(default_factory=Lock)


def load_access(
    settings: Settings, *, environment: Mapping[str, str] = os.environ, service_account: Path = SERVICE_ACCOUNT
) -> Access:
    """Read the settings' kubeconfig, else $KUBECONFIG, else the pod's own account, else ~/.kube/config.

    :param service_account: the folder that Kubernetes mounts into pods, with `token` and `ca.crt`.
    :raises InvalidSetting: there is none, or it can't be used; the message names it.
    """
    kubeconfig = settings.kubeconfig or environment.get("KUBECONFIG", "")
    in_pod = SERVICE_HOST_ENV_NAME in environment and (service_account / "token").exists()
    in_cluster = in_pod and not kubeconfig and not settings.context
    configuration = Configuration()
    try:
        if in_cluster:
            name = IN_CLUSTER
            namespace = _load_service_account(configuration, environment, service_account)
        else:
            name, namespace = _load_kubeconfig(configuration, kubeconfig or DEFAULT_KUBECONFIG, settings.context)
    except UNREADABLE as error:
        what = "the pod's service account" if in_cluster else f"the kubeconfig {kubeconfig or DEFAULT_KUBECONFIG}"
        raise InvalidSetting(f"{what} can't be used: {error}") from error
    # Who asks decides whether to ask again: a failure must not hide behind the library's retries.
    configuration.retries = False
    configuration.connection_pool_maxsize = 4
    # The kernel notices within 25 s that the other end is gone for good; the client's own defaults take 165 s.
    configuration.socket_options = tcp_keepalive_socket_options(idle=10, interval=5, count=3)
    if configuration.proxy and configuration.proxy in getproxies().values():
        # As for kubectl: the environment's proxy does not stand before this machine's own addresses.
        configuration.no_proxy = f"{configuration.no_proxy or ''},localhost,127.0.0.0/8,::1"
    namespace = namespace or DEFAULT_NAMESPACE
    return Access(name=name, in_cluster=in_cluster, configuration=configuration, namespace=namespace)


def _load_service_account(configuration: Configuration, environment: Mapping[str, str], folder: Path) -> str:
    """Fill the configuration and return the pod's namespace, empty where it is not told."""
    loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]
        token_filename=str(folder / "token"), cert_filename=str(folder / "ca.crt"), environ=environment
    )
    loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    namespace = folder / "namespace"
    return namespace.read_text().strip() if namespace.exists() else ""


def _load_kubeconfig(configuration: Configuration, kubeconfig: str, context: str) -> tuple[str, str]:
    """Fill the configuration and return the context's name and its namespace, which may be empty.

    :param kubeconfig: may be several files, as for kubectl.
    """
    if not any(Path(each).expanduser().is_file() for each in kubeconfig.split(os.pathsep) if each):
        raise config.ConfigException("there is no such file")
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=kubeconfig, context=context or None, client_configuration=configuration
    )
    known, current = config.list_kube_config_contexts(config_file=kubeconfig)  # type: ignore[no-untyped-call]
    used = next(each for each in known if each["name"] == context) if context else current
    return str(used["name"]), str(used["context"].get("namespace") or "")
