"""`crossfade shift`: shift one route's weights, and see by the gateway's answers whether that did what it says."""

from __future__ import annotations

import getpass
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from webapp.cluster.cluster import Cluster
from webapp.commands.cluster import synced_cluster
from webapp.errors import Conflict, CrossfadeError, InvalidInput, NotFound
from webapp.istio.objects import HttpRoute, JsonPatch, Key, VirtualService
from webapp.istio.routes import destination_versions, find_http_route, match_words, route_digest
from webapp.istio.shift import shift_patch
from webapp.istio.timed import parse_return_seconds
from webapp.istio.weights import parse_weights
from webapp.panel import asked_of, panel_of
from webapp.receipt import Receipt, markdown
from webapp.settings import Settings
from webapp.traffic.prober import Prober, trust
from webapp.traffic.sampler import Sampler
from webapp.traffic.shifts import Shift
from webapp.traffic.summary import Summary
from webapp.traffic.targets import Target

MATCHES, DIFFERS, UNTOLD, CONFLICT, FAILED = 0, 1, 2, 3, 4
"""Exit codes."""
VERIFY_RATE = 50
FIRST_ANSWER_SECONDS = 10.0
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    :param weights: version → weight as it was typed.
    :param route: index or name of the HTTP route; empty: the only one that is weighted.
    :param within_seconds: how long the answers may take to tell, None where they are not asked.
    :param consent: the tool that manages the object, where the person says that he knows.
    :param return_seconds: after how long a dashboard brings the earlier weights back unless somebody keeps the shift.
    """

    place: Key
    weights: Mapping[str, str]
    route: str = ""
    within_seconds: float | None = None
    consent: str = ""
    return_seconds: int | None = None


def read_order(
    place: str,
    weights: Sequence[str],
    *,
    route: str,
    within_seconds: float | None,
    consent: str,
    return_seconds: str = "",
) -> Order:
    """Read the command's arguments: `NAMESPACE/NAME`, `VERSION=WEIGHT`, and the options.

    :raises InvalidInput: one of them is not of that form.
    """
    namespace, slash, name = place.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise InvalidInput(f"{place!r} is not of the form NAMESPACE/NAME.", field="place")
    found: dict[str, str] = {}
    for each in weights:
        version, equals, weight = each.rpartition("=")
        if not (version and equals and weight):
            raise InvalidInput(f"{each!r} is not of the form VERSION=WEIGHT.", field="weight")
        if version in found:
            raise InvalidInput(f"{version} is given twice.", field="weight")
        found[version] = weight
    return Order((namespace, name), found, route, within_seconds, consent, parse_return_seconds(return_seconds))


def run_shift(settings: Settings, order: Order) -> int:
    """Shift, verify if that is wanted, print the receipt, and return the exit code."""
    try:
        with synced_cluster(settings) as cluster:
            return _shift(cluster, settings, order)
    except Conflict as error:
        print(f"crossfade: {error.message}", file=sys.stderr)
        return CONFLICT
    except CrossfadeError as error:
        print(f"crossfade: {error.message}", file=sys.stderr)
        return FAILED


def _shift(cluster: Cluster, settings: Settings, order: Order) -> int:
    namespace, name = order.place
    virtual_service = cluster.get_virtual_service(namespace=namespace, name=name)
    route = choose_route(virtual_service, order.route)
    weights = weights_in_order(route, order.weights)
    if order.within_seconds is None:
        stored, at = _write(cluster, settings, order, route, weights), _now()
        _print(virtual_service, route, stored, at)
        return MATCHES
    target = _target(cluster, settings, virtual_service, route)
    prober = Prober(ssl_context=trust(authorities=settings.gateway_ca, insecure=settings.gateway_insecure))
    sampler = Sampler(target, prober, rate=VERIFY_RATE)
    try:
        sampler.start()
        # A gateway that does not answer is found out before anything is written.
        if not sampler.wait_for_answer(0, FIRST_ANSWER_SECONDS):
            raise NotFound("The gateway did not answer in time, so nothing was written.")
        sent_at, at = time.time(), _now()
        stored = _write(cluster, settings, order, route, weights)
        changed = find_http_route(stored, route.index)
        before, after = asked_of(route, route.weights), asked_of(changed, changed.weights)
        sampler.retarget(_target(cluster, settings, stored, changed))
        sampler.shift(Shift(sent_at, sent_at, before=before, after=after))
        summary = _verify(sampler, until=sent_at + order.within_seconds)
    finally:
        sampler.stop()
        prober.close()
    _print(virtual_service, route, stored, at, summary)
    return {"matches": MATCHES, "differs": DIFFERS}.get(summary.verdict, UNTOLD)


def choose_route(virtual_service: VirtualService, wanted: str) -> HttpRoute:
    """Find the route by its index or name; without one, the only route with several destinations.

    :raises NotFound: there is none, or several and none was named.
    """
    place = virtual_service.metadata.full_name
    if re.fullmatch("[0-9]{1,4}", wanted):
        return find_http_route(virtual_service, int(wanted))
    if wanted:
        named = [each for each in virtual_service.http if each.name == wanted]
        if len(named) != 1:
            raise NotFound(f"{place} has {len(named) or 'no'} HTTP route{'s' * (len(named) > 1)} named {wanted}.")
        return named[0]
    weighted = [each for each in virtual_service.http if len(each.route) > 1]
    if len(weighted) == 1:
        return weighted[0]
    known = "; ".join(f"{each.index}: {each.name or match_words(each)}" for each in weighted)
    several = f"has several routes to shift, name one with --route ({known})" if weighted else "has no route to shift"
    raise NotFound(f"{place} {several}.")


def weights_in_order(route: HttpRoute, weights: Mapping[str, str]) -> tuple[int, ...]:
    """Give the weights in the order of the route's destinations; one that is left out gets 0.

    :raises InvalidInput: a version is none of the route's, or the weights are no split.
    """
    versions = destination_versions(route)
    if strangers := [version for version in weights if version not in versions]:
        raise InvalidInput(
            f"{', '.join(strangers)} is no destination of this route; it has {', '.join(versions)}.", field="weight"
        )
    if len(set(versions)) < len(versions):
        raise InvalidInput("Two destinations of this route are one version: shift it on its page.", field="weight")
    return parse_weights([weights.get(version, "0") for version in versions], route=route)


def _write(
    cluster: Cluster, settings: Settings, order: Order, route: HttpRoute, weights: tuple[int, ...]
) -> VirtualService:
    def build(current: VirtualService) -> JsonPatch:
        return shift_patch(
            current,
            find_http_route(current, route.index),
            seen=route_digest(route),
            choose=lambda: weights,
            by=f"{getpass.getuser()} by crossfade shift",
            now=datetime.now(UTC),
            consent=order.consent,
            history=settings.history,
            return_seconds=order.return_seconds,
        )

    return cluster.write(namespace=order.place[0], name=order.place[1], build=build)


def _target(cluster: Cluster, settings: Settings, virtual_service: VirtualService, route: HttpRoute) -> Target:
    panel = panel_of(cluster.snapshot(), virtual_service, route, settings=settings, in_cluster=cluster.in_cluster)
    if panel.target is None:
        raise NotFound(f"The answers can't be sampled, so nothing was written: {panel.reason}")
    return panel.target


def _verify(sampler: Sampler, *, until: float) -> Summary:
    """Watch the answers until they tell, or until a Unix time."""
    sequence = 0
    while True:
        answers, summary = sampler.snapshot(sequence)
        open_still = summary.in_effect is not None and summary.in_effect.is_open
        if time.time() >= until or (summary.verdict in {"matches", "differs"} and not open_still):
            return summary
        sequence = answers[-1].sequence if answers else sequence
        sampler.wait_for_answer(sequence, LOOK_SECONDS)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _print(
    virtual_service: VirtualService, route: HttpRoute, stored: VirtualService, at: str, summary: Summary | None = None
) -> None:
    changed = find_http_route(stored, route.index)
    receipt = Receipt(
        namespace=virtual_service.metadata.namespace,
        name=virtual_service.metadata.name,
        route=match_words(route),
        at=at,
        by=getpass.getuser(),
        before=asked_of(route, route.weights),
        after=asked_of(changed, changed.weights),
        stored=stored.metadata.resource_version,
        summary=summary,
    )
    print(markdown(receipt), end="")
