"""A shift, for a script and for a person, beside what a script without a dashboard would send."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kubernetes import client, config

from scripts.bench.dashboard import Asking
from scripts.bench.figures import quantile, show, spread
from scripts.bench.large_mesh import SERVICES, name_of
from tests.mesh.api import Api

SHIFTS = 100
SHIFTED = 20
"""VirtualServices that take turns, so that their histories are neither empty nor full."""
WEIGHTS = [(70, 30), (90, 10)]
FACES = {"as JSON": "application/json", "as a page": "text/html"}
REQUESTS = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)


def shifts(asking: Asking, api: Api, kubeconfig: Path) -> None:
    """Shift by the dashboard and patch by the kubernetes client with the same token, alternately; show both."""
    bare = client.CustomObjectsApi(config.new_client_from_config(str(kubeconfig)))  # type: ignore[no-untyped-call]
    times: dict[str, list[float]] = {face: [] for face in (*FACES, "bare")}
    before = requests_for(api, "virtualservices"), requests_for(api, "selfsubjectaccessreviews")
    for number in range(SHIFTS):
        for place, (face, accept) in enumerate(FACES.items()):
            name = name_of(2 * (number % SHIFTED) + place)
            times[face].append(shift(asking, name, WEIGHTS[number // SHIFTED % 2], accept))
        began = time.perf_counter()
        bare_patch(bare, name_of(SERVICES - 1 - number % SHIFTED), WEIGHTS[number // SHIFTED % 2])
        times["bare"].append(time.perf_counter() - began)
    asked = requests_for(api, "virtualservices") - before[0] - SHIFTS
    reviews = requests_for(api, "selfsubjectaccessreviews") - before[1]
    for face in FACES:
        more = quantile(times[face], 0.95) - quantile(times["bare"], 0.95)
        show(
            f"a shift answered {face}",
            spread(times[face]),
            goal="p95 under 20 ms, 5 ms more than a bare patch",
            met=quantile(times[face], 0.95) < 0.02 and more < 0.005,
            beside=f"{1000 * more:.1f} ms more than a bare patch at p95, "
            f"{1000 * (quantile(times[face], 0.5) - quantile(times['bare'], 0.5)):.1f} ms at the median",
        )
    show("a bare patch", spread(times["bare"]), beside="without a history; the API server's own part of every shift")
    show(
        "requests to the API server for a shift",
        f"{asked / SHIFTS / len(FACES):g}",
        goal="exactly 1",
        met=asked == SHIFTS * len(FACES),
        beside=f"{asked} by its own counter for {SHIFTS * len(FACES)} shifts; {reviews} reviews of rights, "
        "one a namespace in 30 s",
    )


def shift(asking: Asking, name: tuple[str, str], weights: Sequence[int], accept: str) -> float:
    """Shift one VirtualService; return the seconds until the whole answer was there."""
    path = "/virtual-services/{}/{}".format(*name)
    digest = asking.json(path)["http_routes"][1]["route_digest"]
    form = urlencode([*(("weight", weight) for weight in weights), ("route_digest", digest)])
    answered = asking.ask("POST", f"{path}/http/1/weights", form, Accept=accept)
    assert answered.status == 200, answered
    return answered.seconds


def bare_patch(api: client.CustomObjectsApi, name: tuple[str, str], weights: Sequence[int]) -> None:
    """Write the same weights as a script would."""
    patch: Any = [
        {"op": "replace", "path": f"/spec/http/1/route/{place}/weight", "value": weight}
        for place, weight in enumerate(weights)
    ]
    api.patch_namespaced_custom_object(
        "networking.istio.io",
        "v1",
        name[0],
        "virtualservices",
        name[1],
        patch,
        _content_type="application/json-patch+json",
    )


def requests_for(api: Api, resource: str) -> int:
    """Return how many requests for a resource the API server has answered."""
    total = 0.0
    for labels, count in REQUESTS.findall(str(api.call("GET", "/metrics").body)):
        found = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if found["resource"] == resource and found["verb"] != "WATCH":
            total += float(count)
    return int(total)
