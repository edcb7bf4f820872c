"""A request in a form: read it, and judge each field with a sentence that says how to mend it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from werkzeug.datastructures import MultiDict

from webapp.istio.gateways import MESH
from webapp.istio.matching import gateway_names
from webapp.istio.objects import VirtualService
from webapp.istio.sample import CONNECTION_HEADERS, LONGEST_HEADERS, LONGEST_HOST, LONGEST_PATH, SAFE_METHODS
from webapp.istio.snapshot import Snapshot
from webapp.settings import NAMESPACE
from webapp.traffic.targets import Target, unaskable
from webapp.views.models.explain import RequestView

METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE")

# What https://www.rfc-editor.org/rfc/rfc3986#section-3.3 lets stand as it is: anything else would be sent changed.
_PATH = re.compile(r"/([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")


def choices(virtual_service: VirtualService) -> list[str]:
    """List what the form offers as gateways: the object's own, in full, and the mesh."""
    return list(dict.fromkeys([*gateway_names(virtual_service, virtual_service.gateways), MESH]))


def first_request(virtual_service: VirtualService) -> RequestView:
    """Make up what the form shows at first: the object's first host and gateway."""
    host = next(iter(virtual_service.hosts), "")
    host = "" if host == "*" else host.replace("*", "sample", 1)
    return RequestView("GET", host, "/", [], choices(virtual_service)[0], "")


def read_request(values: MultiDict[str, str], virtual_service: VirtualService) -> RequestView:
    """Read what was sent; a field that was left out is as in `first_request`, an empty one is empty.

    `header` holds one line or several, and may come more than once.
    """
    first = first_request(virtual_service)
    lines = (line.strip(" \t\r") for text in values.getlist("header") for line in text.split("\n"))
    return RequestView(
        method=values.get("method", first.method).strip(),
        host=values.get("host", first.host).strip(),
        path=values.get("path", first.path).strip(),
        headers=[line for line in lines if line],
        gateway=_full_name(values.get("gateway", first.gateway).strip(), virtual_service),
        source_namespace=values.get("source_namespace", "").strip(),
    )


def _full_name(gateway: str, virtual_service: VirtualService) -> str:
    return gateway and gateway_names(virtual_service, (gateway,))[0]


def gateway_of(request: RequestView) -> tuple[str, str] | None:
    """Give the Gateway's key that a request comes through, None for the mesh."""
    namespace, _, name = request.gateway.partition("/")
    return None if request.gateway == MESH else (namespace, name)


def headers_of(request: RequestView) -> dict[str, str]:
    """Give the headers by name; the lines have to be without a problem."""
    parts = (line.partition(":") for line in request.headers)
    return {name.strip(): value.strip() for name, _, value in parts}


def problems_of(request: RequestView, virtual_service: VirtualService, snapshot: Snapshot) -> dict[str, str]:
    """Say what is wrong, by field; empty where the request can be explained."""
    judges: dict[str, Callable[[], str]] = {
        "method": lambda: _of_method(request.method),
        "host": lambda: _of_host(request),
        "path": lambda: _of_path(request.path),
        "header": lambda: _of_headers(request.headers),
        "gateway": lambda: _of_gateway(request, virtual_service, snapshot),
        "source_namespace": lambda: _of_namespace(request.source_namespace),
    }
    return {field: words for field, judge in judges.items() if (words := judge())}


def _of_method(method: str) -> str:
    return "" if method in METHODS else f"Choose one of {', '.join(METHODS)}."


def _of_host(request: RequestView) -> str:
    if len(request.host) > LONGEST_HOST:
        return f"A host has at most {LONGEST_HOST} characters."
    if request.gateway == MESH and not request.host:
        return "Name the host that the caller asks for."
    return _unaskable(host=request.host)


def _of_path(path: str) -> str:
    if not path.startswith("/"):
        return "A path starts with a slash."
    if len(path) > LONGEST_PATH:
        return f"A path with its query has at most {LONGEST_PATH:,} characters here."
    if not _PATH.fullmatch(path):
        return (
            "Only letters, digits and ._~!$&'()*+,;=:@/?- stand in a path as they are: write a space as %20, and so on."
        )
    return ""


def _of_headers(lines: list[str]) -> str:
    if sum(map(len, lines)) > LONGEST_HEADERS:
        return f"All headers together have at most {LONGEST_HEADERS:,} characters here."
    names: set[str] = set()
    for number, line in enumerate(lines, start=1):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not name:
            return f"Line {number} is not of the form name: value."
        if name.lower() in CONNECTION_HEADERS:
            mend = (
                "has a field of its own" if name.lower() == "host" else "belongs to the connection, nobody chooses it"
            )
            return f"Line {number}: {name} {mend}."
        if name.lower() in names:
            return f"Line {number}: {name} is there twice; join the values with a comma."
        if words := _unaskable(headers={name: value}):
            return f"Line {number}: {words}"
        names.add(name.lower())
    return ""


def _of_gateway(request: RequestView, virtual_service: VirtualService, snapshot: Snapshot) -> str:
    key = gateway_of(request)
    if key is None or key in snapshot.gateways:
        return ""
    if not request.gateway:
        return f"Choose {' or '.join(choices(virtual_service))}."
    return f"There is no Gateway {request.gateway[:100]} in this cluster."


def _of_namespace(namespace: str) -> str:
    if not namespace or NAMESPACE.fullmatch(namespace):
        return ""
    return "That can't be the name of a namespace: it has small letters, digits and hyphens."


def _unaskable(host: str = "", headers: dict[str, str] | None = None) -> str:
    return unaskable(Target("", "", 0, "http://gateway", host=host, headers=headers or {}))
