"""The live panel of one route: what to ask the gateway, or why it can't be asked. Pure; knows istio and traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from webapp.istio.example import judge_example
from webapp.istio.gateways import MESH, GatewayAddress, NoGateway, gateway_address
from webapp.istio.matching import Finding, gateway_names
from webapp.istio.mesh import report_names, unsplit_versions
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.patch import is_tagged
from webapp.istio.routes import destination_versions
from webapp.istio.sample import CannotSample, SampleRequest, sample_request
from webapp.istio.sampling import sampling_choice
from webapp.istio.snapshot import Snapshot
from webapp.settings import Settings
from webapp.traffic.targets import TAG_HEADER, GatewayPod, Identification, Target, sent_headers, unaskable

State = Literal["running", "paused", "off", "impossible"]

GATEWAY_PODS = 8
"""Gateway pods that are asked at most: among more of them too few answers would fall to each to tell anything."""


@dataclass(frozen=True, slots=True)
class Panel:
    """How one route's panel stands.

    :param state: off means that nobody has pressed Start; impossible comes with the `reason` and without a target.
    :param tagged: every destination carries the response tag.
    :param gateways: a sentence on how the gateway's pods are asked, empty where it has one or none is known.
    :param asks_example: a person could mend what is impossible by an example of a request.
    :param unchecked: why it can't be known whether the route takes the example that is asked, empty where it does.
    """

    state: State
    rate: int
    target: Target | None = None
    reason: str = ""
    tagged: bool = False
    gateways: str = ""
    asks_example: bool = False
    unchecked: str = ""

    @property
    def request(self) -> str:
        """The exact request, as a person would read it; empty where there is none."""
        if self.target is None:
            return ""
        first = f"{self.target.method} {self.target.gateway_url}{self.target.path}"
        return "\n".join([first, *(f"{name}: {value}" for name, value in sent_headers(self.target).items())])


def panel_of(
    snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute, *, settings: Settings, in_cluster: bool
) -> Panel:
    """Decide how this route is sampled: by what its VirtualService remembers, else by the settings."""
    choice = sampling_choice(virtual_service, route)
    rate = choice.rate if choice else settings.sample_rate
    running = choice.running if choice else settings.sample_at_once
    if not route.route:
        return Panel("impossible", rate, reason="This route has no destinations: there is no version to tell.")
    address = gateway_address(virtual_service, snapshot, in_cluster=in_cluster)
    url = settings.gateway_url
    if not url:
        if isinstance(address, NoGateway):
            return Panel("impossible", rate, reason=address.reason)
        url = address.url
    pods = address.pods if isinstance(address, GatewayAddress) else ()
    one_by_one = in_cluster and not settings.gateway_url
    example = choice.example if choice else None
    finding = (
        example_finding(snapshot, virtual_service, route, example, settings, in_cluster=in_cluster)
        if example
        else Finding(True, "")
    )
    request = _question(virtual_service, route, example, finding)
    if isinstance(request, CannotSample):
        return Panel("impossible", rate, reason=request.reason, asks_example=request.example)
    target = Target(
        namespace=virtual_service.metadata.namespace,
        name=virtual_service.metadata.name,
        http_route=route.index,
        gateway_url=url,
        method=request.method,
        host=request.host,
        path=request.path,
        headers=request.headers,
        identification=identification_of(snapshot, virtual_service, route, settings),
        versions=report_names(snapshot, virtual_service, route),
        asked=_asked(snapshot, virtual_service, route),
        gateways=tuple(GatewayPod(*each) for each in pods[:GATEWAY_PODS]) if one_by_one else (),
        connection=choice.connection if choice else "keep-alive",
        follow_redirects=choice is not None and choice.follow_redirects,
    )
    if reason := unaskable(target):
        return Panel("impossible", rate, reason=reason, asks_example=True)
    tagged = all(is_tagged(destination, TAG_HEADER) for destination in route.route)
    unchecked = finding.because if finding.holds is None else ""
    state: State = "running" if running else "paused" if choice else "off"
    return Panel(
        state, rate, target=target, tagged=tagged, gateways=_gateway_words(len(pods), one_by_one), unchecked=unchecked
    )


def _question(
    virtual_service: VirtualService, route: HttpRoute, example: SampleRequest | None, finding: Finding
) -> SampleRequest | CannotSample:
    if finding.holds is False:
        return CannotSample(f"The route does not take the example given for it: {finding.because}.", example=True)
    return example or sample_request(virtual_service, route)


def example_finding(
    snapshot: Snapshot,
    virtual_service: VirtualService,
    route: HttpRoute,
    example: SampleRequest,
    settings: Settings,
    *,
    in_cluster: bool,
) -> Finding:
    """Tell whether a route takes an example at the gateway that is asked; None where that can't be known."""
    address = gateway_address(virtual_service, snapshot, in_cluster=in_cluster)
    found = address if isinstance(address, GatewayAddress) else None
    named = (name for name in gateway_names(virtual_service, virtual_service.gateways) if name != MESH)
    scheme = urlsplit(settings.gateway_url or (found.url if found else "")).scheme
    gateway = found.gateway if found else next(named, "")
    return judge_example(virtual_service, route, example, gateway=gateway, scheme=scheme or "http")


