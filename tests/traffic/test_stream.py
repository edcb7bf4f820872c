from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.errors import TooManyViewers
from webapp.traffic.stream import KEPT, KEPT_SECONDS, STUCK_SECONDS, Hub, Subscription, encode

DEADLINE_SECONDS = 10.0


def joined(hub: Hub, topics: list[str]) -> Subscription:
    """Subscribe, and take the whole state as it is now for known."""
    subscription = hub.subscribe(topics)
    subscription.catch_up()
    return subscription


def drained(subscription: Subscription) -> Iterator[bytes]:
    while event := subscription.next(0):
        yield event


def number_of(event: bytes) -> int:
    return int(event.splitlines()[0].removeprefix(b"id: p-"))


def numbers(subscription: Subscription) -> list[int]:
    return [number_of(event) for event in drained(subscription)]


def test_event_is_encoded_for_the_stream() -> None:
    hub = Hub(1, process="p")
    with joined(hub, ["a"]) as subscription:
        hub.publish("a", "mesh", '{"name": "größe"}')
        assert subscription.next(0) == b'id: p-1\nevent: mesh\ndata: {"name": "gr\xc3\xb6\xc3\x9fe"}\n\n'


@pytest.mark.parametrize("data", ["a\nb", "a\r\nb", "a\rb"])
def test_line_ends_in_data_cannot_end_the_event(data: str) -> None:
    assert encode("mesh", data, id="p-1") == b"id: p-1\nevent: mesh\ndata: a\ndata: b\n\n"


def test_an_event_without_an_id_has_no_such_line() -> None:
    assert encode("mesh", "a") == b"event: mesh\ndata: a\n\n"


def test_ids_of_two_processes_differ() -> None:
    assert Hub(1).position != Hub(1).position


def test_only_listeners_of_the_topic_hear_it_and_all_the_same_bytes() -> None:
    hub = Hub(3)
    first, second, other = joined(hub, ["a", "b"]), joined(hub, ["a"]), joined(hub, ["c"])
    hub.publish("a", "mesh", "1")
    assert first.next(0) is not None
    hub.publish("a", "mesh", "2")
    assert first.next(0) is [*drained(second)][-1]
    assert other.next(0) is None


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


@given(st.lists(st.sampled_from(["publish", "elsewhere", "read", "leave", "wait"]), max_size=60), st.integers(1, 6))
def test_state_and_events_together_leave_nothing_out_and_have_nothing_twice(steps: list[str], backlog: int) -> None:
    """A listener who reads, falls behind, leaves and comes back, knows after each step a beginning of what was sent."""
    now = 0.0
    hub = Hub(1, process="p", backlog=backlog, clock=lambda: now)
    subscription = hub.subscribe(["a"])
    sent: list[int] = []
    known: list[int] = []
    last = ""

    def hear() -> None:
        nonlocal last
        if subscription.behind:
            last = subscription.catch_up()
            known[:] = sent
        elif event := subscription.next(0):
            known.append(number_of(event))
            last = f"p-{known[-1]}"

    for count, step in enumerate(steps, start=1):
        now += KEPT_SECONDS if step == "wait" else 0.0
        if step in {"publish", "elsewhere"}:
            hub.publish("a" if step == "publish" else "b", "mesh", "")
            number = int(hub.position.removeprefix("p-"))
            sent += [number] if step == "publish" else []
        elif step == "read":
            hear()
        elif step == "leave":
            subscription.close()
            subscription = hub.subscribe(["a"], after=last)
        assert known == sent[: len(known)], count
        assert len(subscription._waiting) <= backlog
    while subscription.behind or subscription._waiting:
        hear()
    assert known == sent


@pytest.mark.parametrize(
    ("last", "missed"),
    [
        pytest.param("p-3", [4, 6], id="some"),
        pytest.param("p-4", [6], id="the-newest-of-its-topic"),
        pytest.param("p-6", [], id="none"),
        pytest.param("p-0", [1, 3, 4, 6], id="all"),
        pytest.param("p-7", None, id="of-the-future"),
        pytest.param("q-3", None, id="another-process"),
        pytest.param("p", None, id="no-number"),
        pytest.param("p--1", None, id="negative"),
        pytest.param("p-\u0663", None, id="a-digit-of-another-script"),
        pytest.param("p-" + "9" * 5_000, None, id="endless"),
        pytest.param("", None, id="nothing-heard"),
    ],
)
def test_who_comes_back_gets_what_he_missed_or_has_to_begin_anew(last: str, missed: list[int] | None) -> None:
    hub = Hub(1, process="p")
    for topic in "abaaba":
        hub.publish(topic, "mesh", "")
    with hub.subscribe(["a"], after=last) as subscription:
        assert subscription.behind == (missed is None)
        assert numbers(subscription) == (missed or [])


