"""The server itself: connections, certificates, stopping and starting."""

import json
import socket
import ssl
import stat
import threading

import pytest
import urllib3

from tests.demo.kube.client import ISTIO, PODS
from webapp.demo.kube import KubeApi, Store

DEADLINE_SECONDS = 10.0


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("kube-api")]


def connect(api):
    address = urllib3.util.parse_url(api.url)
    return socket.create_connection((address.host, address.port), timeout=DEADLINE_SECONDS)


def test_address_is_known_once_it_runs():
    api = KubeApi()
    with pytest.raises(RuntimeError):
        assert api.url
    with api:
        assert api.url.startswith("https://127.0.0.1:")


def test_namespace_default_is_there(client):
    status, body = client.call("GET", "/api/v1/namespaces/default")
    assert (status, body["status"]) == (200, {"phase": "Active"})


def test_store_of_ones_own_is_taken_as_it_is():
    store = Store()
    store.put("pods", {"metadata": {"name": "a"}}, manager="tests")
    assert KubeApi(store).store is store


def test_kubeconfig(api, tmp_path):
    path = tmp_path / "kubeconfig"
    api.write_kubeconfig(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kubeconfig = json.loads(path.read_text())
    assert kubeconfig["clusters"][0]["cluster"]["server"] == api.url
    assert kubeconfig["users"][0]["user"] == {"token": api.token}
    (context,) = kubeconfig["contexts"]
    assert kubeconfig["current-context"] == context["name"]


def test_certificate_is_good_for_localhost_too(api, client):
    url = api.url.replace("127.0.0.1", "localhost")
    assert client.pool.request("GET", f"{url}/version").status == 401


def test_certificate_is_nobody_elses(api):
    with pytest.raises(ssl.SSLCertVerificationError), connect(api) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer \u00e4"])
def test_no_token(client, header):
    status, body = client.call("GET", "/version", Authorization=header)
    assert (status, body["message"], body["reason"]) == (401, "Unauthorized", "Unauthorized")


def test_one_connection_for_many_requests(api, client):
    for _ in range(5):
        assert client.shift(50)[0] == 200
        assert client.call("GET", f"{PODS}/none")[0] == 404
    pool = client.pool.connection_from_url(api.url)
    assert (pool.num_requests, pool.num_connections) == (10, 1)


def test_silent_client_holds_up_nobody(api, client):
    with connect(api), connect(api):
        assert client.call("GET", ISTIO)[0] == 200


def test_plain_http_is_turned_away(api, client):
    with connect(api) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"HTTP" not in plain.recv(1024)
    assert client.call("GET", ISTIO)[0] == 200


def test_body_that_is_too_large(client):
    response = client.open("POST", PODS, "{}", Content_Length=str(3 * 1024 * 1024 + 1))
    assert (response.status, response.json()["reason"]) == (413, "RequestEntityTooLarge")
    assert response.headers["Connection"] == "close"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_other_methods(client, method):
    assert client.open(method, PODS).status == 405


@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, '{"metadata": {"name": NaN}}', '{"metadata": 5}', '{"metadata": {"name": "a", "x": 1e999}}', "5"],
    ids=["deep", "NaN", "metadata", "out of range", "number"],
)
def test_strange_bodies(client, body):
    status, answer = client.call("POST", PODS, body)
    assert (status, answer["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/pods/a", "/api/v1/namespaces/default/nodes", f"{PODS}/a/log", f"{PODS}/a/b/c", "/api/v1/a/b/c/d/e"],
)
def test_strange_addresses(client, path):
    assert client.call("GET", path)[0] in {404, 405}


@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_labels_and_annotations_are_texts(client, part):
    operations = [{"op": "add", "path": f"/metadata/{part}", "value": {"a": 1}}]
    patch = {"Content_Type": "application/json-patch+json"}
    assert client.call("PATCH", f"{ISTIO}/reviews", operations, **patch)[0] == 400


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("/metadata/name", "other"), ("/metadata/namespace", "shop"), ("/kind", "Gateway"), ("/apiVersion", "v1")],
)
def test_patch_leaves_identity_alone(client, pointer, value):
    operations = [{"op": "replace", "path": pointer, "value": value}]
    patch = {"Content_Type": "application/json-patch+json"}
    assert client.call("PATCH", f"{ISTIO}/reviews", operations, **patch)[0] == 400