def identification_of(
    snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute, settings: Settings
) -> Identification:
    """Say how this route's answers report versions: its own choice goes before the settings.

    A group that was named after a version which is no longer there is not identified.
    """
    choice = sampling_choice(virtual_service, route)
    if choice is None or choice.told_by is None:
        return Identification(settings.version_header, settings.version_json_field, settings.version_pattern)
    own = choice.told_by
    versions = set(report_names(snapshot, virtual_service, route).values())
    names = tuple((value, version) for value, version in sorted(own.names.items()) if version in versions)
    return Identification(
        header=own.what if own.by == "header" else "",
        json_field=own.what if own.by == "json_field" else "",
        pattern=own.what if own.by == "pattern" else "",
        names=names,
    )


def tls_words(target: Target | None, settings: Settings) -> str:
    """Say how the gateway's certificate is checked, empty where it shows none."""
    if target is None or urlsplit(target.gateway_url).scheme != "https":
        return ""
    name = target.host or urlsplit(target.gateway_url).hostname
    if settings.gateway_insecure:
        return f"Insecure: any certificate is taken for {name} (CROSSFADE_GATEWAY_INSECURE)."
    by = f"the authorities in {settings.gateway_ca}" if settings.gateway_ca else "this machine's own authorities"
    return f"The certificate has to be {name}'s, by {by}."


def _gateway_words(pods: int, one_by_one: bool) -> str:
    if pods <= 1:
        return ""
    if not one_by_one:
        return (
            f"The gateway has {pods} pods, which are seen mixed from here: a connection that is kept alive stays with "
            "one of them, fresh ones spread over them."
        )
    which = f"{GATEWAY_PODS} of the gateway's {pods} pods" if pods > GATEWAY_PODS else f"The gateway's {pods} pods"
    return f"{which} are asked in turn, each by its own address."


def _asked(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> dict[str, int]:
    """Return what each version should answer: all where it is the only one, nothing where several share unsplit."""
    unsplit = unsplit_versions(snapshot, virtual_service, route)
    if len(unsplit) == 1:
        return {unsplit[0].name: 1}
    return {} if unsplit else asked_of(route, route.weights)


def asked_of(route: HttpRoute, weights: Sequence[int]) -> dict[str, int]:
    """Return version → weight, where `weights` are in the order of the route's destinations.

    Several destinations may be one version (two ports of a host, say): they share a row, their weights add up.
    """
    asked: dict[str, int] = {}
    for version, weight in zip(destination_versions(route), weights, strict=True):
        asked[version] = asked.get(version, 0) + weight
    return asked
