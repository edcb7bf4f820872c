"""What moves while people watch: the cluster's changes and the gateway's answers, sent to open pages.

One thread. It gathers changes for a moment and publishes them as `mesh`, names every change of a watched route's
weights as `shift`, keeps exactly the samplers that somebody watches, and publishes their answers twice a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import TypeAlias

from webapp.cluster.cluster import Cluster
from webapp.events import Observed, answers_event, mesh_event, shift_event
from webapp.interest import Interest
from webapp.istio.history import changes
from webapp.istio.mesh import answer_marks
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.routes import route_key
from webapp.istio.snapshot import Key
from webapp.metrics import Metrics
from webapp.panel import State, asked_of, panel_of
from webapp.settings import Settings
from webapp.traffic.samplers import Samplers
from webapp.traffic.shifts import Shift
from webapp.traffic.stream import Hub, Subscription, encode

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
ANSWERS_SECONDS = 0.5
PULSE_SECONDS = 2.0
LOADING_SECONDS = 0.5
"""While the first lists are read, pages are told more often how far they are."""
FOREIGN_SECONDS = 1.0
"""How long before it is seen here somebody else's shift may have taken effect, at most."""

MESH = "mesh"


Draw = Callable[[Observed], str]


Place: TypeAlias = tuple[str, str, int]
"""(namespace, name, index of the HTTP route): what a sampler is known by."""


def _place(virtual_service: VirtualService, http_route: int) -> Place:
    return virtual_service.metadata.namespace, virtual_service.metadata.name, http_route


def _weights_of(virtual_services: Iterable[VirtualService]) -> dict[tuple[str, str, str], tuple[int, ...]]:
    """Weights by namespace, name and route key: an index alone would take a reordering for a shift."""
    return {
        (each.metadata.namespace, each.metadata.name, route_key(route)): route.weights
        for each in virtual_services
        for route in each.http
    }


def topic_of(key: Key) -> str:
    """Name the stream's topic of one VirtualService."""
    return f"virtual-service {key[0]}/{key[1]}"


