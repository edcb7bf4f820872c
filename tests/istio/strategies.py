"""Hypothesis strategies: any JSON, VirtualServices that people may have written, and weights to give them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

steady = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine an example may take its time; what is tested is what comes out."""

texts = st.text("aZ09 -/~.*:@é\x00\n", max_size=6)
scalars = st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=False) | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
_ODDITIES: list[Any] = [
    *(None, True, 7, 1.5, "", "5s", [], [None], [{}], {}, {"": None}, {"attempts": "3"}, {"exact": "/a"}),
    *({"response": None}, {"response": {"set": []}}, {"response": {"set": {"a": "1"}}}, {"request": {"remove": ["a"]}}),
    *([{"uri": {"prefix": "/"}}], [{"headers": {"x-a": {"exact": "b"}}, "port": "80"}]),
    {"host": "web", "percentage": {"value": "x"}},
]
oddities = st.sampled_from(_ODDITIES).map(deepcopy)
"""Values that fit somewhere, put where they may not."""

unknown_fields = st.dictionaries(st.sampled_from(["x-new", "a/b", "m~n", ""]), oddities, max_size=2)

l4_matches = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "sniHosts": st.sampled_from([["a.example"], ["*.b.example", "c"], "a", [1]]),
            "destinationSubnets": st.sampled_from([["10.0.0.0/8"], [], None]),
            "port": st.sampled_from([443, "443", None]),
            "sourceLabels": oddities,
            "sourceNamespace": oddities,
            "gateways": oddities,
            "sourceSubnet": texts,
        },
    ),
    max_size=3,
)
"""Matches of TLS and TCP routes, some of whose conditions can't be read."""

_weights: st.SearchStrategy[Any] = st.integers(0, 100) | st.sampled_from([True, "ten", 1.5, None, -3])
_names = st.sampled_from(["web", "api", "web.shop.svc.cluster.local"])


@st.composite
def route_destinations(draw: st.DrawFn) -> dict[str, Any]:
    raw = draw(unknown_fields) | {"destination": {"host": draw(_names), "subset": draw(st.sampled_from(["v1", "v2"]))}}
    if draw(st.booleans()):
        raw["weight"] = draw(_weights)
    if draw(st.booleans()):
        raw["headers"] = draw(oddities)
    return raw


@st.composite
def http_routes(draw: st.DrawFn) -> dict[str, Any]:
    raw = draw(unknown_fields) | {"route": draw(st.lists(route_destinations(), min_size=1, max_size=5))}
    for field in draw(st.sets(st.sampled_from(["name", "match", "timeout", "retries", "fault", "mirror", "headers"]))):
        raw[field] = draw(oddities)
    return raw


@st.composite
def l4_routes(draw: st.DrawFn) -> dict[str, Any]:
    raw = draw(unknown_fields) | {"route": draw(st.lists(route_destinations(), min_size=1, max_size=4))}
    return raw | ({"match": draw(oddities | l4_matches)} if draw(st.booleans()) else {})


@st.composite
def virtual_services(draw: st.DrawFn) -> dict[str, Any]:
    metadata = draw(unknown_fields) | {"namespace": "shop", "name": "web", "resourceVersion": "41"}
    annotations = st.dictionaries(
        st.sampled_from(["crossfade/history", "crossfade/sampling", "team", "a~b/c"]), scalars
    )
    if draw(st.booleans()):
        metadata["annotations"] = draw(annotations | st.none() | st.just("odd"))
    http = draw(st.lists(http_routes(), min_size=1, max_size=3))
    spec = draw(unknown_fields) | {"hosts": ["*"], "http": http}
    for section in draw(st.sets(st.sampled_from(["tls", "tcp"]))):
        spec[section] = draw(st.lists(l4_routes(), max_size=2))
    return draw(unknown_fields) | {"kind": "VirtualService", "metadata": metadata, "spec": spec}


@st.composite
def weights_of(draw: st.DrawFn, count: int, total: int = 100) -> tuple[int, ...]:
    """Weights for so many destinations that sum to `total`."""
    cuts = sorted(draw(st.lists(st.integers(0, total), min_size=count - 1, max_size=count - 1)))
    return tuple(right - left for left, right in zip([0, *cuts], [*cuts, total], strict=True))
