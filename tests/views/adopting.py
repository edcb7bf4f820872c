"""What the tests of adoption share: a service with pods, somebody's route to it, and the form as a browser sends it."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.views.conftest import wait_for
from tests.views.objects import ISTIO, endpoint_slice, pod
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}
PAGE = "/services/shop/inner/adopt"
KINDS = ("destinationrules", "virtualservices", "gateways")


def run(api: KubeApi, **versions: int) -> None:
    """Let pods of versions stand behind shop/inner, all of them ready."""
    addresses = {}
    for version, count in versions.items():
        for number in range(count):
            name = f"inner-{version}-{number}"
            api.store.put("pods", pod("shop", name, {"app": "inner", "version": version}), manager="kubelet")
            addresses[name] = f"10.244.1.{len(addresses) + 1}"
    api.store.put("endpointslices", endpoint_slice("shop", "inner", addresses), manager="controller")


def bare_route(**fields: Any) -> dict[str, Any]:
    """A VirtualService of somebody's that leads everything to shop/inner."""
    return {
        "apiVersion": ISTIO,
        "kind": "VirtualService",
        "metadata": {"namespace": "shop", "name": "inner-door", **fields},
        "spec": {
            "hosts": ["inner.example"],
            "gateways": ["edge"],
            "http": [{"timeout": "3s", "route": [{"destination": {"host": "inner"}}]}],
        },
    }


def wait_for_pods(adapters: Adapters, count: int) -> None:
    """Wait until so many pods, all of them ready, are known: pods and endpoints come by two watches."""
    key = ("shop", "inner")
    wait_for(adapters, lambda s: len(s.ready_pods(key)) == len(s.pods_by_service.get(key, ())) == count)


def put_route(api: KubeApi, adapters: Adapters, raw: dict[str, Any], manager: str = "kubectl-edit") -> None:
    version = api.store.put("virtualservices", raw, manager=manager)["metadata"]["resourceVersion"]
    key = (raw["metadata"]["namespace"], raw["metadata"]["name"])

    def is_seen(snapshot: Any) -> bool:
        found = snapshot.virtual_services.get(key)
        return bool(found) and found.metadata.resource_version == version

    wait_for(adapters, is_seen)


def view(client: FlaskClient) -> Any:
    response = client.get(PAGE, headers=JSON)
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def form_of(found: Any, **changed: Any) -> dict[str, Any]:
    """Send what the page shows, as a browser would."""
    form, plan = found["form"], found["plan"]
    sent: dict[str, Any] = {
        "subset": [each["subset"] for each in form["subsets"]],
        "labels": [each["labels"] for each in form["subsets"]],
        "weight": [each["weight"] for each in form["subsets"]],
        "route": [each["name"] for each in form["routes"] if each["chosen"]],
        "step": "apply",
        "plan_digest": plan["digest"] if plan else "",
        "seen": plan["seen"] if plan else [],
        **{name: form[name] for name in ("rule", "gateway", "host", "port", "virtual_service")},
        **{name: form[name] for name in ("gateway_name", "gateway_port", "selector")},
    }
    sent |= {name: "on" for name in ("mesh", "tag") if form[name]}
    sent |= changed
    return {name: value for name, value in sent.items() if value is not None}


def preview(client: FlaskClient, **changed: Any) -> Any:
    """Ask for the plan of a changed form."""
    answer = client.post(PAGE, data=form_of(view(client), **changed, step="preview"), headers=JSON)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def adopt(client: FlaskClient, **changed: Any) -> Any:
    """Look, choose, look again, and take control."""
    found = preview(client, **changed)
    return client.post(PAGE, data=form_of(found, **changed), headers=JSON)


def give_back(client: FlaskClient, **changed: Any) -> Any:
    plan = view(client)["give_back"]
    form = {"plan_digest": plan["digest"], "seen": plan["seen"], **changed}
    return client.post(f"{PAGE}/give-back", data=form, headers=JSON)


def objects(api: KubeApi) -> dict[str, Any]:
    """Every object of Istio's with its spec, and annotations where there are any."""
    found = {}
    for kind in KINDS:
        for raw in api.store.list(kind):
            metadata = raw["metadata"]
            annotations = metadata.get("annotations") or None
            found[f"{kind}/{metadata['name']}"] = (raw["spec"], metadata.get("labels"), annotations)
    return found


def spec(api: KubeApi, kind: str, name: str) -> Any:
    found = api.store.get(kind, namespace="shop", name=name)
    return None if found is None else found["spec"]


def fail_after_dry_runs(api: KubeApi) -> None:
    """Let the webhook's denial pass by dry runs: what changes between the two can't be known."""
    admit = api.faults.admit

    def late(request: Any) -> None:
        if not request.query.get("dryRun"):
            admit(request)

    api.faults.admit = late  # type: ignore[method-assign]
