"""Which Envoy to run, and the part of its configuration that never changes: listener, admin, and where the rest is.

https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/bootstrap
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from webapp.demo.errors import EnvoyMissing
from webapp.demo.translate import ROUTE_CONFIGURATION, Envoy

LOOPBACK = "127.0.0.1"
STAT_PREFIX = "ingress_http"
_FILTER = "type.googleapis.com/envoy.extensions.filters"
_CURE = "Install it with `pip install 'crossfade[demo]'` (Linux on x86-64 or arm64), or name one with `--envoy PATH`."


def find_envoy(given: str | None = None) -> Path:
    """Return the Envoy to run: the one that is asked for, else the wheel's, else the one on the PATH.

    The wheel's command is a Python script; what is returned is the program inside, so that no process stands between.

    :raises EnvoyMissing: there is none.
    """
    if given:
        path = Path(given).expanduser().absolute()
        if not path.is_file() or not os.access(path, os.X_OK):
            raise EnvoyMissing(f"{given} is not a program that can be run; name an Envoy with `--envoy PATH`.")
        return path
    wheel = find_spec("envoy")
    if wheel is not None and wheel.origin is not None:
        inside = Path(wheel.origin).parent / "_bin" / "envoy"
        if os.access(inside, os.X_OK):
            return inside
    if on_path := shutil.which("envoy"):
        return Path(on_path)
    raise EnvoyMissing(f"The demo needs Envoy and there is none. {_CURE}")


def bootstrap(*, clusters: Path, routes: Path, port: int) -> Envoy:
    """Return Envoy's bootstrap; clusters and routes come from files, read again whenever one is renamed into place.

    :param port: of the listener, 0 for any free one.
    """
    router: Envoy = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{_FILTER}.http.router.v3.Router"},
    }
    fault: Envoy = {"name": "envoy.filters.http.fault", "typed_config": {"@type": f"{_FILTER}.http.fault.v3.HTTPFault"}}
    manager: Envoy = {
        "@type": f"{_FILTER}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": STAT_PREFIX,
        # What follows up to the filters is what istiod gives an ingress gateway.
        "server_name": "istio-envoy",
        "use_remote_address": True,
        "normalize_path": True,
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "rds": {"route_config_name": ROUTE_CONFIGURATION, "config_source": _watched(routes)},
        "http_filters": [fault, router],
    }
    listener: Envoy = {
        "name": "http",
        "address": _address(port),
        # Or a second Envoy could listen on the same port and take half of the requests.
        "enable_reuse_port": False,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    return {
        "node": {"id": "router~istio-ingressgateway", "cluster": "istio-ingressgateway.istio-system"},
        "admin": {"address": _address(0)},
        "dynamic_resources": {"cds_config": _watched(clusters)},
        "static_resources": {"listeners": [listener]},
    }


def _address(port: int) -> Envoy:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}


def _watched(path: Path) -> Envoy:
    source = {"path": str(path), "watched_directory": {"path": str(path.parent)}}
    return {"path_config_source": source, "resource_api_version": "V3"}
