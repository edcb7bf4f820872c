"""Misbehaviour on demand, as a client meets it."""

import threading

import pytest
import urllib3

from tests.demo.kube.client import ISTIO, PODS, virtual_service

DEADLINE_SECONDS = 10.0


def in_background(work):
    """Run `work` in a thread; return its results, one at the most, and the thread."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    return results, thread


def review(client, **attributes):
    wanted = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"group": "networking.istio.io", "namespace": "default", **attributes}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    return client.call("POST", path, wanted)[1]["status"]["allowed"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(410, "Expired"), (500, "InternalError"), (503, "ServiceUnavailable"), (429, "TooManyRequests")],
)
def test_answer(api, client, code, reason):
    api.faults.answer(code, times=2)
    for _ in range(2):
        status, body = client.call("GET", ISTIO)
        assert (status, body["code"], body["reason"], body["kind"]) == (code, code, reason, "Status")
    assert client.call("GET", ISTIO)[0] == 200


def test_a_lost_server_breaks_every_connection_and_open_watches(api, client):
    watch = client.open("GET", f"{ISTIO}?watch=1")
    assert api.faults.wait_for_watches(1, DEADLINE_SECONDS)
    api.faults.lose(60)
    with pytest.raises(urllib3.exceptions.HTTPError):
        list(watch.stream())
    for path in ("/livez", ISTIO):
        with pytest.raises(urllib3.exceptions.HTTPError):
            client.call("GET", path)
    assert 0 < api.faults.lost_seconds <= 60
    api.faults.clear()
    assert client.call("GET", ISTIO)[0] == 200


def test_a_lost_server_comes_back_by_itself(api, client):
    api.faults.lose(0.05)
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.call("GET", ISTIO)
    api.store.wait_until(lambda: False, api.faults.lost_seconds)
    assert client.call("GET", ISTIO)[0] == 200


def test_busy_server_says_when_to_come_again(api, client):
    api.faults.answer(429, retry_after_seconds=3)
    response = client.open("GET", ISTIO)
    assert (response.status, response.headers["Retry-After"]) == (429, "3")
    assert response.json()["details"] == {"retryAfterSeconds": 3}


def test_answer_to_some_requests_only(api, client):
    api.faults.answer(500, verb="list", resource="virtualservices", message="told to")
    assert client.call("GET", PODS)[0] == 200
    assert client.call("GET", f"{ISTIO}/reviews")[0] == 200
    status, body = client.call("GET", ISTIO)
    assert (status, body["message"]) == (500, "told to")


def test_answers_come_in_the_order_they_were_told(api, client):
    api.faults.answer(500)
    api.faults.answer(410)
    assert [client.call("GET", ISTIO)[0] for _ in range(3)] == [500, 410, 200]


def test_watch_that_is_answered_410(api, client):
    api.faults.answer(410, verb="watch")
    assert client.open("GET", f"{ISTIO}?watch=1").status == 410
    assert client.open("GET", f"{ISTIO}?watch=1&timeoutSeconds=1").status == 200


def test_cut_watches(api, client):
    events = client.watch()
    assert next(events)["type"] == "ADDED"
    assert api.faults.cut_watches() == 1
    with pytest.raises(urllib3.exceptions.ProtocolError):
        next(events)
    again = client.watch()
    assert next(again)["type"] == "ADDED"
    again.close()


def test_expired_watches(api, client):
    events = client.watch()
    next(events)
    assert api.faults.expire_watches() == 1
    error = next(events)
    assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert list(events) == []


def test_wait_for_watches(api, client):
    assert api.faults.wait_for_watches(1, 0.001) is False
    results, thread = in_background(lambda: api.faults.wait_for_watches(1, DEADLINE_SECONDS))
    events = client.watch()
    thread.join(DEADLINE_SECONDS)
    assert results == [True]
    events.close()


def test_closed_watch_is_forgotten_with_the_next_write(api, client):
    events = client.watch()
    next(events)
    events.close()
    api.store.put("pods", {"metadata": {"name": "a"}}, manager="tests")
    assert api.store.wait_until(lambda: api.faults.watches == 0, DEADLINE_SECONDS)


def test_compacted_log(api, client):
    known = api.store.revision
    client.shift(50)
    api.faults.compact()
    events = client.watch(query=f"resourceVersion={known}")
    assert next(events)["object"]["code"] == 410
    events.close()


def test_list_that_can_not_be_continued(api, client):
    api.store.put("virtualservices", virtual_service("ratings"), manager="tests")
    _, first = client.call("GET", f"{ISTIO}?limit=1")
    client.shift(50)
    api.faults.compact()
    status, body = client.call("GET", f"{ISTIO}?limit=1&continue={first['metadata']['continue']}")
    assert (status, body["reason"]) == (410, "Expired")
    assert body["message"].startswith("The provided continue parameter is too old to display a consistent list result.")
    status, rest = client.call("GET", f"{ISTIO}?limit=1&continue={body['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["reviews"]
    assert rest["items"][0]["spec"]["http"][0]["route"][0]["weight"] == 50


def test_rejecting_webhook(api, client):
    api.faults.reject("not on Fridays", verb="patch", webhook="freeze.example.com")
    status, body = client.shift(50)
    assert status == 400
    assert "reason" not in body
    assert body["message"] == 'admission webhook "freeze.example.com" denied the request: not on Fridays'
    assert api.store.get("virtualservices", namespace="default", name="reviews")["metadata"]["generation"] == 1
    api.faults.clear()
    assert client.shift(50)[0] == 200


def test_webhook_judges_what_is_otherwise_right(api, client):
    api.faults.reject("not on Fridays", times=1)
    assert client.shift("x")[0] == 422
    assert client.shift(50)[0] == 400
    assert client.shift(50)[0] == 200


def test_webhook_denies_a_delete(api, client):
    api.faults.reject("keep it")
    assert client.call("DELETE", f"{ISTIO}/reviews")[0] == 400
    assert client.call("GET", f"{ISTIO}/reviews")[0] == 200


def test_forbid(api, client):
    api.faults.forbid("patch", "virtualservices")
    status, body = client.shift(50)
    assert (status, body["reason"]) == (403, "Forbidden")
    assert body["message"] == (
        'virtualservices.networking.istio.io "reviews" is forbidden: User "crossfade-demo" cannot patch resource '
        '"virtualservices" in API group "networking.istio.io" in the namespace "default"'
    )
    assert review(client, verb="patch", resource="virtualservices") is False
    assert review(client, verb="list", resource="virtualservices") is True
    api.faults.clear()
    assert client.shift(50)[0] == 200


def test_forbid_in_one_namespace(api, client):
    api.faults.forbid("*", "pods", namespace="default")
    assert client.call("GET", PODS)[0] == 403
    assert client.call("GET", "/api/v1/pods")[0] == 200


def test_forbid_a_subresource(api, client):
    api.faults.forbid("patch", "virtualservices/status")
    merge = {"Content_Type": "application/merge-patch+json"}
    status, body = client.call("PATCH", f"{ISTIO}/reviews/status", {"status": {}}, **merge)
    assert status == 403
    assert 'cannot patch resource "virtualservices/status"' in body["message"]
    assert review(client, verb="patch", resource="virtualservices", subresource="status") is False
    assert client.shift(50)[0] == 200


def test_hidden_group(api, client):
    api.faults.hide("networking.istio.io")
    _, groups = client.call("GET", "/apis")
    assert "networking.istio.io" not in [group["name"] for group in groups["groups"]]
    assert client.call("GET", "/apis/networking.istio.io") == (404, "404 page not found\n")
    assert client.call("GET", ISTIO) == (404, "404 page not found\n")
    api.faults.clear()
    assert client.call("GET", ISTIO)[0] == 200


def test_hidden_version(api, client):
    api.faults.hide("networking.istio.io", "v1")
    _, group = client.call("GET", "/apis/networking.istio.io")
    assert [version["version"] for version in group["versions"]] == ["v1beta1", "v1alpha3"]
    assert group["preferredVersion"]["version"] == "v1beta1"
    assert client.call("GET", ISTIO)[0] == 404
    assert client.call("GET", ISTIO.replace("/v1/", "/v1beta1/"))[0] == 200


def test_slow_answer(api, client):
    api.faults.delay(0.01, times=1)
    assert client.call("GET", ISTIO)[0] == 200


def test_slow_answer_is_let_go(api, client):
    api.faults.delay(3_600, times=1)
    results, thread = in_background(lambda: client.call("GET", ISTIO))
    assert api.faults.wait_for_held(1, DEADLINE_SECONDS)
    assert not results
    api.faults.clear()
    thread.join(DEADLINE_SECONDS)
    assert results[0][0] == 200


def test_stalled_request_never_gets_an_answer(api, client):
    api.faults.stall(verb="patch")
    failures, thread = in_background(lambda: pytest.raises(urllib3.exceptions.ProtocolError, client.shift, 50))
    assert api.faults.wait_for_held(1, DEADLINE_SECONDS)
    assert client.call("GET", ISTIO)[0] == 200
    assert not failures
    api.stop()
    thread.join(DEADLINE_SECONDS)
    assert len(failures) == 1
    assert api.store.get("virtualservices", namespace="default", name="reviews")["metadata"]["generation"] == 1
