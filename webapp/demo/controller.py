"""What a cluster's controllers do, in one reconciler: Deployments → Pods → EndpointSlices.

Level-triggered: whatever has changed, the whole of it is compared with what should be, and what differs is put right.
https://kubernetes.io/docs/concepts/architecture/controller/

Annotations on a Deployment, or on one of its Pods, throw a pod's switches (see `hello_switches.Switches`)::

    kubectl annotate deployment aspnetcore-v2 crossfade.demo/error-share=0.3
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from webapp.demo.controller_objects import (
    ALPHABET,
    HASH_LABEL,
    MANAGED_BY,
    SLICES,
    deployment_status,
    endpoint_slice,
    is_injected,
    label_of,
    new_pod,
    replicas_of,
    selected_by,
    template_hash,
)
from webapp.demo.following import Follower
from webapp.demo.kube.store import Store
from webapp.demo.node import GRACE_SECONDS, Node, Runner
from webapp.istio.objects import RawObject
from webapp.istio.parse_values import mapping, mappings, text, texts_by_name

MANAGER = "kube-controller-manager"
MOST_REPLICAS = 50
"""More pods of one Deployment are not started: all of them live on this machine."""

RESOURCES = frozenset({"deployments", "pods", "services", "endpointslices"})


class Controller:
    """The reconciler and its node; `follower` is its thread, whose failure is a FleetFailed."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self._store = store
        self._node = Node(store, runner)
        self.follower = Follower(store, self.reconcile, name="controller", resources=RESOURCES)

    @property
    def addresses(self) -> Mapping[str, tuple[str, int]]:
        """Where each pod's address is on this machine."""
        return self._node.addresses

    def reconcile(self) -> float | None:
        """Compare everything once and put right what differs; return when to do so again in any case.

        :raises FleetFailed: pods can't be run.
        """
        deployments = self._store.list("deployments")
        self._scale(deployments)
        annotations = {
            each["metadata"]["uid"]: texts_by_name(each["metadata"].get("annotations")) for each in deployments
        }
        self._node.run(self._store.list("pods"), annotations)
        pods = self._store.list("pods")
        self._slice(pods)
        owned = _by_owner(pods)
        for deployment in deployments:
            metadata = deployment["metadata"]
            status = deployment_status(deployment, owned.get(metadata["uid"], []))
            self._store.put_status("deployments", status, namespace=metadata["namespace"], name=metadata["name"])
        return GRACE_SECONDS if self._node.is_stopping_pods else None

    def _scale(self, deployments: Sequence[RawObject]) -> None:
        """Create and delete Pods until each Deployment has what it wants, from its template as it is now."""
        owned = _by_owner(self._store.list("pods"))
        for deployment in deployments:
            pods, hashed = owned.pop(deployment["metadata"]["uid"], []), template_hash(deployment)
            current = [pod for pod in pods if label_of(pod, HASH_LABEL) == hashed]
            wanted = min(replicas_of(deployment), MOST_REPLICAS)
            injected = is_injected(self._store.get("namespaces", name=deployment["metadata"]["namespace"]))
            for _ in range(wanted - len(current)):
                suffix = "".join(secrets.choice(ALPHABET) for _ in range(5))
                self._store.put("pods", new_pod(deployment, suffix=suffix, injected=injected), manager=MANAGER)
            kept = {pod["metadata"]["name"] for pod in current[:wanted]}
            self._delete("pods", (pod for pod in pods if pod["metadata"]["name"] not in kept))
        for orphans in owned.values():
            self._delete("pods", orphans)

    def _slice(self, pods: Sequence[RawObject]) -> None:
        """Write an EndpointSlice for each Service with a selector, delete those of Services that are gone."""
        wanted = [
            endpoint_slice(service, selected_by(service, pods))
            for service in self._store.list("services")
            if mapping(mapping(service.get("spec")).get("selector"))
        ]
        for each in wanted:
            self._store.put("endpointslices", each, manager=MANAGER)
        names = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in wanted}
        self._delete(
            "endpointslices",
            (
                each
                for each in self._store.list("endpointslices")
                if label_of(each, MANAGED_BY) == SLICES
                and (each["metadata"]["namespace"], each["metadata"]["name"]) not in names
            ),
        )

    def _delete(self, resource: str, gone: Iterable[RawObject]) -> None:
        for each in gone:
            self._store.delete(resource, namespace=each["metadata"]["namespace"], name=each["metadata"]["name"])


def _by_owner(pods: Iterable[RawObject]) -> dict[str, list[RawObject]]:
    """Group Pods by the uid of the Deployment that owns them; others are left out."""
    found: defaultdict[str, list[RawObject]] = defaultdict(list)
    for pod in pods:
        for owner in mappings(pod["metadata"].get("ownerReferences")):
            if owner.get("kind") == "Deployment":
                found[text(owner.get("uid"))].append(pod)
    return found
