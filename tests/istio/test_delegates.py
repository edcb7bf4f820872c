"""Routes that Istio leaves out, since what they delegate to is not one that it takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from tests.istio.builders import split, virtual_service
from webapp.istio.diagnostics import route_notes
from webapp.istio.parse import parse_virtual_service

DELEGATING = {"delegate": {"name": "parts", "namespace": "team"}}


def delegate(**fields: Any) -> dict[str, Any]:
    return virtual_service(split(90, 10), **({"name": "parts", "namespace": "team", "hosts": []} | fields))


def hidden() -> dict[str, Any]:
    raw = delegate()
    raw["spec"]["exportTo"] = ["."]
    return raw


@pytest.mark.parametrize(
    ("root", "others", "expected"),
    [
        pytest.param(virtual_service(DELEGATING), [delegate()], [], id="all-is-well"),
        pytest.param(virtual_service(split(90, 10)), [], [], id="no-delegate"),
        pytest.param(virtual_service(DELEGATING), [], ["there is no VirtualService team/parts"], id="not-there"),
        pytest.param(
            virtual_service(DELEGATING), [delegate(hosts=["a"])], ["team/parts has hosts of its own"], id="with-hosts"
        ),
        pytest.param(
            virtual_service(DELEGATING), [hidden()], ["team/parts is not exported to here"], id="not-exported"
        ),
        pytest.param(
            virtual_service(DELEGATING, hosts=[]),
            [delegate()],
            ["a VirtualService without hosts may not delegate on"],
            id="a-delegate-itself",
        ),
    ],
)
def test_a_route_that_is_left_out_says_why(
    root: dict[str, Any], others: list[dict[str, Any]], expected: list[str]
) -> None:
    owner = parse_virtual_service(root)
    found = route_notes(builders.snapshot(root, *others), owner, owner.http[0])
    texts = [note.text for note in found if note.code == "delegate-not-taken"]
    assert texts == [f"Istio leaves this route out: {why}." for why in expected]
