"""Hand events to everybody who listens, encoded once, without ever waiting for anybody. No HTTP here.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import secrets
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from threading import Condition, Lock
from types import TracebackType

from webapp.errors import TooManyViewers

BACKLOG = 64
"""Events that wait for one subscriber, at most."""

HEARTBEAT = b":\n\n"
"""A comment line: it keeps proxies from cutting a quiet stream, and shows a writer that the reader has gone."""

HEARTBEAT_SECONDS = 15.0


class Subscription:
    """One listener's events, oldest first. Close it, or use it as a context manager, to give the place back.

    Who does not keep up loses the backlog but for the newest event of each topic and name.

    :ivar lost: events that were thrown away so far.
    """

    def __init__(self, hub: Hub, topics: frozenset[str], *, backlog: int) -> None:
        self.topics = topics
        self.lost = 0
        self._hub = hub
        self._backlog = backlog
        self._waiting: deque[tuple[str, str, bytes]] = deque()
        self._changed = Condition()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether no event will ever come any more."""
        return self._closed

    def next(self, timeout_seconds: float) -> bytes | None:
        """Return the next event as bytes of the stream; None when the time is over (send a heartbeat) or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_seconds)
            return self._waiting.popleft()[2] if self._waiting else None

    def close(self) -> None:
        """End at once, drop what waits and give the place back."""
        self._hub._leave(self)
        self._end()

    def __iter__(self) -> Iterator[bytes]:
        """Yield events and heartbeats until closed."""
        while True:
            event = self.next(HEARTBEAT_SECONDS)
            if event is None and self._closed:
                return
            yield HEARTBEAT if event is None else event

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _offer(self, topic: str, event: str, chunk: bytes) -> None:
        with self._changed:
            if self._closed:
                return
            self._waiting.append((topic, event, chunk))
            if len(self._waiting) > self._backlog:
                before = len(self._waiting)
                newest = {(topic, event): each for each in self._waiting for topic, event in [each[:2]]}
                self._waiting = deque(each for each in self._waiting if newest[each[:2]] is each)
                while len(self._waiting) > self._backlog:
                    self._waiting.popleft()
                self.lost += before - len(self._waiting)
            self._changed.notify()

    def _end(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()


class Hub:
    """Publishes events to subscribers of their topic. Thread-safe; a publisher never waits for a subscriber.

    :param max_subscribers: one more raises TooManyViewers.
    :param process: names this process in event ids, which are `<process>-<n>`, n growing by one an event.
    """

    def __init__(self, max_subscribers: int, *, process: str = "", backlog: int = BACKLOG) -> None:
        self._max_subscribers = max_subscribers
        self._process = process or secrets.token_hex(4)
        self._backlog = backlog
        self._lock = Lock()
        self._encoded = 0
        self._by_topic: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._subscribers: set[Subscription] = set()
        self._closed = False

    @property
    def subscribers(self) -> int:
        """How many listen."""
        return len(self._subscribers)

    def topics(self) -> frozenset[str]:
        """Return the topics that somebody listens to."""
        with self._lock:
            return frozenset(self._by_topic)

    def encode(self, event: str, data: str) -> bytes:
        """Return an event as bytes of the stream, with an id of its own: for what one listener alone is told."""
        with self._lock:
            return self._encode(event, data)

    def publish(self, topic: str, event: str, data: str) -> None:
        """Give an event to everybody who listens to the topic; all of them see events in the same order."""
        with self._lock:
            if listeners := self._by_topic.get(topic):
                chunk = self._encode(event, data)
                for subscription in listeners:
                    subscription._offer(topic, event, chunk)

    def subscribe(self, topics: Iterable[str]) -> Subscription:
        """Return a new listener's subscription; one that has ended already where the hub is closed."""
        subscription = Subscription(self, frozenset(topics), backlog=self._backlog)
        with self._lock:
            if self._closed:
                subscription._end()
            elif len(self._subscribers) >= self._max_subscribers:
                raise TooManyViewers(
                    f"All {self._max_subscribers} places for live pages are taken. "
                    "This page stays as it is and tries again by itself.",
                    detail={"max_viewers": self._max_subscribers},
                )
            else:
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

    def _encode(self, event: str, data: str) -> bytes:
        self._encoded += 1
        # A line of the stream ends at CR, LF or both, so data with line ends of its own is sent as several lines.
        lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        head = f"id: {self._process}-{self._encoded}\nevent: {event}\n"
        return "".join([head, *(f"data: {line}\n" for line in lines), "\n"]).encode()
