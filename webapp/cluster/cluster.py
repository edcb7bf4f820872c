"""The cluster as the rest of Crossfade knows it: a picture that keeps itself up to date, and one way to change it."""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from webapp.cluster.access import Access, load_access
from webapp.cluster.client import Client, Impersonating
from webapp.cluster.kinds import KINDS, VIRTUAL_SERVICES, Kind
from webapp.cluster.objects_writer import Objects, Outcome
from webapp.cluster.parts import Parts
from webapp.cluster.picture import Picture
from webapp.cluster.probe import Probe
from webapp.cluster.reflector import Reflector, Timing
from webapp.cluster.reviews import Reviews
from webapp.cluster.status import ClusterStatus, KindProgress, State, status_of
from webapp.cluster.visible import Visible
from webapp.cluster.worker import Worker
from webapp.cluster.writes import Build, Writes
from webapp.errors import ClusterUnavailable, Forbidden
from webapp.identity import Person
from webapp.istio.adopt.steps import Step
from webapp.istio.mesh import routes_reaching
from webapp.istio.objects import Key, VirtualService
from webapp.istio.snapshot import Snapshot
from webapp.settings import Settings

__all__ = ["Cluster", "ClusterStatus", "KindProgress", "State", "Timing"]

PROBE_SECONDS = 3.0


