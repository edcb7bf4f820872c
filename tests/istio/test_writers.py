"""Others who write the object, and would put other weights back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.istio.builders import raw_object, split, virtual_service
from tests.istio.builders import snapshot as snapshot_of
from tests.istio.shifting import managed
from webapp.errors import Owned
from webapp.istio.diagnostics import Note, virtual_service_notes
from webapp.istio.ownership import expect_consent
from webapp.istio.parse import parse_virtual_service

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
EXISTING = {"hosts": ["web.shop.svc.cluster.local"]}


def notes_of(*routes: dict[str, Any], **metadata: Any) -> tuple[Note, ...]:
    raw = virtual_service(*routes, **EXISTING, **metadata)  # type: ignore[arg-type]
    return virtual_service_notes(snapshot_of(raw), parse_virtual_service(raw))


def applied(*routes: Any) -> dict[str, str]:
    """The annotation that `kubectl apply` writes."""
    return {LAST_APPLIED: json.dumps(raw_object("VirtualService", "web", spec={**EXISTING, "http": list(routes)}))}


MAIN = {"name": "main", "timeout": "2s"}


PUT_BACK = [
    pytest.param([split(90, 10)], applied(split(100, 0)), "100/0 for route 0", id="other-weights"),
    pytest.param([split(90, 10, **MAIN)], applied(split(50, 50, **MAIN)), "50/50 for route main", id="a-named-route"),
    pytest.param(
        [split(90, 10, match=[{"port": 81}]), split(90, 10)],
        applied(split(1, 99), split(2, 98, match=[{"port": 81}])),
        "2/98 for route 0 and 1/99 for route 1",
        id="routes-in-another-order",
    ),
]


@pytest.mark.parametrize(("routes", "annotations", "words"), PUT_BACK)
def test_what_kubectl_would_put_back(routes: list[dict[str, Any]], annotations: dict[str, str], words: str) -> None:
    (note,) = notes_of(*routes, annotations=annotations)
    assert (note.level, note.code) == ("info", "last-applied")
    assert (
        note.text
        == f"The file that kubectl apply was last given says {words}: applied again, it puts these weights back."
    )
    assert note.cure == "Change the weights in that file as well."


@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param({}, id="never-applied"),
        pytest.param(applied(split(90, 10)), id="the-same-weights"),
        pytest.param(applied(split(90, 10, timeout="1s")), id="other-things-changed"),
        pytest.param(applied(split(50, 40, 10)), id="other-destinations"),
        pytest.param(applied(split(50, 50, name="old")), id="another-route"),
        pytest.param({LAST_APPLIED: "{"}, id="not-json"),
        pytest.param({LAST_APPLIED: "[" * 100_000}, id="too-deep"),
        pytest.param({LAST_APPLIED: '{"spec": {"http": [1, {"route": 2}]}}'}, id="not-a-virtual-service"),
    ],
)
def test_kubectl_would_put_nothing_back(annotations: dict[str, str]) -> None:
    assert notes_of(split(90, 10), annotations=annotations) == ()


def applies(manager: str, **spec: Any) -> dict[str, Any]:
    return managed(manager, "T1", **spec) | {"operation": "Apply"}


APPLIED = [
    pytest.param([applies("kubectl", **{"f:http": {}})], ["kubectl"], id="who-applied-the-routes"),
    pytest.param(
        [applies("a", **{"f:http": {}}), applies("b", **{"f:http": {}}), applies("a", **{"f:http": {}})],
        ["a", "b"],
        id="several-each-once",
    ),
    pytest.param([applies("kubectl", **{"f:hosts": {}})], [], id="other-fields"),
    pytest.param([managed("kubectl", "T1", **{"f:http": {}})], [], id="an-update-is-no-claim"),
    pytest.param([applies("crossfade", **{"f:http": {}})], [], id="ourselves"),
]


@pytest.mark.parametrize(("fields", "managers"), APPLIED)
def test_server_side_apply(fields: list[dict[str, Any]], managers: list[str]) -> None:
    notes = notes_of(split(90, 10), managedFields=fields)
    codes = ["owner", "server-side-apply"][: len(managers)]
    assert [(note.level, note.code) for note in notes] == [("owner", code) for code in codes]
    assert [note.text.partition(" ")[0] for note in notes] == managers
    assert all("owns all of spec.http by server-side apply: " in note.text.replace("It ", "") for note in notes)


@pytest.mark.parametrize(("fields", "managers"), APPLIED)
def test_who_applies_weights_is_asked_for(fields: list[dict[str, Any]], managers: list[str]) -> None:
    metadata = parse_virtual_service(virtual_service(split(90, 10), managedFields=fields)).metadata
    if not managers:
        assert expect_consent(metadata, "") is None
        return
    with pytest.raises(Owned, match=f"{managers[0]} manages this object. It owns all of spec.http"):
        expect_consent(metadata, "")
    assert expect_consent(metadata, managers[0])