class Live:
    """Connect the cluster's changes and the samplers' answers with the people who watch."""

    def __init__(self, settings: Settings, *, cluster: Cluster, samplers: Samplers, hub: Hub, metrics: Metrics) -> None:
        self._settings = settings
        self._cluster = cluster
        self._samplers = samplers
        self._hub = hub
        self._metrics = metrics
        self._interest = Interest()
        self._draw: Draw = lambda observed: ""
        self._lock = Lock()
        self._weights: dict[tuple[str, str, str], tuple[int, ...]] = {}
        self._sent: dict[Place, tuple[float | None, int]] = {}
        self._publishing = Lock()
        self._openings: dict[Key, tuple[str, list[bytes]]] = {}
        self._stop = Event()
        self._thread: Thread | None = None
        self.stopping: Callable[[], bool] = self._stop.is_set
        """Whether streams should end; the server that carries them may replace it by its own word."""

    def draw_answers_with(self, draw: Draw) -> None:
        """Take the function that renders a panel's table for the stream."""
        self._draw = draw

    def start(self) -> None:
        """Start the one thread.

        It is also made here: a Thread that was made before a fork counts as ended in the child.
        """
        self._thread = Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the streams, join the thread, stop the samplers."""
        self._stop.set()
        self._hub.close()
        if self._thread:
            self._thread.join()
        self._samplers.stop_all()

    def is_alive(self) -> bool:
        """Whether the thread and every sampler live."""
        return self._thread is not None and self._thread.is_alive() and self._samplers.is_alive()

    def watch(self, key: Key | None, *, after: str = "", audience: bool = False) -> Subscription:
        """Subscribe to the mesh's changes, and to one VirtualService's answers and shifts.

        :param after: the id of the last event that this viewer has heard, if any.
        :param audience: take one of the audience's places.
        :raises TooManyViewers: all places are taken.
        """
        subscription = self._hub.subscribe(
            (MESH,) if key is None else (MESH, topic_of(key)), after=after, audience=audience
        )
        self._metrics.viewers.inc()
        if key is not None:
            self._interest.come(key)
            with self._lock:
                # What this viewer is about to see: the next change is a shift for him, however soon it comes.
                if found := self._cluster.snapshot().virtual_services.get(key):
                    self._weights = _weights_of([found]) | self._weights
        return subscription

    def leave(self, key: Key | None, subscription: Subscription) -> None:
        """End a subscription; its routes are sampled a little longer, for a page that is only reloaded."""
        subscription.close()
        self._metrics.viewers.dec()
        if key is not None:
            self._interest.go(key)

    def linger(self, key: Key) -> None:
        """Sample this VirtualService's routes for a while although nobody may be watching."""
        self._interest.linger(key)

    def expect_shift(self, key: Key) -> None:
        """Note that a shift is about to be sent, from when on it may take effect; sample it even if nobody watches."""
        self._interest.send(key)

    def catch_up(self, key: Key | None, subscription: Subscription) -> list[bytes]:
        """Let a subscription take events from here on; return all that was published so far, as its first events."""
        with self._publishing:
            return self.opening(key, id=subscription.catch_up())

    def opening(self, key: Key | None, *, id: str) -> list[bytes]:
        """Return what a new stream is told first: how the mesh stands, and each route's window as it was published.

        The id, up to which this holds, is the last one's alone: who hears a part only must not be taken for complete.
        """
        virtual_service = self._cluster.snapshot().virtual_services.get(key) if key else None
        if key is None or virtual_service is None or not virtual_service.http:
            return [encode("mesh", self._pulse(), id=id)]
        known = self._openings.get(key)
        if known is None or known[0] != id:
            *first, last = (self._published_answers(virtual_service, route.index) for route in virtual_service.http)
            known = id, [*(encode("answers", each) for each in first), encode("answers", last, id=id)]
            # Many come at once after a restart: one encoding for all of them, until something is published.
            self._openings = {each: one for each, one in self._openings.items() if one[0] == id} | {key: known}
        return [encode("mesh", self._pulse()), *known[1]]

    def observe(self, virtual_service: VirtualService, http_route: int, *, after: int | None = None) -> Observed:
        """Return how one route's panel stands, with the answers after the sequence number `after` (None: all)."""
        panel = panel_of(
            self._cluster.snapshot(),
            virtual_service,
            virtual_service.http[http_route],
            settings=self._settings,
            in_cluster=self._cluster.in_cluster,
        )
        sampler = self._samplers.running.get(_place(virtual_service, http_route))
        if sampler is None:
            return Observed(virtual_service, http_route, panel, panel.state)
        # Asked first: an answer that comes in between is then in what is read next, or the state says running.
        state: State = "paused" if sampler.state == "paused" and not sampler.in_flight else "running"
        answers, summary = sampler.snapshot(after)
        return Observed(virtual_service, http_route, panel, state, answers, summary, sampler.totals(), sampler.shifts())

    def _run(self) -> None:
        revision, next_answers, next_pulse = -1, 0.0, 0.0
        while not self._stop.is_set():
            timeout = min(next_answers, next_pulse) - time.monotonic()
            changed = self._cluster.wait_for_change(revision, max(0.0, timeout)) != revision
            now, seen_at = time.monotonic(), time.time()
            if changed:
                self._stop.wait(GATHER_SECONDS)
            snapshot = self._cluster.snapshot()
            virtual_services = snapshot.virtual_services
            watched = [found for key in self._interest.wanted() if (found := virtual_services.get(key))]
            revision = snapshot.revision
            with self._publishing:
                self._publish_shifts(watched, seen_at)
                if changed or now >= next_pulse:
                    next_pulse = now + (LOADING_SECONDS if self._cluster.status().state == "loading" else PULSE_SECONDS)
                    self._hub.publish(MESH, "mesh", self._pulse())
                if changed or now >= next_answers:
                    next_answers = now + ANSWERS_SECONDS
                    self._publish_answers(watched)

    def _publish_shifts(self, watched: list[VirtualService], seen_at: float) -> None:
        with self._lock:
            before, self._weights = self._weights, _weights_of(watched)
        for each in watched:
            for route in each.http:
                was = before.get((*_place(each, 0)[:2], route_key(route)), route.weights)
                if was != route.weights:
                    self._publish_shift(each, route, was, seen_at)

    def _publish_shift(
        self, virtual_service: VirtualService, route: HttpRoute, before: tuple[int, ...], seen_at: float
    ) -> None:
        place = _place(virtual_service, route.index)
        newest = next(iter(changes(virtual_service, route)), None)
        sent_at = self._interest.sent_at(place[:2]) if newest and not newest.inferred else None
        at = seen_at if sent_at is None else sent_at
        label = f"{'/'.join(map(str, before))} → {'/'.join(map(str, route.weights))}"
        if (sampler := self._samplers.running.get(place)) and len(before) == len(route.weights):
            # A foreign write was seen some time after it was made: how long after is not known.
            earliest = seen_at - FOREIGN_SECONDS if sent_at is None else sent_at
            was, now = asked_of(route, before), asked_of(route, route.weights)
            sampler.shift(Shift(at, earliest, before=was, after=now, label=label))
        event = shift_event(route, before=before, at=at, by=newest.by if newest else "", label=label)
        self._hub.publish(topic_of(place[:2]), "shift", event)

    def _publish_answers(self, watched: list[VirtualService]) -> None:
        known = {place: last for place, (_, last) in self._sent.items()}
        observed = [
            self.observe(each, route.index, after=known.get(_place(each, route.index)))
            for each in watched
            for route in each.http
        ]
        self._samplers.keep(
            {
                each.panel.target: (each.panel.rate, each.panel.state == "running")
                for each in observed
                if each.panel.target and each.panel.state in {"running", "paused"}
            }
        )
        sent: dict[Place, tuple[float | None, int]] = {}
        for each in observed:
            if each.summary is None:
                continue
            for answer in each.answers:
                self._metrics.count_answers(answer.kind, 1)
            place = _place(each.virtual_service, each.http_route)
            started, last = self._sent.get(place, (None, 0))
            sent[place] = each.summary.started, each.answers[-1].sequence if each.answers else last
            # A window that began anew (another request, another sampler) is begun anew on pages, too.
            event = self._answers(each, reset=place not in self._sent or started != each.summary.started)
            self._hub.publish(topic_of(place[:2]), "answers", event)
        self._sent = sent

    def _published_answers(self, virtual_service: VirtualService, http_route: int) -> str:
        observed = self.observe(virtual_service, http_route)
        _, last = self._sent.get(_place(virtual_service, http_route), (None, 0))
        answers = tuple(each for each in observed.answers if each.sequence <= last)
        return self._answers(replace(observed, answers=answers), reset=True)

    def _pulse(self) -> str:
        return mesh_event(self._cluster.status(), revision=self._cluster.snapshot().revision)

    def _answers(self, observed: Observed, *, reset: bool) -> str:
        route = observed.virtual_service.http[observed.http_route]
        marks = answer_marks(self._cluster.snapshot(), observed.virtual_service, route)
        return answers_event(observed, marks=marks, html=self._draw(observed), now=time.time(), reset=reset)