@pytest.mark.parametrize(
    ("published", "seconds", "last", "known"),
    [
        pytest.param(KEPT + 1, 0.0, 1, True, id="as-many-as-are-kept"),
        pytest.param(KEPT + 1, 0.0, 0, False, id="one-too-many"),
        pytest.param(3, KEPT_SECONDS, 0, True, id="just-young-enough"),
        pytest.param(3, KEPT_SECONDS + 0.1, 2, False, id="too-old"),
        pytest.param(3, KEPT_SECONDS + 0.1, 3, True, id="nothing-missed-however-old"),
    ],
)
def test_what_is_kept_is_bounded(published: int, seconds: float, last: int, known: bool) -> None:
    now = 0.0
    hub = Hub(1, process="p", backlog=KEPT, clock=lambda: now)
    for _ in range(published):
        hub.publish("a", "mesh", "")
    now = seconds
    with hub.subscribe(["a"], after=f"p-{last}") as subscription:
        assert subscription.behind != known
        assert numbers(subscription) == (list(range(last + 1, published + 1)) if known else [])


def test_who_missed_more_than_may_wait_begins_anew() -> None:
    hub = Hub(1, process="p", backlog=2)
    for _ in range(3):
        hub.publish("a", "mesh", "")
    assert hub.subscribe(["a"], after="p-0").behind


def test_a_slow_listener_waits_for_nothing_old_and_goes_on_from_the_newest_state() -> None:
    hub = Hub(1, process="p", backlog=2)
    subscription = joined(hub, ["a"])
    for _ in range(5):
        hub.publish("a", "mesh", "")
    assert subscription.behind
    assert subscription.next(DEADLINE_SECONDS) is None
    assert subscription.lost == 5
    assert subscription.catch_up() == "p-5"
    hub.publish("a", "mesh", "")
    assert numbers(subscription) == [6]


def test_who_takes_nothing_any_more_is_given_up() -> None:
    now, stuck = 0.0, Event()
    hub = Hub(1, backlog=1, clock=lambda: now)
    subscription = joined(hub, ["a"])
    subscription.on_stuck = stuck.set
    # The second is one too many.
    for seconds in (100.0, 100.0, STUCK_SECONDS, 0.1):
        assert not stuck.is_set()
        now += seconds
        hub.publish("a", "mesh", "")
    assert stuck.is_set()


def test_who_keeps_up_loses_nothing() -> None:
    hub = Hub(1, process="p", backlog=2)
    subscription = joined(hub, ["a"])
    for number in range(1, 100):
        hub.publish("a", "mesh", "")
        event = subscription.next(0)
        assert event and number_of(event) == number
    assert subscription.lost == 0


def test_close_ends_everybody_at_once() -> None:
    hub = Hub(8)
    subscriptions = [joined(hub, ["a"]) for _ in range(4)]
    heard: list[list[bytes]] = [[] for _ in subscriptions]
    listening = [Event() for _ in subscriptions]

    def listen(subscription: Subscription, events: list[bytes], heard_one: Event) -> None:
        while event := subscription.next(DEADLINE_SECONDS):
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
        thread.join(DEADLINE_SECONDS / 2)

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
        assert subscription.next(DEADLINE_SECONDS) is None


def test_closing_drops_what_waits() -> None:
    hub = Hub(1)
    subscription = joined(hub, ["a"])
    hub.publish("a", "mesh", "1")
    subscription.close()
    assert subscription.next(DEADLINE_SECONDS) is None
    assert hub.subscribers == 0


def test_many_publishers_and_listeners_agree_on_the_order() -> None:
    hub = Hub(4, process="p", backlog=1_000)
    subscriptions = [joined(hub, ["a"]) for _ in range(4)]
    publishers = [Thread(target=lambda: [hub.publish("a", "mesh", "") for _ in range(100)]) for _ in range(4)]
    for thread in publishers:
        thread.start()
    for thread in publishers:
        thread.join(DEADLINE_SECONDS)
    for subscription in subscriptions:
        assert numbers(subscription) == list(range(1, 401))
