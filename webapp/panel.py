"""The live panel of one route: what to ask the gateway, or why it can't be asked. Pure; knows istio and traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from webapp.istio.gateways import NoGateway, gateway_address
from webapp.istio.mesh import report_names, unsplit_versions
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.patch import is_tagged
from webapp.istio.routes import destination_versions
from webapp.istio.sample import CannotSample, sample_request
from webapp.istio.sampling import sampling_choice
from webapp.istio.snapshot import Snapshot
from webapp.settings import Settings
from webapp.traffic.targets import TAG_HEADER, Identification, Target, unaskable

State = Literal["running", "paused", "off", "impossible"]


@dataclass(frozen=True, slots=True)
class Panel:
    """How one route's panel stands.

    :param state: off means that nobody has pressed Start; impossible comes with the `reason` and without a target.
    :param tagged: every destination carries the response tag.
    """

    state: State
    rate: int
    target: Target | None = None
    reason: str = ""
    tagged: bool = False

    @property
    def request(self) -> str:
        """The exact request, as a person would read it; empty where there is none."""
        if self.target is None:
            return ""
        lines = [f"{self.target.method} {self.target.gateway_url}{self.target.path}"]
        lines += [f"Host: {self.target.host}"] if self.target.host else []
        return "\n".join(lines + [f"{name}: {value}" for name, value in self.target.headers.items()])


def panel_of(
    snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute, *, settings: Settings, in_cluster: bool
) -> Panel:
    """Decide how this route is sampled: by what its VirtualService remembers, else by the settings."""
    choice = sampling_choice(virtual_service, route)
    rate = choice.rate if choice else settings.sample_rate
    running = choice.running if choice else settings.sample_at_once
    if not route.route:
        return Panel("impossible", rate, reason="This route has no destinations: there is no version to tell.")
    url = settings.gateway_url
    if not url:
        address = gateway_address(virtual_service, snapshot, in_cluster=in_cluster)
        if isinstance(address, NoGateway):
            return Panel("impossible", rate, reason=address.reason)
        url = address.url
    request = sample_request(virtual_service, route)
    if isinstance(request, CannotSample):
        return Panel("impossible", rate, reason=request.reason)
    target = Target(
        namespace=virtual_service.metadata.namespace,
        name=virtual_service.metadata.name,
        http_route=route.index,
        gateway_url=url,
        method=request.method,
        host=request.host,
        path=request.path,
        headers=request.headers,
        identification=Identification(
            header=settings.version_header,
            json_field=settings.version_json_field,
            pattern=settings.version_pattern,
        ),
        versions=report_names(snapshot, virtual_service, route),
        asked={} if unsplit_versions(snapshot, virtual_service, route) else asked_of(route, route.weights),
    )
    if reason := unaskable(target):
        return Panel("impossible", rate, reason=reason)
    tagged = all(is_tagged(destination, TAG_HEADER) for destination in route.route)
    state: State = "running" if running else "paused" if choice else "off"
    return Panel(state, rate, target=target, tagged=tagged)


def asked_of(route: HttpRoute, weights: Sequence[int]) -> dict[str, int]:
    """Return version → weight, where `weights` are in the order of the route's destinations.

    Several destinations may be one version (two ports of a host, say): they share a row, their weights add up.
    """
    asked: dict[str, int] = {}
    for version, weight in zip(destination_versions(route), weights, strict=True):
        asked[version] = asked.get(version, 0) + weight
    return asked
