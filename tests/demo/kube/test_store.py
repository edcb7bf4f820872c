"""The store: copies at its border, one revision, a bounded log."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.kube.client import virtual_service
from webapp.demo.kube.status import ApiError
from webapp.demo.kube.store import Store

DEADLINE_SECONDS = 10.0


@pytest.fixture
def store():
    return Store()


def pod(name, **content):
    return {"metadata": {"name": name}, **content}


def test_put_fills_in_what_is_the_servers(store):
    stored = store.put("pods", pod("a"), manager="tests")
    assert (stored["apiVersion"], stored["kind"]) == ("v1", "Pod")
    assert stored["metadata"]["namespace"] == "default"
    assert stored["metadata"]["resourceVersion"] == str(store.revision)
    assert store.get("pods", namespace="default", name="a") == stored


def test_objects_without_a_namespace(store):
    store.put("namespaces", pod("shop"), manager="tests")
    assert "namespace" not in store.get("namespaces", name="shop")["metadata"]


def test_objects_of_any_version_are_stored_under_one(store):
    old = virtual_service() | {"apiVersion": "networking.istio.io/v1alpha3"}
    assert store.put("virtualservices", old, manager="tests")["apiVersion"] == "networking.istio.io/v1"


def test_put_keeps_identity(store):
    first = store.put("pods", pod("a"), manager="tests")["metadata"]
    second = store.put("pods", pod("a", spec={"nodeName": "n"}), manager="tests")["metadata"]
    for kept in ("uid", "creationTimestamp"):
        assert second[kept] == first[kept]
    assert int(second["resourceVersion"]) == int(first["resourceVersion"]) + 1
    assert (first["generation"], second["generation"]) == (1, 2)


def test_put_of_the_same_writes_nothing(store):
    first = store.put("pods", pod("a", spec={"x": [1]}), manager="tests")
    revision = store.revision
    assert store.put("pods", pod("a", spec={"x": [1]}), manager="others") == first
    assert store.revision == revision


def test_put_without_status_keeps_the_stored_one(store):
    store.put("pods", pod("a", status={"phase": "Running"}), manager="tests")
    assert store.put("pods", pod("a", spec={}), manager="tests")["status"] == {"phase": "Running"}


def test_nothing_handed_out_or_in_reaches_the_store(store):
    given_in = pod("a", spec={"list": [{"x": 1}]})
    for handed_out in (
        store.put("pods", given_in, manager="tests"),
        given_in,
        store.get("pods", namespace="default", name="a"),
        store.list("pods")[0],
    ):
        handed_out["spec"]["list"][0]["x"] = 2
        handed_out["metadata"]["name"] = "b"
    stored = store.get("pods", namespace="default", name="a")
    assert (stored["spec"], stored["metadata"]["name"]) == ({"list": [{"x": 1}]}, "a")


def test_list_by_namespace_in_order(store):
    for namespace, name in (("b", "x"), ("a", "y"), ("a", "x")):
        store.put("pods", {"metadata": {"name": name, "namespace": namespace}}, manager="tests")
    keys = [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in store.list("pods")]
    assert keys == [("a", "x"), ("a", "y"), ("b", "x")]
    assert [each["metadata"]["name"] for each in store.list("pods", namespace="b")] == ["x"]


def test_put_status(store):
    store.put("pods", pod("a", spec={"n": 1}), manager="tests")
    store.put_status("pods", {"phase": "Running"}, namespace="default", name="a")
    stored = store.get("pods", namespace="default", name="a")
    assert (stored["status"], stored["spec"], stored["metadata"]["generation"]) == ({"phase": "Running"}, {"n": 1}, 1)
    assert stored["metadata"]["managedFields"][-1]["subresource"] == "status"
    revision = store.revision
    store.put_status("pods", {"phase": "Running"}, namespace="default", name="a")
    store.put_status("pods", {"phase": "Running"}, namespace="default", name="gone")
    assert store.revision == revision


def test_delete(store):
    store.put("pods", pod("a"), manager="tests")
    assert store.delete("pods", namespace="default", name="a") is True
    assert store.delete("pods", namespace="default", name="a") is False
    assert store.list("pods") == []


def test_namespace_takes_its_objects_along(store):
    for namespace in ("shop", "other"):
        store.put("namespaces", pod(namespace), manager="tests")
        store.put("pods", {"metadata": {"name": "a", "namespace": namespace}}, manager="tests")
    store.delete("namespaces", name="shop")
    assert [each["metadata"]["namespace"] for each in store.list("pods")] == ["other"]
    assert [each["metadata"]["name"] for each in store.list("namespaces")] == ["other"]


def test_wait_returns_at_once_when_behind(store):
    store.put("pods", pod("a"), manager="tests")
    assert store.wait_for_change(0, DEADLINE_SECONDS) == store.revision


def test_wait_returns_when_its_time_is_over(store):
    assert store.wait_for_change(store.revision, 0.001) == store.revision


def test_wait_ends_with_the_next_write(store):
    seen, before = [], store.revision
    waiting = threading.Thread(target=lambda: seen.append(store.wait_for_change(before, DEADLINE_SECONDS)))
    waiting.start()
    store.put("pods", pod("a"), manager="tests")
    waiting.join(DEADLINE_SECONDS)
    assert seen == [before + 1]


def test_writes_of_many_threads(store):
    def write(worker):
        for count in range(50):
            store.put("pods", pod(f"{worker}-{count % 5}", spec={"count": count}), manager=str(worker))

    before = store.revision
    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert store.revision == before + 8 * 50
    assert [event.revision for event in store.events_since(before)] == list(range(before + 1, store.revision + 1))


def test_the_log_is_bounded():
    store = Store(max_events=3)
    for count in range(5):
        store.put("pods", pod("a", spec={"count": count}), manager="tests")
    assert len(store.events_since(store.revision - 3)) == 3
    with pytest.raises(ApiError) as caught:
        store.events_since(store.revision - 4)
    assert (caught.value.code, caught.value.body["reason"]) == (410, "Expired")
    assert caught.value.body["message"] == f"too old resource version: {store.revision - 4} ({store.revision - 3})"


def test_compact_leaves_the_newest_revision_alone(store):
    store.put("pods", pod("a"), manager="tests")
    store.compact()
    assert store.events_since(store.revision) == []
    with pytest.raises(ApiError):
        store.events_since(store.revision - 1)


def test_refused_change_leaves_all_as_it_was(store):
    store.put("pods", pod("a"), manager="tests")
    revision = store.revision

    def refuse(old):
        raise ApiError(400)

    with pytest.raises(ApiError):
        store.write("pods", refuse, namespace="default", name="a", manager="tests")
    assert store.revision == revision


WRITES = st.lists(
    st.tuples(st.sampled_from(["pods", "services"]), st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 2))),
    max_size=25,
)


def apply(store, write):
    resource, name, value = write
    if value is None:
        store.delete(resource, namespace="default", name=name)
    else:
        store.put(resource, pod(name, spec={"value": value}), manager="tests")


@given(writes=WRITES)
def test_any_past_moment_can_be_listed(writes):
    store, moments = Store(), {}
    for write in writes:
        apply(store, write)
        moments[store.revision] = store.state("pods")[1]
    for revision, objects in moments.items():
        assert store.state("pods", at=revision) == (revision, objects)


@given(writes=WRITES, resumed_after=st.integers(0, 25))
def test_a_list_and_what_came_after_it_are_the_present(writes, resumed_after):
    store = Store()
    for write in writes[:resumed_after]:
        apply(store, write)
    revision, listed = store.state("pods")
    for write in writes[resumed_after:]:
        apply(store, write)
    followed = {each["metadata"]["name"]: each for each in listed}
    for event in store.events_since(revision):
        if event.resource != "pods":
            continue
        name = event.stored["metadata"]["name"]
        assert event.previous == followed.get(name)
        assert (event.type == "ADDED") == (name not in followed)
        if event.type == "DELETED":
            del followed[name]
        else:
            followed[name] = event.stored
    assert [followed[name] for name in sorted(followed)] == store.state("pods")[1]
