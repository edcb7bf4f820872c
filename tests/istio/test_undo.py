"""The way back to earlier weights, and who it was that changed them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.istio import builders
from tests.istio.shifting import edited, managed, shifted
from webapp.istio.history import NoUndo, last_writer, undo_weights
from webapp.istio.objects import VirtualService
from webapp.istio.parse import parse_virtual_service


def test_undo_goes_back_and_then_forward_again() -> None:
    virtual_service = shifted(builders.parsed(builders.split(90, 10)), 50, 50)
    back = undo_weights(virtual_service, virtual_service.http[0])
    assert back == (90, 10)
    virtual_service = shifted(virtual_service, *back, minute=1)
    assert undo_weights(virtual_service, virtual_service.http[0]) == (50, 50)


def test_undo_of_what_somebody_else_did_goes_back_to_ours() -> None:
    virtual_service = edited(shifted(builders.parsed(builders.split(100, 0)), 90, 10), 30, 70)
    assert undo_weights(virtual_service, virtual_service.http[0]) == (90, 10)


def other_destinations(virtual_service: VirtualService) -> VirtualService:
    raw = json.loads(json.dumps(virtual_service.raw))
    raw["spec"]["http"][0]["route"][1]["destination"]["subset"] = "v3"
    return parse_virtual_service(raw)


SHIFTED = shifted(builders.parsed(builders.split(90, 10)), 50, 50)


@pytest.mark.parametrize(
    ("virtual_service", "reason"),
    [
        pytest.param(builders.parsed(builders.split(90, 10)), "No earlier weights of this route are known.", id="none"),
        pytest.param(
            other_destinations(SHIFTED),
            "The route's destinations have changed since, so the earlier weights would mean something else.",
            id="others",
        ),
        pytest.param(
            edited(SHIFTED, 50, 40, 10),
            "The route's destinations have changed since, so the earlier weights would mean something else.",
            id="more",
        ),
        pytest.param(
            shifted(builders.parsed(builders.split(0, 0)), 50, 50),
            "The earlier weights were all 0, which Istio refuses.",
            id="zeros",
        ),
    ],
)
def test_no_undo_says_why(virtual_service: VirtualService, reason: str) -> None:
    assert undo_weights(virtual_service, virtual_service.http[0]) == NoUndo(reason)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param(
            [managed("a", "T1", **{"f:http": {}}), managed("b", "T2", **{"f:hosts": {}})],
            ("a", "T1"),
            id="who-owns-the-routes",
        ),
        pytest.param(
            [managed("a", "T1", **{"f:hosts": {}}), managed("b", "T2", **{"f:gateways": {}})],
            ("b", "T2"),
            id="else-the-newest",
        ),
        pytest.param(
            [managed("a", "T1", **{"f:hosts": {}}), managed("istiod", "T9", "f:status")],
            ("a", "T1"),
            id="not-of-the-status",
        ),
        pytest.param(
            [managed("a", "T1", **{"f:hosts": {}}), managed("crossfade", "T9", **{"f:hosts": {}})],
            ("a", "T1"),
            id="another-than-crossfade",
        ),
        pytest.param(
            [managed("a", "T1", **{"f:hosts": {}}), managed("crossfade", "T9", **{"f:http": {}})],
            ("crossfade", "T9"),
            id="crossfade-if-it-was",
        ),
        pytest.param([managed("a", "T1"), managed("b", "T2")], ("b", "T2"), id="fields-not-kept"),
    ],
)
def test_last_writer(fields: list[dict[str, Any]], expected: tuple[str, str] | None) -> None:
    assert last_writer(builders.parsed(managedFields=fields).metadata) == expected
