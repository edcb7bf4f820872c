"""The demo's own faults, for whoever stands in front of a room: `Stage` plays them and says what is on.

They act on the tutorial's canary and its VirtualService. What a scene has switched is read from where it was switched,
so that the stage is right about what somebody has annotated by kubectl, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from webapp.demo.controller_objects import SWITCH_PREFIX
from webapp.demo.kube import KubeApi
from webapp.demo.kube.kinds import JsonObject
from webapp.istio.objects import Key
from webapp.istio.parse_values import mapping, mappings, texts_by_name

CANARY: Key = ("default", "aspnetcore-v2")
ROUTE: Key = ("default", "aspnetcore-virtualservice")
AT_FIRST = (90, 10)
LOST_SECONDS = 20.0
PATIENCE_SECONDS = 5.0
MANAGER = "crossfade-stage-manager"
FOREIGN_HAND = "kubectl-edit"
"""The field manager that `kubectl edit` writes by."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that a press of a button brings about.

    :param room: what the room will see.
    :param switches: what it throws on the canary, None where it leaves that alone.
    """

    name: str
    title: str
    room: str
    switches: Mapping[str, str] | None = None


SCENES = (
    Scene("good-canary", "A good canary", "v2 answers at once and without an error, as v1 does.", switches={}),
    Scene(
        "bad-canary",
        "A bad canary",
        "Half of v2's answers are errors: red crosses fall among its marks, and their number grows below the rain. "
        "Press P on the presenter's screen: everything goes back to v1, and the crosses end.",
        switches={"error-share": "0.5"},
    ),
    Scene(
        "slow-canary",
        "A slow canary",
        "v2 takes about 0.8 s to answer. Nothing fails and its share stays: the time beside its name gives it away.",
        switches={"latency-ms": "800", "jitter-ms": "200"},
    ),
    Scene(
        "foreign-hand",
        "A foreign hand with kubectl",
        "The split moves, and nobody here has pressed a key. A shift that was being prepared is not sent over it, and "
        f"the history names {FOREIGN_HAND}.",
    ),
    Scene(
        "lost-api",
        "A lost API server",
        f"For {LOST_SECONDS:.0f} s nobody can shift: the screen says so and keeps moving, and answers go on, for the "
        "gateway needs no API server to route. Then all is as before, by itself.",
    ),
    Scene(
        "normal",
        "Everything back to normal",
        "The API server is there, v2 is well, and the split is {}/{}, as at the start.".format(*AT_FIRST),
        switches={},
    ),
)


class StageError(Exception):
    """A scene can't be played now; the message says why and what to do."""


class Stage:
    """Plays scenes on the embedded API; may be used by several threads."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api

    def play(self, name: str) -> None:
        """Bring a scene about.

        :raises StageError: there is no such scene, or not now.
        """
        scene = next((each for each in SCENES if each.name == name), None)
        if scene is None:
            raise StageError(f"There is no scene called {name}.")
        if name == "normal":
            self._api.faults.clear()
        if scene.switches is not None:
            self._throw(scene.switches)
        if name == "normal":
            self._write_weights(AT_FIRST, manager=MANAGER)
        elif name == "foreign-hand":
            first, *_, last = self._weights()
            self._write_weights((75, 25) if last > first else (25, 75), manager=FOREIGN_HAND)
        elif name == "lost-api":
            self._api.faults.lose(LOST_SECONDS)

    def now(self) -> dict[str, Any]:
        """Say what is on: the names of scenes, what the canary's switches are, and how much longer the API is lost."""
        canary = self._api.store.read("deployments", CANARY)
        thrown = _thrown(canary) if canary else None
        lost_seconds = self._api.faults.lost_seconds
        by_canary = {each.name: each.switches for each in SCENES if each.switches is not None and each.name != "normal"}
        on = [name for name, switches in by_canary.items() if switches == thrown]
        return {
            "on": [*on, *(["lost-api"] if lost_seconds else [])],
            "switches": thrown,
            "lost_seconds": lost_seconds,
            "weights": self._route_weights(),
        }

    def _throw(self, switches: Mapping[str, str]) -> None:
        wanted = {f"{SWITCH_PREFIX}{name}": value for name, value in switches.items()}

        def change(old: JsonObject | None) -> JsonObject:
            if old is None:
                raise StageError("There is no Deployment {}/{} yet: apply it first.".format(*CANARY))
            kept = texts_by_name(old["metadata"].get("annotations"))
            others = {name: value for name, value in kept.items() if not name.startswith(SWITCH_PREFIX)}
            return old | {"metadata": old["metadata"] | {"annotations": others | wanted}}

        self._api.store.write("deployments", change, namespace=CANARY[0], name=CANARY[1], manager=MANAGER)

    def _weights(self) -> list[int]:
        if len(weights := self._route_weights()) < 2:
            raise StageError("{}/{} has no route with two destinations yet: apply one first.".format(*ROUTE))
        return weights

    def _route_weights(self) -> list[int]:
        """Return the weights of the first HTTP route, empty where there is none."""
        stored = self._api.store.read("virtualservices", ROUTE) or {}
        first = next(iter(mappings(mapping(stored.get("spec")).get("http"))), {})
        return [int(each.get("weight") or 0) for each in mappings(first.get("route"))]

    def _write_weights(self, weights: tuple[int, int], *, manager: str) -> None:
        """Write the first and the last destination's weight through the API's own door, as kubectl would."""
        places = range(len(self._weights()))
        wanted = {places[0]: weights[0], places[-1]: weights[1]}
        patch = [
            {"op": "add", "path": f"/spec/http/0/route/{place}/weight", "value": wanted.get(place, 0)}
            for place in places
        ]
        path = "/apis/networking.istio.io/v1/namespaces/{}/virtualservices/{}".format(*ROUTE)
        headers = {"Authorization": f"Bearer {self._api.token}", "Content-Type": "application/json-patch+json"}
        with urllib3.PoolManager(ca_cert_data=self._api.ca_pem, timeout=PATIENCE_SECONDS, retries=False) as pool:
            try:
                url = f"{self._api.url}{path}?fieldManager={manager}"
                answer = pool.request("PATCH", url, body=json.dumps(patch), headers=headers)
            except urllib3.exceptions.HTTPError as error:
                raise StageError("The API server does not answer: bring everything back to normal first.") from error
        if answer.status != 200:
            raise StageError(f"The API server refuses it: {answer.json().get('message')}")


def _thrown(deployment: JsonObject) -> dict[str, str]:
    """Return the switches that annotations throw on a Deployment, by their bare names."""
    annotations = texts_by_name(deployment["metadata"].get("annotations"))
    return {
        name.removeprefix(SWITCH_PREFIX): value for name, value in annotations.items() if name.startswith(SWITCH_PREFIX)
    }