class Cluster:
    """One API server, watched. Makes no connection before `start`.

    A thread and a connection for each kind and for the probe, and for each namespace that a kind has to be watched
    in by itself; reads and writes that somebody waits for have connections of their own, so that they never queue
    behind a watch.

    :raises InvalidSetting: there is no kubeconfig that can be used.
    """

    def __init__(
        self, settings: Settings, *, timing: Timing | None = None, probe_seconds: float = PROBE_SECONDS
    ) -> None:
        access = load_access(settings)
        self.person: Person | None = None
        """Who sees this cluster and in whose name it is written; None is the dashboard itself."""
        self.name = access.name
        self.in_cluster = access.in_cluster
        self._picture = Picture()
        self._client = Client(access)
        self._wholes: dict[Kind, Reflector] = {}
        self._parts: dict[Kind, Parts] = {}
        for kind in KINDS:
            self._add(kind, access, settings, timing or Timing())
        self._probe = Probe(
            Client(access), heard_at=self._heard_at, on_return=self._renew, interval_seconds=probe_seconds
        )
        self._workers = [
            *(Worker(f"watch {each.kind.resource}", each.client, each.run) for each in self._wholes.values()),
            Worker("probe", self._probe.client, self._probe.run),
        ]
        self._reviews, self._visible = Reviews(Client(access)), Visible()
        self._writes = Writes[VirtualService](
            self._client, self._picture, partial(self._path_of, VIRTUAL_SERVICES, "VirtualServices")
        )
        self._objects = Objects(self._client, self._picture, self._path_of, virtual_services=self._writes)
        self._started_at = time.monotonic()

    def start(self) -> None:
        """Start the threads; once only, and after a fork."""
        self._started_at = time.monotonic()
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End all waiting, join the threads, close the connections."""
        for worker in self._workers:
            worker.ask_to_stop()
        for worker in self._workers:
            worker.join()
        self._client.interrupt()
        self._client.close()
        self._reviews.stop()

    def is_alive(self) -> bool:
        """Whether every thread lives."""
        return all(each.is_alive() for each in self._workers) and all(each.is_alive() for each in self._parts.values())

    def seen_by(self, person: Person) -> Cluster:
        """Give this cluster as one person may see it; what is written through it is written in that person's name."""
        seen, client = copy.copy(self), Impersonating(self._client, person)
        seen.person = person
        seen._writes = self._writes.through(client)
        seen._objects = self._objects.through(client)
        return seen

    def snapshot(self) -> Snapshot:
        """Return the mesh as it is known now; to a person with the VirtualServices that he may list.

        :raises ClusterUnavailable: what a person may list can't be told.
        """
        whole = self._picture.snapshot()
        if self.person is None:
            return whole
        return self._visible.of(whole, self.where("list", "virtualservices", whole.virtual_services))

    def wait_for_change(self, revision: int, timeout_seconds: float) -> int:
        """Wait until the snapshot is newer than `revision`, or the time is over; return its revision."""
        return self._picture.wait_for_change(revision, timeout_seconds)

    def status(self) -> ClusterStatus:
        """Say how old the picture is, and what stands in its way."""
        status = status_of(
            [each.health for kind in KINDS for each in self._reflectors(kind)],
            name=self.name,
            now=time.monotonic(),
            started_at=self._started_at,
            heard_at=self._heard_at(),
            probe_error=self._probe.error,
            remarks=[each.problem for each in self._parts.values() if each.problem],
        )
        if not (hidden := self._hidden()):
            return status
        scope = f"{status.scope} {hidden}".strip()
        return replace(
            status, scope=scope, problems=(scope, *(each for each in status.problems if each != status.scope))
        )

    def watch_ages(self) -> dict[str, float]:
        """Give the seconds since the last list, event or bookmark of each kind, in the part that is longest behind."""
        now = time.monotonic()
        return {
            kind.resource: now - min(each.health.heard_at or self._started_at for each in self._reflectors(kind))
            for kind in KINDS
        }

    def can(self, verb: str, resource: str, *, namespace: str) -> bool | None:
        """Tell whether the person or this dashboard has a right, as of some 30 s ago; None where it can't be told."""
        return self._reviews.can(verb, resource, namespace=namespace, person=self.person)

    def where(self, verb: str, resource: str, keys: Iterable[Key]) -> frozenset[str]:
        """Give those of the keys' namespaces in which the person may do this: all where there is no person.

        :raises ClusterUnavailable: it can't be told.
        """
        namespaces = frozenset(namespace for namespace, _ in keys)
        if self.person is None:
            return namespaces
        return self._reviews.where(verb, resource, namespaces, person=self.person)

    def shows(self, key: Key) -> bool:
        """Tell whether a person may go on looking at a VirtualService; that it can't be told now ends nothing."""
        try:
            self.expect_may(("get", "list"), VIRTUAL_SERVICES.resource, namespace=key[0])
        except Forbidden:
            return False
        except ClusterUnavailable:
            return True
        return True

    def hides_routes_to(self, key: Key) -> bool:
        """Tell whether routes lead to a service that the person may not see."""
        return len(routes_reaching(self._picture.snapshot(), key)) > len(routes_reaching(self.snapshot(), key))

    def expect_may(self, verbs: Collection[str], resource: str, *, namespace: str) -> None:
        """Let a person go on who may do this; the dashboard itself shows all that it sees.

        :raises Forbidden: he may not.
        :raises ClusterUnavailable: it can't be told.
        """
        for verb in verbs:
            if self.person and not self.where(verb, resource, [(namespace, "")]):
                detail = {"verb": verb, "resource": resource, "namespace": namespace, "user": self.person.name}
                raise Forbidden(
                    f"You ({self.person.name}) may not {verb} {resource} in namespace {namespace}.", detail=detail
                )

    def get_virtual_service(self, *, namespace: str, name: str) -> VirtualService:
        """Ask the API server for one VirtualService, past the picture; errors as for `Writes.get`."""
        return self._writes.get(namespace=namespace, name=name)

    def write(self, *, namespace: str, name: str, build: Build, dry_run: bool = False) -> VirtualService:
        """Change one VirtualService and return it as stored; parameters and errors as for `Writes.write`."""
        # What comes back, or why not, is shown.
        self.expect_may(("get",), VIRTUAL_SERVICES.resource, namespace=namespace)
        return self._writes.write(namespace=namespace, name=name, build=build, dry_run=dry_run)

    def judge(self, step: Step) -> None:
        """Have one step of a plan judged but not carried out; errors as for `Objects.judge`."""
        self._objects.judge(step)

    def carry_out(self, steps: Sequence[Step]) -> Outcome:
        """Carry a plan out, step by step, as far as it goes; see `Objects.carry_out`."""
        return self._objects.carry_out(steps)

    def _hidden(self) -> str:
        """Say how much of the picture a person may see, where that is not all."""
        if self.person is None:
            return ""
        whole = self._picture.snapshot()
        counts = []
        for resource, keys in (("services", whole.services), ("virtualservices", whole.virtual_services)):
            namespaces = {namespace for namespace, _ in keys}
            seen = self.where("list", resource, keys)
            if len(seen) < len(namespaces):
                counts.append(f"{resource} in {len(seen)} of {len(namespaces)} namespaces")
        return f"Only what {self.person.name} may list is shown: {', '.join(counts)}." if counts else ""

    def _add(self, kind: Kind, access: Access, settings: Settings, timing: Timing) -> None:
        client = Client(access)
        parts = Parts(kind, access, client, self._picture, namespaces=settings.namespaces, timing=timing)
        self._parts[kind] = parts
        self._wholes[kind] = Reflector(kind, client, self._picture, timing=timing, when_forbidden=parts.watch)

    def _reflectors(self, kind: Kind) -> Sequence[Reflector]:
        return self._parts[kind].reflectors or (self._wholes[kind],)

    def _heard_at(self) -> float:
        parts = (each.client for part in self._parts.values() for each in part.reflectors)
        clients = [self._client, *(worker.client for worker in self._workers), *parts]
        return max((each.heard_at for each in clients if each.heard_at is not None), default=self._started_at)

    def _renew(self, lost_at: float) -> None:
        """Break off the watches on which nothing came since `lost_at`: they may be dead without knowing it.

        To take up a watch again costs next to nothing. The first list would begin anew, and is bounded in itself.
        """
        for each in (each for kind in KINDS for each in self._reflectors(kind) if each.health.synced):
            if each.client.heard_at is None or each.client.heard_at <= lost_at:
                each.client.interrupt()
        # Those that lie idle: on the others somebody's change may be under way, and its answer yet to come.
        self._client.close()

    def _path_of(self, kind: Kind, called: str) -> str:
        reflectors = self._reflectors(kind)
        path = next((each.path for each in reflectors if each.path), "")
        if not path:
            error = reflectors[0].health.error
            why = error.message if error else "they are being read for the first time; try again in a moment."
            raise ClusterUnavailable(f"{called} can't be reached: {why}")
        return path
