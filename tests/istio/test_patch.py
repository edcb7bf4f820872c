"""Patches: exactly these operations, and nothing else of the object changes."""

from __future__ import annotations

import copy
from typing import Any, cast

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.strategies import steady, virtual_services, weights_of
from webapp.istio.objects import JsonPatch, Route, Section
from webapp.istio.parse import parse_virtual_service
from webapp.istio.patch import annotation_patch, fence, is_tagged, tag_patch, weight_patch
from webapp.istio.routes import find_route

HEADER = "x-crossfade-version"
FENCE = {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def weight(op: str, place: int, value: int, index: int = 0, section: str = "http") -> dict[str, Any]:
    return {"op": op, "path": f"/spec/{section}/{index}/route/{place}/weight", "value": value}


def applied(raw: dict[str, Any], patch: JsonPatch) -> Any:
    return jsonpatch.apply_patch(raw, patch)


def test_fence_names_the_version_that_was_read() -> None:
    assert fence(builders.parsed(resourceVersion="12345")) == FENCE | {"value": "12345"}


@pytest.mark.parametrize(
    ("raw", "weights", "expected"),
    [
        pytest.param(builders.split(90, 10), (70, 30), [weight("replace", 0, 70), weight("replace", 1, 30)], id="two"),
        pytest.param(
            builders.split(60, 30, 10),
            (50, 40, 10),
            [weight("replace", 0, 50), weight("replace", 1, 40)],
            id="only-what-differs",
        ),
        pytest.param(
            builders.split(100, None), (80, 20), [weight("replace", 0, 80), weight("add", 1, 20)], id="one-was-absent"
        ),
        pytest.param(builders.split(None, None), (100, 0), [weight("add", 0, 100)], id="absent-is-0-already"),
        pytest.param(
            builders.split(100, "ten"),
            (80, 20),
            [weight("replace", 0, 80), weight("add", 1, 20)],
            id="one-was-no-number",
        ),
        pytest.param(
            builders.split(120, 30), (80, 70), [weight("replace", 0, 80), weight("replace", 1, 70)], id="another-sum"
        ),
    ],
)
def test_weight_patch(raw: dict[str, Any], weights: tuple[int, ...], expected: JsonPatch) -> None:
    virtual_service = builders.parsed(raw)
    assert weight_patch(virtual_service, virtual_service.http[0], weights) == [FENCE, *expected]


def test_weight_patch_names_the_route_that_it_means() -> None:
    virtual_service = builders.parsed({"redirect": {}}, builders.split(90, 10))
    patch = weight_patch(virtual_service, virtual_service.http[1], (91, 9))
    assert patch == [FENCE, weight("replace", 0, 91, 1), weight("replace", 1, 9, 1)]


@pytest.mark.parametrize("section", ["tls", "tcp"])
def test_weight_patch_names_the_section_that_it_means(section: str) -> None:
    raws = {section: [builders.split(), builders.split(None, 10)]}
    virtual_service = builders.parsed(builders.split(90, 10), builders.split(90, 10), **raws)
    route = find_route(virtual_service, cast(Section, section), 1)
    patch = weight_patch(virtual_service, route, (80, 20))
    assert patch == [FENCE, weight("add", 0, 80, 1, section), weight("replace", 1, 20, 1, section)]


@pytest.mark.parametrize(
    "raw", [pytest.param(builders.split(90, 10), id="two"), pytest.param(builders.split(30), id="a-single-one")]
)
def test_no_weight_differs_nothing_to_do(raw: dict[str, Any]) -> None:
    virtual_service = builders.parsed(raw)
    route = virtual_service.http[0]
    assert weight_patch(virtual_service, route, route.weights, annotations={"crossfade/history": "[]"}) == []


def test_a_weight_for_every_destination_is_needed() -> None:
    virtual_service = builders.parsed(builders.split(90, 10))
    with pytest.raises(ValueError, match="zip"):
        weight_patch(virtual_service, virtual_service.http[0], (100,))


@pytest.mark.parametrize(
    ("annotations", "given_", "expected"),
    [
        pytest.param(
            None,
            {"crossfade/history": "[]"},
            [
                {"op": "add", "path": "/metadata/annotations", "value": {}},
                {"op": "add", "path": "/metadata/annotations/crossfade~1history", "value": "[]"},
            ],
            id="the-object-had-none",
        ),
        pytest.param(
            {"team": "a"},
            {"crossfade/history": "[]"},
            [{"op": "add", "path": "/metadata/annotations/crossfade~1history", "value": "[]"}],
            id="a-new-one",
        ),
        pytest.param(
            {"crossfade/history": "[1]"},
            {"crossfade/history": "[]"},
            [{"op": "replace", "path": "/metadata/annotations/crossfade~1history", "value": "[]"}],
            id="another-value",
        ),
        pytest.param(
            {"crossfade/history": "[]"},
            {"crossfade/history": None},
            [{"op": "remove", "path": "/metadata/annotations/crossfade~1history"}],
            id="removed",
        ),
        pytest.param(
            {"a~b": "1"},
            {"a~b": "2"},
            [{"op": "replace", "path": "/metadata/annotations/a~0b", "value": "2"}],
            id="a-tilde-is-escaped-too",
        ),
        pytest.param({"x": "1"}, {"x": "1", "y": None}, [], id="so-already"),
        pytest.param(None, {"y": None}, [], id="nothing-to-remove-from"),
    ],
)
def test_annotation_patch(annotations: Any, given_: dict[str, str | None], expected: JsonPatch) -> None:
    fields = {} if annotations is None else {"annotations": annotations}
    patch = annotation_patch(builders.parsed(**fields), given_)
    assert patch == ([FENCE, *expected] if expected else [])


def test_annotations_go_along_with_a_shift() -> None:
    virtual_service = builders.parsed(builders.split(90, 10), annotations={"crossfade/history": "[1]"})
    patch = weight_patch(virtual_service, virtual_service.http[0], (10, 90), annotations={"crossfade/history": "[]"})
    assert [each["op"] for each in patch] == ["replace"] * 4
    assert patch[3] == {"op": "replace", "path": "/metadata/annotations/crossfade~1history", "value": "[]"}


def without_weights_and_our_annotations(raw: dict[str, Any], route: Route) -> Any:
    rest = copy.deepcopy(raw)
    for each in rest["spec"][route.section][route.index]["route"]:
        each.pop("weight", None)
    rest["metadata"].pop("resourceVersion")
    annotations = rest["metadata"].get("annotations")
    if isinstance(annotations, dict):
        rest["metadata"]["annotations"] = {name: annotations[name] for name in annotations if name[:10] != "crossfade/"}
    if not isinstance(annotations, dict) or not rest["metadata"]["annotations"]:
        rest["metadata"].pop("annotations", None)
    return rest


@steady
@given(raw=virtual_services(), data=st.data())
def test_a_shift_changes_weights_and_our_annotations_and_nothing_else(raw: dict[str, Any], data: st.DataObject) -> None:
    virtual_service = parse_virtual_service(raw)
    route = data.draw(st.sampled_from(virtual_service.routes))
    weights = data.draw(weights_of(len(route.route)))
    value = data.draw(st.sampled_from(["[]", None]))
    before = copy.deepcopy(raw)
    after = applied(raw, weight_patch(virtual_service, route, weights, annotations={"crossfade/history": value}))
    assert raw == before
    assert find_route(parse_virtual_service(after), route.section, route.index).weights == weights
    assert after["metadata"]["resourceVersion"] == raw["metadata"]["resourceVersion"]
    assert without_weights_and_our_annotations(after, route) == without_weights_and_our_annotations(raw, route)


@pytest.mark.parametrize(
    ("headers", "path", "value"),
    [
        pytest.param(None, "", {"response": {"set": {HEADER: "v1"}}}, id="no-headers"),
        pytest.param({"request": {"remove": ["a"]}}, "/response", {"set": {HEADER: "v1"}}, id="no-response"),
        pytest.param({"response": {"add": {"a": "1"}}}, "/response/set", {HEADER: "v1"}, id="no-set"),
        pytest.param({"response": {"set": {"a": "1"}}}, f"/response/set/{HEADER}", "v1", id="another-header"),
    ],
)
def test_tag_patch_adds_what_is_missing_and_takes_just_that_out_again(headers: Any, path: str, value: Any) -> None:
    raw = builders.virtual_service(builders.http_route(builders.destination("web", "v1", 100)))
    if headers is not None:
        raw["spec"]["http"][0]["route"][0]["headers"] = headers
    virtual_service = parse_virtual_service(raw)
    patch = tag_patch(virtual_service, virtual_service.http[0], on=True, header=HEADER)
    assert patch == [FENCE, {"op": "add", "path": f"/spec/http/0/route/0/headers{path}", "value": value}]

    tagged = parse_virtual_service(applied(raw, patch))
    assert is_tagged(tagged.http[0].route[0], HEADER)
    assert tag_patch(tagged, tagged.http[0], on=True, header=HEADER) == []
    back = tag_patch(tagged, tagged.http[0], on=False, header=HEADER)
    assert back == [FENCE, {"op": "remove", "path": f"/spec/http/0/route/0/headers{path}"}]
    assert applied(applied(raw, patch), back) == raw


def test_tag_patch_names_each_version() -> None:
    virtual_service = builders.parsed({"redirect": {}}, builders.split(90, 10))
    patch = tag_patch(virtual_service, virtual_service.http[1], on=True, header=HEADER)
    assert [(each["path"], each["value"]) for each in patch[1:]] == [
        ("/spec/http/1/route/0/headers", {"response": {"set": {HEADER: "v1"}}}),
        ("/spec/http/1/route/1/headers", {"response": {"set": {HEADER: "v2"}}}),
    ]


def test_tag_patch_corrects_another_value() -> None:
    raw = builders.http_route(builders.destination("web", "v1", headers={"response": {"set": {HEADER: "old"}}}))
    virtual_service = builders.parsed(raw)
    path = f"/spec/http/0/route/0/headers/response/set/{HEADER}"
    patch = tag_patch(virtual_service, virtual_service.http[0], on=True, header=HEADER)
    assert patch == [FENCE, {"op": "replace", "path": path, "value": "v1"}]


def test_without_a_tag_there_is_nothing_to_take_out() -> None:
    virtual_service = builders.parsed(builders.split(90, 10))
    assert tag_patch(virtual_service, virtual_service.http[0], on=False, header=HEADER) == []
    assert not is_tagged(virtual_service.http[0].route[0], HEADER)


@steady
@given(raw=virtual_services())
def test_a_tag_can_be_set_and_removed_whatever_headers_there_are(raw: dict[str, Any]) -> None:
    virtual_service = parse_virtual_service(raw)
    tagged = applied(raw, tag_patch(virtual_service, virtual_service.http[0], on=True, header=HEADER))
    seen = parse_virtual_service(tagged)
    assert all(is_tagged(each, HEADER) for each in seen.http[0].route)
    plain = parse_virtual_service(applied(tagged, tag_patch(seen, seen.http[0], on=False, header=HEADER)))
    assert not any(is_tagged(each, HEADER) for each in plain.http[0].route)
    assert [each.weights for each in plain.http] == [each.weights for each in virtual_service.http]
