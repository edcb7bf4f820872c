"""The cluster as the rest of Crossfade knows it: a picture that keeps itself up to date, and one way to change it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from webapp.cluster.access import Access, load_access
from webapp.cluster.client import Client
from webapp.cluster.kinds import KINDS, VIRTUAL_SERVICES, Kind
from webapp.cluster.objects_writer import Objects, Outcome
from webapp.cluster.parts import Parts
from webapp.cluster.picture import Picture
from webapp.cluster.probe import Probe
from webapp.cluster.reflector import Reflector, Timing
from webapp.cluster.reviews import Reviews
from webapp.cluster.status import ClusterStatus, KindProgress, State, status_of
from webapp.cluster.worker import Worker
from webapp.cluster.writes import Build, Writes
from webapp.errors import ClusterUnavailable
from webapp.istio.adopt.steps import Step
from webapp.istio.objects import VirtualService
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
        self._reviews = Reviews(self._client)
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

    def is_alive(self) -> bool:
        """Whether every thread lives."""
        return all(each.is_alive() for each in self._workers) and all(each.is_alive() for each in self._parts.values())

    def snapshot(self) -> Snapshot:
        """Return the mesh as it is known now."""
        return self._picture.snapshot()

    def wait_for_change(self, revision: int, timeout_seconds: float) -> int:
        """Wait until the snapshot is newer than `revision`, or the time is over; return its revision."""
        return self._picture.wait_for_change(revision, timeout_seconds)

    def status(self) -> ClusterStatus:
        """Say how old the picture is, and what stands in its way."""
        return status_of(
            [each.health for kind in KINDS for each in self._reflectors(kind)],
            name=self.name,
            now=time.monotonic(),
            started_at=self._started_at,
            heard_at=self._heard_at(),
            probe_error=self._probe.error,
            remarks=[each.problem for each in self._parts.values() if each.problem],
        )

    def watch_ages(self) -> dict[str, float]:
        """Give the seconds since the last list, event or bookmark of each kind, in the part that is longest behind."""
        now = time.monotonic()
        return {
            kind.resource: now - min(each.health.heard_at or self._started_at for each in self._reflectors(kind))
            for kind in KINDS
        }

    def can(self, verb: str, resource: str, *, namespace: str) -> bool | None:
        """Tell whether this dashboard has a right now, as of at most 30 s ago; None where it can't be told."""
        return self._reviews.can(verb, resource, namespace=namespace)

    def get_virtual_service(self, *, namespace: str, name: str) -> VirtualService:
        """Ask the API server for one VirtualService, past the picture; errors as for `Writes.get`."""
        return self._writes.get(namespace=namespace, name=name)

    def write(self, *, namespace: str, name: str, build: Build, dry_run: bool = False) -> VirtualService:
        """Change one VirtualService and return it as stored; parameters and errors as for `Writes.write`."""
        return self._writes.write(namespace=namespace, name=name, build=build, dry_run=dry_run)

    def judge(self, step: Step) -> None:
        """Have one step of a plan judged but not carried out; errors as for `Objects.judge`."""
        self._objects.judge(step)

    def carry_out(self, steps: Sequence[Step]) -> Outcome:
        """Carry a plan out, step by step, as far as it goes; see `Objects.carry_out`."""
        return self._objects.carry_out(steps)

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
