"""Which news change the picture, and which don't."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.cluster.kinds import KINDS, VIRTUAL_SERVICES
from webapp.cluster.picture import Picture, key_of
from webapp.istio.objects import Endpoint, EndpointSlice, ObjectMeta, Pod, VirtualService

PODS = next(kind for kind in KINDS if kind.resource == "pods")
SLICES = next(kind for kind in KINDS if kind.resource == "endpointslices")
KEY = ("default", "reviews")


def found(version: str, *, host: str = "*", name: str = "reviews") -> VirtualService:
    return VirtualService(ObjectMeta("default", name, resource_version=version), hosts=(host,))


def listed(*objects: Any) -> dict[tuple[str, str], Any]:
    return {key_of(each): each for each in objects}


@pytest.fixture
def picture() -> Picture:
    picture = Picture()
    picture.replace(VIRTUAL_SERVICES, listed(found("5")), version="5")
    return picture


def known(picture: Picture) -> VirtualService | None:
    return picture.snapshot().virtual_services.get(KEY)


def test_an_empty_first_list_is_news_but_the_same_list_is_not() -> None:
    picture = Picture()
    picture.replace(PODS, {}, version="1")
    assert picture.snapshot().revision == 1
    picture.replace(PODS, {}, version="2")
    assert picture.snapshot().revision == 1


def test_a_snapshot_never_changes(picture: Picture) -> None:
    before = picture.snapshot()
    picture.apply(VIRTUAL_SERVICES, found("6", host="new"), gone=False)
    picture.apply(VIRTUAL_SERVICES, found("7", name="other"), gone=False)
    assert list(before.virtual_services) == [KEY]
    assert before.virtual_services[KEY].hosts == ("*",)
    assert picture.snapshot() is picture.snapshot()
    assert picture.snapshot().revision == before.revision + 2


def test_kinds_that_did_not_change_are_not_copied(picture: Picture) -> None:
    before = picture.snapshot()
    picture.replace(PODS, {}, version="6")
    assert picture.snapshot().virtual_services is before.virtual_services


def test_events_change_and_remove(picture: Picture) -> None:
    picture.apply(VIRTUAL_SERVICES, found("6", host="new"), gone=False)
    assert known(picture) == found("6", host="new")
    picture.apply(VIRTUAL_SERVICES, found("7"), gone=True)
    assert known(picture) is None
    revision = picture.snapshot().revision
    picture.apply(VIRTUAL_SERVICES, found("7"), gone=True)
    assert picture.snapshot().revision == revision


def test_a_list_replaces_everything(picture: Picture) -> None:
    picture.replace(VIRTUAL_SERVICES, listed(found("2", name="other")), version="3")
    assert list(picture.snapshot().virtual_services) == [("default", "other")]


def test_a_list_of_one_namespace_replaces_that_alone(picture: Picture) -> None:
    elsewhere = VirtualService(ObjectMeta("shop", "cart", resource_version="6"), hosts=("cart",))
    picture.replace(VIRTUAL_SERVICES, listed(elsewhere), version="6", namespace="shop")
    assert set(picture.snapshot().virtual_services) == {KEY, ("shop", "cart")}
    picture.put(VIRTUAL_SERVICES, found("9", host="mine"))
    picture.replace(VIRTUAL_SERVICES, {}, version="8", namespace="shop")
    picture.apply(VIRTUAL_SERVICES, found("7", host="older"), gone=False)
    assert known(picture) == found("9", host="mine")
    revision = picture.snapshot().revision
    picture.replace(VIRTUAL_SERVICES, {}, version="10", namespace="shop")
    assert picture.snapshot().revision == revision


def test_namespaces_that_nobody_watches_any_more_are_forgotten(picture: Picture) -> None:
    picture.keep(VIRTUAL_SERVICES, ("default",))
    assert known(picture) == found("5")
    picture.keep(VIRTUAL_SERVICES, ("shop",))
    assert known(picture) is None


def test_what_was_written_is_not_undone_by_older_news(picture: Picture) -> None:
    picture.put(VIRTUAL_SERVICES, found("9", host="mine"))
    revision = picture.snapshot().revision
    picture.apply(VIRTUAL_SERVICES, found("7", host="older"), gone=False)
    assert known(picture) == found("9", host="mine")
    picture.apply(VIRTUAL_SERVICES, found("9", host="mine"), gone=False)
    assert picture.snapshot().revision == revision
    picture.apply(VIRTUAL_SERVICES, found("10", host="newer"), gone=False)
    assert known(picture) == found("10", host="newer")


def test_what_was_written_is_not_undone_by_an_older_list(picture: Picture) -> None:
    picture.put(VIRTUAL_SERVICES, found("9", host="mine"))
    picture.replace(VIRTUAL_SERVICES, listed(found("7", host="older")), version="8")
    assert known(picture) == found("9", host="mine")
    picture.replace(VIRTUAL_SERVICES, {}, version="12")
    assert known(picture) is None


def test_an_answer_that_is_older_than_the_picture_is_not_taken(picture: Picture) -> None:
    picture.put(VIRTUAL_SERVICES, found("4", host="older"))
    assert known(picture) == found("5")


@pytest.mark.parametrize("version", ["10", "abc"], ids=["number", "no number"])
def test_deletion_after_a_write_counts(picture: Picture, version: str) -> None:
    picture.put(VIRTUAL_SERVICES, found("9"))
    picture.apply(VIRTUAL_SERVICES, found(version), gone=True)
    assert known(picture) is None


def test_pods_that_only_got_a_new_version_are_no_news() -> None:
    picture = Picture()
    picture.replace(PODS, listed(Pod(ObjectMeta("a", "b", "1", labels={"version": "v1"}))), version="1")
    revision = picture.snapshot().revision
    picture.apply(PODS, Pod(ObjectMeta("a", "b", "2", labels={"version": "v1"})), gone=False)
    assert picture.snapshot().revision == revision
    picture.apply(PODS, Pod(ObjectMeta("a", "b", "3", labels={"version": "v2"})), gone=False)
    assert picture.snapshot().revision == revision + 1


def test_a_change_of_readiness_is_news() -> None:
    picture = Picture()
    ready = EndpointSlice(ObjectMeta("a", "b", "1"), "b", (Endpoint(("10.0.0.1",), True),))
    picture.replace(SLICES, listed(ready), version="1")
    revision = picture.snapshot().revision
    picture.apply(SLICES, EndpointSlice(ObjectMeta("a", "b", "2"), "b", (Endpoint(("10.0.0.1",), False),)), gone=False)
    assert picture.snapshot().revision == revision + 1
