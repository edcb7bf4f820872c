"""What the sampler asks, and how an answer's version is told: plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from webapp.istio.patch import TAG_HEADER as TAG_HEADER
from webapp.istio.sampling import Connection
from webapp.version import __version__

Key: TypeAlias = tuple[str, str, int]
"""(namespace, name, index of the HTTP route)"""


@dataclass(frozen=True, slots=True)
class Identification:
    """How to read a version out of an answer; tried in this order, after the tag. Empty means: don't try.

    :param header: name of a response header whose value is the version.
    :param json_field: dotted path into a JSON body (`build.version`).
    :param pattern: regular expression on the body; its first group, or the whole match, is the version.
    :param names: (report, version) pairs that a person gave; they go before what the target's `versions` say.
    """

    header: str = ""
    json_field: str = ""
    pattern: str = ""
    names: tuple[tuple[str, str], ...] = ()


class GatewayPod(NamedTuple):
    """One of the pods that a gateway has; `address` is `host:port`, with brackets around an IPv6 address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Target:
    """One route as the sampler asks for it.

    :param gateway_url: `http://address:port` of the ingress gateway; the path is not part of it.
    :param versions: what answers report → the destination's version as pages name it. A report that is not in it
        is an answer that is *not identified*; it is never guessed.
    :param asked: version → weight, in the route's order; names every row of the panel's table. Empty where nothing
        splits the route, so that versions answer by their pods.
    :param connection: `fresh` opens one for each request, and its latency includes that.
    :param follow_redirects: ask on where an answer points to the same host, a few times at most.
    :param gateways: the gateway's pods, which are asked in turn, each at its own address in the place of the one in
        `gateway_url`; empty where that alone is asked.
    """

    namespace: str
    name: str
    http_route: int
    gateway_url: str
    method: str = "GET"
    host: str = ""
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    identification: Identification = field(default_factory=Identification)
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    asked: Mapping[str, int] = field(default_factory=dict, hash=False)
    gateways: tuple[GatewayPod, ...] = ()
    connection: Connection = "keep-alive"
    follow_redirects: bool = False

    @property
    def key(self) -> Key:
        """Name the route that is asked: one sampler a key."""
        return self.namespace, self.name, self.http_route

    def through(self, gateway: GatewayPod) -> Target:
        """Return the same question for one of the gateway's pods."""
        return replace(self, gateway_url=f"{urlsplit(self.gateway_url).scheme}://{gateway.address}", gateways=())

    def asks_the_same(self, other: Target) -> bool:
        """Say whether both send the same request to the same gateway: only then do their answers mix."""
        return self._question() == other._question()

    def _question(self) -> tuple[object, ...]:
        request = self.method, self.host, self.path, dict(self.headers)
        return self.gateway_url, self.connection, self.follow_redirects, *request


def sent_headers(target: Target) -> dict[str, str]:
    """Give the headers that a target's request is sent with; its owners can tell it by the last one."""
    host = {"Host": target.host} if target.host else {}
    own = {} if "user-agent" in map(str.lower, target.headers) else {"User-Agent": f"crossfade/{__version__}"}
    return {**host, **own, **target.headers, "X-Crossfade-Sample": "1"}


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_][\w-]{0,62}(\.[0-9A-Za-z_][\w-]{0,62})*\.?)(:[0-9]{1,5})?", re.ASCII
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def unaskable(target: Target) -> str:
    """Say in a sentence why no HTTP request can be made of a target, or nothing (`""`) where one can.

    What a VirtualService matches need not fit into a request: https://www.rfc-editor.org/rfc/rfc9110#section-5.5
    """
    try:
        gateway = urlsplit(target.gateway_url)
        usable = gateway.scheme in {"http", "https"} and gateway.hostname and gateway.port != 0
    except ValueError:
        usable = False
    if not usable:
        return f"{target.gateway_url or 'Nothing'} is not an address that can be asked, such as http://192.0.2.1:80."
    if not _TOKEN.fullmatch(target.method):
        return f"{target.method!r} is not a method of HTTP."
    if target.host and not _HOST.fullmatch(target.host):
        return f"{target.host!r} is not a host name."
    if not target.path.startswith("/"):
        return f"The path {target.path!r} does not start with a slash."
    for name, value in target.headers.items():
        if not _TOKEN.fullmatch(name):
            return f"{name!r} is not a name that a header can have."
        if _CONTROL.search(value):
            return f"The header {name} asks for a control character, which HTTP can't carry."
    return ""
