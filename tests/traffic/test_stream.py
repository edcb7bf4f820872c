from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.errors import TooManyViewers
from webapp.traffic.stream import HEARTBEAT, Hub, Subscription

DEADLINE_SECONDS = 10.0


def drained(subscription: Subscription) -> Iterator[bytes]:
    while event := subscription.next(0):
        yield event


def number_of(event: bytes) -> int:
    return int(event.splitlines()[0].removeprefix(b"id: p-"))


def test_event_is_encoded_for_the_stream() -> None:
    hub = Hub(1, process="p")
    with hub.subscribe(["a"]) as subscription:
        hub.publish("a", "mesh", '{"name": "größe"}')
        assert subscription.next(0) == b'id: p-1\nevent: mesh\ndata: {"name": "gr\xc3\xb6\xc3\x9fe"}\n\n'


@pytest.mark.parametrize("data", ["a\nb", "a\r\nb", "a\rb"])
def test_line_ends_in_data_cannot_end_the_event(data: str) -> None:
    assert Hub(1, process="p").encode("mesh", data) == b"id: p-1\nevent: mesh\ndata: a\ndata: b\n\n"


def test_ids_of_two_processes_differ() -> None:
    assert Hub(1).encode("mesh", "") != Hub(1).encode("mesh", "")


def test_only_listeners_of_the_topic_hear_it_and_all_the_same_bytes() -> None:
    hub = Hub(3)
    first, second, other = hub.subscribe(["a", "b"]), hub.subscribe(["a"]), hub.subscribe(["c"])
    hub.publish("a", "mesh", "1")
    assert first.next(0) is not None
    hub.publish("a", "mesh", "2")
    assert first.next(0) is [*drained(second)][-1]
    assert other.next(0) is None


def test_topics_are_those_that_somebody_listens_to() -> None:
    hub = Hub(3)
    with hub.subscribe(["a", "b"]), hub.subscribe(["a"]):
        assert hub.topics() == {"a", "b"}
        assert hub.subscribers == 2
    assert hub.topics() == frozenset()
    assert hub.subscribers == 0


def test_one_too_many_is_refused_in_words_until_a_place_is_free() -> None:
    hub = Hub(2)
    first, _ = hub.subscribe(["a"]), hub.subscribe(["a"])
    with pytest.raises(TooManyViewers, match="All 2 places for live pages are taken") as caught:
        hub.subscribe(["a"])
    assert caught.value.detail == {"max_viewers": 2}
    first.close()
    first.close()
    assert not hub.subscribe(["a"]).closed
    with pytest.raises(TooManyViewers):
        hub.subscribe(["a"])


@given(
    st.lists(
        st.one_of(st.just("read"), st.tuples(st.sampled_from("abx"), st.sampled_from(["mesh", "answers"]))), max_size=80
    ),
    st.integers(1, 6),
)
def test_a_slow_listener_keeps_the_newest_of_each(steps: list[str | tuple[str, str]], backlog: int) -> None:
    hub = Hub(1, process="p", backlog=backlog)
    subscription = hub.subscribe(["a", "b"])
    got, sent, newest = [], 0, {}
    for step in steps:
        if isinstance(step, str):
            got += [event for event in [subscription.next(0)] if event]
            continue
        topic, event = step
        hub.publish(topic, event, f"{topic} {sent}")
        if topic in "ab":
            sent += 1
            newest[step] = f"{topic} {sent - 1}".encode()
    rest = [*drained(subscription)]
    got += rest

    assert len(rest) <= backlog
    assert len(got) + subscription.lost == sent
    numbers = [number_of(event) for event in got]
    assert numbers == sorted(set(numbers))
    if backlog >= 4:
        delivered = b"".join(got)
        assert all(b"data: " + data + b"\n" in delivered for data in newest.values())


def test_who_keeps_up_loses_nothing() -> None:
    hub = Hub(1, process="p", backlog=2)
    subscription = hub.subscribe(["a"])
    for number in range(1, 100):
        hub.publish("a", "mesh", "")
        event = subscription.next(0)
        assert event and number_of(event) == number
    assert subscription.lost == 0


def test_close_ends_everybody_at_once() -> None:
    hub = Hub(8)
    subscriptions = [hub.subscribe(["a"]) for _ in range(4)]
    heard: list[list[bytes]] = [[] for _ in subscriptions]
    listening = [Event() for _ in subscriptions]

    def listen(subscription: Subscription, events: list[bytes], heard_one: Event) -> None:
        for event in subscription:
            events.append(event)
            heard_one.set()

    threads = [Thread(target=listen, args=each) for each in zip(subscriptions, heard, listening, strict=True)]
    for thread in threads:
        thread.start()
    hub.publish("a", "mesh", "1")
    for one in listening:
        assert one.wait(DEADLINE_SECONDS)
    hub.close()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)

    assert not any(thread.is_alive() for thread in threads)
    assert [len(events) for events in heard] == [1] * 4
    assert all(subscription.closed for subscription in subscriptions)
    assert hub.subscribers == 0


def test_after_close_a_subscription_has_ended_and_publishing_is_nothing() -> None:
    hub = Hub(1)
    hub.close()
    with hub.subscribe(["a"]) as subscription:
        hub.publish("a", "mesh", "1")
        assert subscription.closed
        assert [*subscription] == []
        assert subscription.next(DEADLINE_SECONDS) is None


def test_closing_drops_what_waits() -> None:
    hub = Hub(1)
    subscription = hub.subscribe(["a"])
    hub.publish("a", "mesh", "1")
    subscription.close()
    assert [*subscription] == []


def test_silence_is_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.traffic.stream.HEARTBEAT_SECONDS", 0.0)
    hub = Hub(1)
    with hub.subscribe(["a"]) as subscription:
        events = iter(subscription)
        assert next(events) == HEARTBEAT
        hub.publish("a", "mesh", "1")
        assert b"event: mesh" in next(events)


def test_many_publishers_and_listeners_agree_on_the_order() -> None:
    hub = Hub(4, process="p", backlog=1_000)
    subscriptions = [hub.subscribe(["a"]) for _ in range(4)]
    publishers = [Thread(target=lambda: [hub.publish("a", "mesh", "") for _ in range(100)]) for _ in range(4)]
    for thread in publishers:
        thread.start()
    for thread in publishers:
        thread.join(DEADLINE_SECONDS)
    for subscription in subscriptions:
        assert [number_of(event) for event in drained(subscription)] == list(range(1, 401))
