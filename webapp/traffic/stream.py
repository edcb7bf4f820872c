"""Hand events to everybody who listens, encoded once, without ever waiting for anybody. No HTTP here.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from itertools import islice
from threading import Condition, Lock
from types import TracebackType

from webapp.errors import TooManyViewers

BACKLOG = 64
"""Events that wait for one subscriber, at most."""

KEPT = 512
KEPT_SECONDS = 10.0
"""Events that who comes back can still be told: so many, and so old, at most."""

STUCK_SECONDS = 10.0
"""Who has been behind for so long without taking anything has gone, whatever his connection says."""


def encode(event: str, data: str, *, id: str = "") -> bytes:
    """Return an event as bytes of the stream; without an id a browser keeps the last one that it has heard."""
    # A line of the stream ends at CR, LF or both, so data with line ends of its own is sent as several lines.
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = f"id: {id}\n" if id else ""
    return "".join([head, f"event: {event}\n", *(f"data: {line}\n" for line in lines), "\n"]).encode()


class Subscription:
    """One listener's events, oldest first. Close it, or use it as a context manager, to give the place back.

    Who does not keep up is `behind`: what waited is dropped and nothing more is kept for him until he catches up.

    :ivar behind: whether events are missing here, so that the whole state is needed; true of every newcomer.
    :ivar lost: events that were dropped so far.
    :ivar on_stuck: called, by a publisher, once he has been behind for `STUCK_SECONDS`.
    """

    def __init__(self, hub: Hub, topics: frozenset[str], *, backlog: int, audience: bool = False) -> None:
        self.topics = topics
        self.audience = audience
        self.behind = True
        self.lost = 0
        self.on_stuck: Callable[[], None] = lambda: None
        self._hub = hub
        self._backlog = backlog
        self._waiting: deque[bytes] = deque()
        self._changed = Condition()
        self._closed = False
        self._behind_since = 0.0

    @property
    def closed(self) -> bool:
        """Whether no event will ever come any more."""
        return self._closed

    def next(self, timeout_seconds: float) -> bytes | None:
        """Return the next event as bytes of the stream; None when the time is over, when behind, and at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed or self.behind, timeout_seconds)
            return self._waiting.popleft() if self._waiting else None

    def catch_up(self) -> str:
        """Take events from here on; returns the id that the whole state as it is now goes by.

        Where publishers are held back meanwhile (see `Live.catch_up`), that state and the events to come leave nothing
        out and have nothing twice.
        """
        with self._hub._lock, self._changed:
            self.behind = False
            return self._hub.position

    def close(self) -> None:
        """End at once, drop what waits and give the place back."""
        self._hub._leave(self)
        self._end()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _offer(self, chunk: bytes, now: float) -> None:
        with self._changed:
            if self._closed:
                return
            stuck = self.behind and now - self._behind_since > STUCK_SECONDS
            self._waiting.append(chunk)
            if self.behind or len(self._waiting) > self._backlog:
                self._behind_since = self._behind_since if self.behind else now
                self.behind = True
                self.lost += len(self._waiting)
                self._waiting.clear()
            self._changed.notify()
        if stuck:
            self.on_stuck()

    def _end(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()


class Hub:
    """Publishes events to subscribers of their topic. Thread-safe; a publisher never waits for a subscriber.

    Who comes back with the id of the last event he heard gets what he missed, if this is the process that gave it and
    all of it is still kept; else he is behind. An id is good for the topics that it was given for.

    :param max_subscribers: one more raises TooManyViewers.
    :param process: names this process in event ids, which are `<process>-<n>`, n growing by one an event.
    :param clock: seconds that never go back.
    """

    def __init__(
        self,
        max_subscribers: int,
        *,
        process: str = "",
        backlog: int = BACKLOG,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_subscribers = max_subscribers
        self._process = process or secrets.token_hex(4)
        self._backlog = backlog
        self._clock = clock
        self._lock = Lock()
        self._published = 0
        self._kept: deque[tuple[float, str, bytes]] = deque(maxlen=KEPT)
        self._by_topic: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._subscribers: set[Subscription] = set()
        self._closed = False

    @property
    def subscribers(self) -> int:
        """How many listen."""
        return len(self._subscribers)

    @property
    def position(self) -> str:
        """The newest event's id."""
        return f"{self._process}-{self._published}"

    def publish(self, topic: str, event: str, data: str) -> None:
        """Give an event to everybody who listens to the topic; all of them see events in the same order."""
        with self._lock:
            self._published += 1
            chunk, now = encode(event, data, id=self.position), self._clock()
            self._kept.append((now, topic, chunk))
            self._forget(now)
            for subscription in self._by_topic.get(topic, ()):
                subscription._offer(chunk, now)

    def subscribe(self, topics: Iterable[str], *, after: str = "", audience: bool = False) -> Subscription:
        """Return a new listener's subscription; one that has ended already where the hub is closed.

        :param after: the id of the last event that he has heard, if any.
        :param audience: he takes one of the audience's places, of which there are as many again.
        :raises TooManyViewers: all places are taken.
        """
        subscription = Subscription(self, frozenset(topics), backlog=self._backlog, audience=audience)
        with self._lock:
            if self._closed:
                subscription._end()
            elif sum(each.audience == audience for each in self._subscribers) >= self._max_subscribers:
                raise TooManyViewers(
                    f"All {self._max_subscribers} places for live pages are taken. "
                    "This page stays as it is and tries again by itself.",
                    detail={"max_viewers": self._max_subscribers},
                )
            else:
                now = self._clock()
                self._forget(now)
                missed = self._after(after, subscription.topics)
                subscription.behind, subscription._behind_since = missed is None, now
                for chunk in missed or ():
                    subscription._offer(chunk, now)
                self._subscribers.add(subscription)
                for topic in subscription.topics:
                    self._by_topic[topic].add(subscription)
        return subscription

    def close(self) -> None:
        """End all subscriptions at once, and those to come."""
        with self._lock:
            self._closed = True
            ending = list(self._subscribers)
        for subscription in ending:
            subscription.close()

    def _leave(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscribers.discard(subscription)
            for topic in subscription.topics:
                self._by_topic[topic].discard(subscription)
                if not self._by_topic[topic]:
                    del self._by_topic[topic]

    def _forget(self, now: float) -> None:
        while self._kept and self._kept[0][0] < now - KEPT_SECONDS:
            self._kept.popleft()

    def _after(self, last: str, topics: frozenset[str]) -> list[bytes] | None:
        """Return the events since the one of that id; None where not all of them are known."""
        found = re.fullmatch(rf"{re.escape(self._process)}-([0-9]{{1,15}})", last)
        passed = int(found[1]) - (self._published - len(self._kept)) if found else -1
        if not 0 <= passed <= len(self._kept):
            return None
        return [chunk for _, topic, chunk in islice(self._kept, passed, None) if topic in topics]