def test_another_objects_uid_is_a_conflict(client):
    patch = {"Content_Type": "application/merge-patch+json"}
    status, body = client.call("PATCH", f"{ISTIO}/reviews", {"metadata": {"uid": "other"}}, **patch)
    assert (status, body["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: other" in body["message"]


@pytest.mark.parametrize("protocol", ["http", "tls", "tcp"])
def test_webhook_lists_several_faults(client, protocol):
    spec = {protocol: [{"route": [{"weight": -5}, {"weight": 5}]}]}
    wanted = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}, "spec": spec}
    status, body = client.call("POST", ISTIO, wanted)
    assert status == 400
    assert (
        "configuration is invalid: 2 errors occurred:\n\t* weight -5 < 0\n\t* total destination weight = 0"
        in (body["message"])
    )


@pytest.mark.parametrize("spec", [5, {"http": {}}, {"http": [5]}, {"http": [{"route": [None]}]}], ids=str)
def test_spec_of_a_wrong_shape(client, spec):
    wanted = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}, "spec": spec}
    status, body = client.call("POST", ISTIO, wanted)
    assert (status, body["reason"]) == (422, "Invalid")
    assert body["details"]["causes"][0]["reason"] == "FieldValueTypeInvalid"


def test_requests_are_remembered(api, client):
    client.shift(50)
    asked = api.requests[-1]
    assert (asked.verb, asked.resource, asked.name, asked.namespace) == (
        "patch",
        "virtualservices",
        "reviews",
        "default",
    )
    assert asked.json()[0]["value"] == 50
    for _ in range(150):
        client.call("GET", "/version")
    assert len(api.requests) == 100


def test_bookmarks_come_regularly():
    with KubeApi(bookmark_seconds=0.01) as api:
        context = ssl.create_default_context(cadata=api.ca_pem)
        headers = {"Authorization": f"Bearer {api.token}"}
        query = "watch=1&allowWatchBookmarks=true&resourceVersion=2"
        with urllib3.PoolManager(ssl_context=context) as pool:
            response = pool.request("GET", f"{api.url}{PODS}?{query}", headers=headers, preload_content=False)
            lines = response.stream(amt=None)
            assert [json.loads(next(lines))["type"] for _ in range(3)] == ["BOOKMARK"] * 3
            response.close()


def test_stop_ends_everything(api, client):
    events = client.watch()
    next(events)
    api.faults.delay(3_600, verb="list")
    refused = threading.Thread(
        target=lambda: pytest.raises(urllib3.exceptions.ProtocolError, client.call, "GET", ISTIO)
    )
    refused.start()
    assert api.faults.wait_for_held(1, DEADLINE_SECONDS)
    with connect(api):
        api.stop()
        assert threads() == []
    with pytest.raises(urllib3.exceptions.ProtocolError):
        next(events)
    refused.join(DEADLINE_SECONDS)
    with pytest.raises(ConnectionRefusedError):
        connect(api)


def test_start_again(api, client):
    url, known = api.url, api.store.revision
    events = client.watch(query=f"resourceVersion={known}")
    api.stop()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        next(events)
    api.store.put("pods", {"metadata": {"name": "meanwhile"}}, manager="tests")
    api.start()
    assert api.url == url
    assert client.call("GET", f"{PODS}/meanwhile")[0] == 200
    status, shifted = client.shift(50)
    events = client.watch(query=f"resourceVersion={known}")
    assert (status, next(events)) == (200, {"type": "MODIFIED", "object": shifted})
    events.close()


def test_stop_twice_is_no_harm(api):
    api.stop()
    api.stop()


def test_port_in_use(api):
    port = urllib3.util.parse_url(api.url).port
    with pytest.raises(OSError, match="in use"):
        KubeApi(port=port).start()
    assert len(threads()) == 1
