"""The states and sentences that the kinds' own knowledge adds up to."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.cluster.failures import BadCredentials, Expired
from webapp.cluster.kinds import KINDS, VIRTUAL_SERVICES, Kind
from webapp.cluster.reflector import Timing
from webapp.cluster.status import ClusterStatus, Health, KindProgress, status_of
from webapp.errors import ClusterError, ClusterUnavailable, CrossfadeError, Forbidden, NotFound

NOW = 100.0
AWAY = ClusterUnavailable("The API server at https://192.0.2.1 does not answer: connection refused.")
MAY_NOT = Forbidden("May not list pods: pods is forbidden", detail={"verb": "list"})
TOO_OLD = Expired("too old resource version")
NO_KIND = NotFound("The API server does not serve it.")
PODS = next(kind for kind in KINDS if kind.resource == "pods")

WELL: dict[str, Any] = {"synced": True, "heard_at": 99.0}
NEVER: dict[str, Any] = {}


def trouble(error: CrossfadeError, *, since: float = 90.0, **facts: Any) -> dict[str, Any]:
    return {"error": error, "troubled_since": since, **facts}


def summed(
    common: dict[str, Any],
    *,
    heard_at: float = 99.5,
    probe_error: CrossfadeError | None = None,
    **special: dict[str, Any],
) -> ClusterStatus:
    """Sum up kinds that are all in the same state, but for some by their resource."""
    healths = [Health(kind, **special.get(kind.resource, common)) for kind in KINDS]
    return status_of(healths, name="demo", now=NOW, started_at=50.0, heard_at=heard_at, probe_error=probe_error)


@pytest.mark.parametrize(
    ("status", "state", "age"),
    [
        pytest.param(summed(WELL), "live", 0.5, id="live"),
        pytest.param(summed(NEVER), "loading", 0.5, id="first lists"),
        pytest.param(summed(WELL, pods=NEVER), "loading", 0.5, id="one list to go"),
        pytest.param(summed(WELL, pods=trouble(ClusterError("500"))), "loading", 50, id="a list that fails"),
        pytest.param(summed(trouble(AWAY)), "down", 50, id="nobody there"),
        pytest.param(summed(trouble(BadCredentials("401"))), "down", 50, id="unknown to the server"),
        pytest.param(summed(WELL, pods=trouble(AWAY, heard_at=80.0)), "down", 20, id="went away before the end"),
        pytest.param(summed(WELL, heard_at=89.0), "stale", 11, id="silent"),
        pytest.param(summed(WELL, pods=trouble(AWAY, **WELL)), "stale", 1, id="one watch broken"),
        pytest.param(summed(WELL, pods=trouble(TOO_OLD, **WELL)), "stale", 1, id="one being listed again"),
        pytest.param(
            summed(trouble(AWAY, **WELL), pods=trouble(AWAY, synced=True, heard_at=80.0)), "stale", 20, id="oldest"
        ),
        pytest.param(summed(WELL, pods=trouble(AWAY, since=98.5, **WELL)), "live", 0.5, id="just broken"),
        pytest.param(summed(WELL, pods=trouble(MAY_NOT)), "live", 0.5, id="a right is lacking"),
        pytest.param(summed(WELL, pods=trouble(MAY_NOT, **WELL)), "stale", 1, id="a right was taken away"),
        pytest.param(summed(WELL, gateways=trouble(NO_KIND)), "live", 0.5, id="a kind is not served"),
        pytest.param(summed(WELL, gateways=trouble(NO_KIND, **WELL)), "live", 0.5, id="a kind was removed"),
    ],
)
def test_states(status: ClusterStatus, state: str, age: float) -> None:
    assert (status.state, status.age_seconds) == (state, age)


def istio(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {kind.resource: facts for kind in KINDS if kind.group == VIRTUAL_SERVICES.group}


@pytest.mark.parametrize(
    ("status", "problems"),
    [
        pytest.param(summed(WELL), [], id="none"),
        pytest.param(summed(trouble(AWAY)), [AWAY.message], id="the same for all is said once"),
        pytest.param(summed(WELL, pods=trouble(AWAY, since=98.5, **WELL)), [], id="passing"),
        pytest.param(summed(WELL, pods=trouble(MAY_NOT, since=98.5, **WELL)), [MAY_NOT.message], id="a right"),
        pytest.param(summed(WELL, probe_error=AWAY), [AWAY.message], id="no pulse"),
        pytest.param(summed(WELL, pods=trouble(ClusterError("Bad."))), ["Can't read pods: Bad."], id="an error"),
        pytest.param(
            summed(WELL, pods=trouble(TOO_OLD, **WELL)),
            ["Reading pods again: the API server no longer has what happened meanwhile."],
            id="listed again",
        ),
        pytest.param(
            summed(WELL, gateways=trouble(NO_KIND)),
            ["This cluster serves no gateways of networking.istio.io."],
            id="a kind is not served",
        ),
        pytest.param(
            summed(WELL, **istio(trouble(NO_KIND))),
            [
                "Istio is not installed in this cluster: its API networking.istio.io is not served. "
                "Once it is, it is noticed here."
            ],
            id="no Istio",
        ),
    ],
)
def test_problems(status: ClusterStatus, problems: list[str]) -> None:
    assert list(status.problems) == problems


def parted(namespaces: tuple[str, ...], *resources: str, **facts: Any) -> ClusterStatus:
    """Sum up kinds of which some are watched by namespace."""
    healths = [
        Health(kind, namespace, **(facts if namespace else WELL))
        for kind in KINDS
        for namespace in (namespaces if kind.resource in resources else ("",))
    ]
    return status_of(healths, name="demo", now=NOW, started_at=50.0, heard_at=99.5, probe_error=None)


@pytest.mark.parametrize(
    ("status", "scope"),
    [
        pytest.param(summed(WELL), "", id="everything"),
        pytest.param(
            parted(("shop", "default"), "pods", **WELL),
            "Only the namespaces shop and default are watched: pods may not be listed cluster-wide.",
            id="two namespaces",
        ),
        pytest.param(
            parted(("shop",), "services", "pods", "gateways", **WELL),
            "Only the namespace shop is watched: gateways, services and pods may not be listed cluster-wide.",
            id="three kinds",
        ),
    ],
)
def test_what_is_left_out_is_said(status: ClusterStatus, scope: str) -> None:
    assert status.scope == scope
    assert status.problems == ((scope,) if scope else ())


def test_parts_are_summed_up_to_their_kind() -> None:
    status = parted(("a", "b"), "pods", **WELL, listed=3, expected=4)
    assert KindProgress("pods", 6, 8, True) in status.progress
    assert len(status.progress) == len(KINDS)
    assert parted(("a", "b"), "pods", listed=3, expected=None).progress[5] == KindProgress("pods", 6, None, False)


def test_progress_is_done_where_nothing_more_comes() -> None:
    lists = {"pods": {"listed": 500, "expected": 5_000}, "services": trouble(MAY_NOT), "gateways": trouble(NO_KIND)}
    progress = {each.kind: each for each in summed(WELL, **lists).progress}
    assert [kind for kind, each in progress.items() if not each.done] == ["pods"]
    assert (progress["pods"].listed, progress["pods"].expected) == (500, 5_000)


def test_pauses_grow_to_a_bound_and_differ() -> None:
    timing = Timing()
    for failures in range(50):
        longest = min(3.0, 0.1 * 2**failures)
        pauses = [timing.pause(failures) for _ in range(20)]
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(set(pauses)) > 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource)
def test_addresses(kind: Kind) -> None:
    expected = {
        "": [f"/api/v1/{kind.resource}"],
        "discovery.k8s.io": [f"/apis/discovery.k8s.io/v1/{kind.resource}"],
        "networking.istio.io": [
            f"/apis/networking.istio.io/{version}/{kind.resource}" for version in ("v1", "v1beta1", "v1alpha3")
        ],
    }
    assert list(kind.paths()) == expected[kind.group]
