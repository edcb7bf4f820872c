"""How the API server is reached: a kubeconfig, or the pod's own service account."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
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

KEEPALIVE_SECONDS, KEEPALIVE_PROBES = {"idle": 10, "interval": 5}, 3
"""The kernel notices within 25 s that the other end is gone for good; the client's own defaults take 165 s."""

RENEW_SECONDS = 1.0
"""Between two looks at the source of credentials that are not accepted."""

UNREADABLE = (config.ConfigException, OSError, YAMLError, ValueError, TypeError, AttributeError, KeyError)
"""What the kubernetes client raises on a configuration that it can't use, by where it stumbles."""


class Access:
    """How to reach an API server, as one source says it: a kubeconfig's context, or the pod's own account.

    :param name: the context's, or "in cluster".
    :param namespace: the context's or the pod's own: where to look who may not look everywhere.
    :param read: reads the source again.
    """

    def __init__(
        self,
        *,
        name: str,
        in_cluster: bool,
        namespace: str,
        configuration: Configuration,
        read: Callable[[], Configuration],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.in_cluster, self.namespace = name, in_cluster, namespace
        self.configuration = configuration
        """The newest: what has been refused is not used again."""
        self.credentials = Lock()
        """Held while a request is put together: what has expired is fetched once, not by every thread."""
        self._read, self._clock = read, clock
        self._identity = _identity_of(configuration)
        self._next_at = float("-inf")

    def renew(self, refused: Configuration) -> Configuration:
        """Return what to go on with where the API server does not accept who we say we are.

        That is `refused` itself unless the source names somebody else by now: a new token, certificate or server.
        Kubernetes' own client for Go asks a plugin again after a 401, too; the one for Python never does.
        """
        with self.credentials:
            if self.configuration is refused and self._clock() >= self._next_at:
                self._next_at = self._clock() + RENEW_SECONDS
                # A file that is just being written can't be read; the next look is soon.
                with suppress(*UNREADABLE):
                    fresh = self._read()
                    identity = _identity_of(fresh)
                    if identity != self._identity:
                        self.configuration, self._identity = fresh, identity
            return self.configuration


def _identity_of(configuration: Configuration) -> tuple[object, ...]:
    files = configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file
    contents = [Path(each).read_bytes() for each in files if each]
    return configuration.host, dict(configuration.api_key), contents


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

    def read(context: str) -> tuple[Configuration, str, str]:
        configuration = Configuration()
        if in_cluster:
            namespace = _load_service_account(configuration, environment, service_account)
            return _with_our_habits(configuration), IN_CLUSTER, namespace
        name, namespace = _load_kubeconfig(configuration, kubeconfig or DEFAULT_KUBECONFIG, context)
        return _with_our_habits(configuration), name, namespace

    try:
        configuration, name, namespace = read(settings.context)
        return Access(
            name=name,
            in_cluster=in_cluster,
            namespace=namespace or DEFAULT_NAMESPACE,
            configuration=configuration,
            # By its name: the file's current context may be another one meanwhile, and so another cluster.
            read=lambda: read(name)[0],
        )
    except UNREADABLE as error:
        what = "the pod's service account" if in_cluster else f"the kubeconfig {kubeconfig or DEFAULT_KUBECONFIG}"
        raise InvalidSetting(f"{what} can't be used: {error}") from error


def _with_our_habits(configuration: Configuration) -> Configuration:
    # Who asks decides whether to ask again: a failure must not hide behind the library's retries.
    configuration.retries = False
    configuration.connection_pool_maxsize = 4
    configuration.socket_options = tcp_keepalive_socket_options(**KEEPALIVE_SECONDS, count=KEEPALIVE_PROBES)
    if configuration.proxy and configuration.proxy in getproxies().values():
        # As for kubectl: the environment's proxy does not stand before this machine's own addresses.
        configuration.no_proxy = f"{configuration.no_proxy or ''},localhost,127.0.0.0/8,::1"
    return configuration


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
