"""The ingress gateway: a real Envoy that follows the embedded API's objects."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webapp.demo.envoy_process import READY_SECONDS, EnvoyProcess
from webapp.demo.following import Follower
from webapp.demo.kube.store import Store
from webapp.demo.snapshot import RESOURCES, snapshot_of
from webapp.demo.translate import Addresses, Envoy, Translation, translate
from webapp.istio.objects import Key, VirtualService
from webapp.istio.parse_values import mapping
from webapp.istio.snapshot import Snapshot

CONDITION = "crossfade.demo/Translated"
GATHER_SECONDS = 0.001
"""How long a change waits for others that come with it."""

log = logging.getLogger(__name__)


class Gateway:
    """Envoy and the thread that writes its routes: `follower`, whose failure is an EnvoyFailed.

    :param addresses: gives where the pods on this machine listen; asked at every change.
    :param directory: an empty folder for Envoy's files.
    """

    def __init__(
        self, store: Store, binary: Path, directory: Path, *, addresses: Callable[[], Addresses], port: int = 0
    ) -> None:
        self.envoy = EnvoyProcess(binary, directory, port=port)
        self.follower = Follower(store, self._act, name="gateway", resources=RESOURCES, gather_seconds=GATHER_SECONDS)
        self._store = store
        self._addresses = addresses
        self._is_ready = False
        self._clusters: dict[str, Envoy] = {}
        self._route_config: Envoy = {}
        self._accepted: Mapping[Key, VirtualService] = {}
        self._refused: dict[Key, tuple[VirtualService, str]] = {}

    def start(self) -> None:
        """Start Envoy and the thread; returns at once (see `wait_ready`).

        :raises EnvoyFailed: the program can't be run here.
        """
        self.envoy.start()
        self.follower.start()

    def wait_ready(self) -> None:
        """Wait until Envoy listens; the objects of this moment are in use soon after (`follower.wait_for`).

        :raises EnvoyFailed: it does not start.
        """
        self._store.wait_until(lambda: self._is_ready or self.follower.failure is not None, 2 * READY_SECONDS)
        if self.follower.failure is not None:
            raise self.follower.failure

    def stop(self) -> None:
        """End Envoy and the thread."""
        self.follower.end_soon()
        # A dead Envoy frees a thread that still waits for it.
        self.envoy.stop()
        self.follower.stop()

    @property
    def is_alive(self) -> bool:
        """Whether Envoy runs and its routes are followed."""
        return self.follower.is_alive and self.envoy.is_alive

    def _act(self) -> None:
        if not self._is_ready:
            self.envoy.wait_ready()
            self._is_ready = True
            self._store.wake()
        self._take(snapshot_of(self._store))

    def _take(self, snapshot: Snapshot) -> None:
        """Bring Envoy to a snapshot, without the changes that it refuses, and say on the objects what is missing."""
        translation = translate(self._without_refused(snapshot), self._addresses())
        if reason := self._push(translation):
            log.error("Envoy refuses the routes: %s", reason)
            translation = self._refuse(snapshot, reason)
        self._accepted = {key: each for key, each in snapshot.virtual_services.items() if key not in self._refused} | {
            key: self._accepted[key] for key in self._refused.keys() & self._accepted.keys()
        }
        self._note(snapshot, translation)

    def _refuse(self, snapshot: Snapshot, reason: str) -> Translation:
        """Find which of the changed VirtualServices Envoy refuses, by handing it one after the other."""
        changed = {
            key: (each, reason)
            for key, each in snapshot.virtual_services.items()
            if key not in self._refused and not _same_spec(each, self._accepted.get(key))
        }
        self._refused |= changed
        for key, (virtual_service, _) in changed.items():
            del self._refused[key]
            if refused := self._push(translate(self._without_refused(snapshot), self._addresses())):
                self._refused[key] = virtual_service, refused
        translation = translate(self._without_refused(snapshot), self._addresses())
        self._push(translation)
        return translation

    def _without_refused(self, snapshot: Snapshot) -> Snapshot:
        """Put what Envoy accepted before in the place of each VirtualService that it refuses as it is now.

        One bad object makes Envoy refuse all routes at once, and then the others could not change any more.
        """
        virtual_services = dict(snapshot.virtual_services)
        for key, (refused, _) in list(self._refused.items()):
            if not _same_spec(refused, virtual_services.get(key)):
                del self._refused[key]
                continue
            del virtual_services[key]
            if key in self._accepted:
                virtual_services[key] = self._accepted[key]
        return replace(snapshot, virtual_services=virtual_services)

    def _push(self, translation: Translation) -> str | None:
        """Make before break: new clusters, then the routes that name them, then without the old clusters."""
        wanted = {str(each["name"]): each for each in translation.clusters}
        if (both := self._clusters | wanted) != self._clusters:
            self._push_clusters(both)
        if translation.route_config != self._route_config:
            if reason := self.envoy.push("routes", [translation.route_config]):
                return reason
            self._route_config = translation.route_config
        if wanted != self._clusters:
            self._push_clusters(wanted)
        return None

    def _push_clusters(self, clusters: dict[str, Envoy]) -> None:
        if reason := self.envoy.push("clusters", list(clusters.values())):
            log.error("Envoy refuses clusters: %s", reason)
        self._clusters = clusters

    def _note(self, snapshot: Snapshot, translation: Translation) -> None:
        for key, virtual_service in snapshot.virtual_services.items():
            notes = list(translation.notes.get(key, ()))
            if key in self._refused:
                notes.append(f"what was changed last; Envoy refuses it: {self._refused[key][1]}")
            conditions = noted_conditions(virtual_service, notes, now=datetime.now(UTC))
            if conditions is not None:
                status = {**mapping(virtual_service.raw.get("status")), "conditions": conditions}
                self._store.put_status("virtualservices", status, namespace=key[0], name=key[1])


def noted_conditions(
    virtual_service: VirtualService, notes: list[str], *, now: datetime
) -> list[dict[str, Any]] | None:
    """Return `status.conditions` with ours brought up to date, None where it is so already.

    An object that never had anything to note gets no condition.
    https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
    """
    others = [dict(each) for each in virtual_service.conditions if each.get("type") != CONDITION]
    ours = next((each for each in virtual_service.conditions if each.get("type") == CONDITION), None)
    wanted = {"type": CONDITION, "status": "True", "reason": "Translated", "message": ""}
    if notes:
        message = f"The demo's gateway does not translate {'; '.join(notes)}."
        wanted |= {"status": "False", "reason": "NotTranslated", "message": message}
    elif ours is None:
        return None
    if ours is not None and all(ours.get(name) == value for name, value in wanted.items()):
        return None
    return [*others, {**wanted, "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}]


def _same_spec(one: VirtualService, other: VirtualService | None) -> bool:
    return other is not None and one.raw.get("spec") == other.raw.get("spec")
