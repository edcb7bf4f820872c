"""Objects as tables: what `kubectl get` prints."""

import pytest

from tests.contract.objects import LABELS, deployment, service

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
KUBECTL = f"{TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"


def rows(answer):
    """The columns' names, wide ones in brackets, and the cells of each row by the names."""
    assert (answer.status, answer.body["kind"], answer.body["apiVersion"]) == (200, "Table", "meta.k8s.io/v1")
    names = [f"({each['name']})" if each["priority"] else each["name"] for each in answer.body["columnDefinitions"]]
    return names, [dict(zip(names, each["cells"], strict=True)) for each in answer.body["rows"]]


def read(cluster, path, **options):
    return rows(cluster.call("GET", path, accept=KUBECTL, **options))


def has_age(row):
    """Take the age out of a row and say whether it is one of seconds."""
    age = row.pop("Age")
    return age[-1] == "s" and age[:-1].isdigit()


def test_services(cluster):
    address = cluster.call("POST", f"{cluster.core}/services", service()).body["spec"]["clusterIP"]
    names, (row,) = read(cluster, f"{cluster.core}/services")
    assert names == ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "(Selector)"]
    assert has_age(row)
    assert list(row.values()) == ["web", "ClusterIP", address, "<none>", "80/TCP", "app=web"]


def test_service_with_an_external_address(cluster):
    created = cluster.call("POST", f"{cluster.core}/services", service(type="LoadBalancer")).body
    path = f"{cluster.core}/services/web"
    assert read(cluster, path)[1][0]["External-IP"] == "<pending>"
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
    cluster.call("PATCH", f"{path}/status", status, content_type="application/merge-patch+json")
    row = read(cluster, path)[1][0]
    node_port = created["spec"]["ports"][0].get("nodePort")
    assert (row["Type"], row["External-IP"]) == ("LoadBalancer", "192.0.2.7")
    assert row["Port(s)"] == (f"80:{node_port}/TCP" if node_port else "80/TCP")


def test_deployments(cluster):
    root = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments"
    cluster.call("POST", root, deployment(replicas=3))
    counts = {"replicas": 3, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}
    cluster.call("PATCH", f"{root}/web/status", {"status": counts}, content_type="application/merge-patch+json")
    names, (row,) = read(cluster, root)
    assert names == ["Name", "Ready", "Up-to-date", "Available", "Age", "(Containers)", "(Images)", "(Selector)"]
    assert has_age(row)
    assert list(row.values()) == ["web", "1/3", 2, 1, "web", "web:1", "app=web,version=v1"]


def test_pods(cluster):
    spec = {"nodeName": "node-1", "containers": [{"name": "web", "image": "web:1"}, {"name": "side", "image": "s:1"}]}
    path = f"{cluster.core}/pods"
    cluster.call("POST", path, {"metadata": {"name": "web-1", "labels": LABELS}, "spec": spec})
    names, (row,) = read(cluster, path)
    assert names[:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert names[5:] == ["(IP)", "(Node)", "(Nominated Node)", "(Readiness Gates)"]
    assert has_age(row)
    assert list(row.values()) == ["web-1", "0/2", "Pending", "0", "<none>", "node-1", "<none>", "<none>"]
    running = {
        "name": "web",
        "ready": True,
        "restartCount": 2,
        "image": "web:1",
        "imageID": "",
        "state": {"running": {}},
    }
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    crashing = running | {"name": "side", "ready": False, "restartCount": 0, "state": waiting}
    status = {
        "phase": "Running",
        "podIP": "10.244.9.9",
        "podIPs": [{"ip": "10.244.9.9"}],
        "containerStatuses": [running, crashing],
    }
    cluster.call("PATCH", f"{path}/web-1/status", {"status": status}, content_type="application/merge-patch+json")
    row = read(cluster, f"{path}/web-1")[1][0]
    assert [row[name] for name in ("Ready", "Status", "Restarts", "(IP)")] == [
        "1/2",
        "CrashLoopBackOff",
        "2",
        "10.244.9.9",
    ]


def test_endpoint_slices(cluster):
    path = f"/apis/discovery.k8s.io/v1/namespaces/{cluster.namespace}/endpointslices"
    ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
    endpoints = [{"addresses": [each]} for each in ("10.244.9.1", "10.244.9.2")]
    wanted = {"metadata": {"name": "web"}, "addressType": "IPv4", "ports": ports, "endpoints": endpoints}
    cluster.call("POST", path, wanted)
    names, (row,) = read(cluster, path)
    assert names == ["Name", "AddressType", "Ports", "Endpoints", "Age"]
    assert has_age(row)
    assert list(row.values()) == ["web", "IPv4", "8080", "10.244.9.1,10.244.9.2"]


def test_namespaces(cluster):
    names, found = read(cluster, "/api/v1/namespaces")
    assert names == ["Name", "Status", "Age"]
    assert {each["Name"]: each["Status"] for each in found}[cluster.namespace] == "Active"


@pytest.mark.parametrize(
    ("plural", "kind", "spec", "expected"),
    [
        ("gateways", "Gateway", {"selector": {"istio": "ingressgateway"}}, {}),
        ("destinationrules", "DestinationRule", {"host": "reviews"}, {"Host": "reviews"}),
        (
            "virtualservices",
            "VirtualService",
            {"hosts": ["a", "b"], "http": [{"route": [{"destination": {"host": "a"}}]}]},
            {"Gateways": None, "Hosts": '["a","b"]'},
        ),
        (
            "serviceentries",
            "ServiceEntry",
            {"hosts": ["a.example"], "location": "MESH_EXTERNAL", "ports": [{"number": 80, "name": "http"}]},
            {"Hosts": '["a.example"]', "Location": "MESH_EXTERNAL", "Resolution": None},
        ),
    ],
)
def test_istios_kinds(cluster, plural, kind, spec, expected):
    wanted = {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": "one"}, "spec": spec}
    if kind == "Gateway":
        port = {"number": 80, "name": "http", "protocol": "HTTP"}
        wanted["spec"] = spec | {"servers": [{"port": port, "hosts": ["*"]}]}
    if kind == "ServiceEntry":
        wanted["spec"] = spec | {"addresses": ["192.0.2.3"]}
    assert cluster.call("POST", f"{cluster.istio}/{plural}", wanted).status == 201
    names, (row,) = read(cluster, f"{cluster.istio}/{plural}")
    assert names == ["Name", *expected, "Age"]
    assert has_age(row)
    assert row == {"Name": "one", **expected}


def test_row_carries_the_metadata_or_what_is_asked_for(cluster):
    created = cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices"
    listed = cluster.call("GET", path, accept=KUBECTL).body
    beside = listed["rows"][0]["object"]
    assert (beside["kind"], beside["metadata"]) == ("PartialObjectMetadata", created["metadata"])
    assert int(listed["metadata"]["resourceVersion"]) >= int(created["metadata"]["resourceVersion"])
    whole = cluster.call("GET", path, accept=KUBECTL, query={"includeObject": "Object"}).body
    assert whole["rows"][0]["object"] == created
    one = cluster.call("GET", f"{path}/reviews", accept=KUBECTL).body
    assert one["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
    assert [each["cells"][0] for each in one["rows"]] == ["reviews"]


def test_watch(cluster):
    cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices"
    with cluster.watch(path, accept=KUBECTL) as events:
        first = next(events)
        cluster.patch(f"{path}/reviews", [{"op": "replace", "path": "/spec/hosts", "value": ["ratings"]}])
        second = next(events)
    assert [(each["type"], each["object"]["kind"]) for each in (first, second)] == [
        ("ADDED", "Table"),
        ("MODIFIED", "Table"),
    ]
    assert [each["object"]["rows"][0]["cells"][:3] for each in (first, second)] == [
        ["reviews", None, '["reviews"]'],
        ["reviews", None, '["ratings"]'],
    ]


def test_client_that_takes_nothing_else(cluster):
    answer = cluster.call("GET", f"{cluster.core}/services", accept="application/json;as=Picture;v=v1;g=meta.k8s.io")
    assert (answer.status, answer.body["reason"]) == (406, "NotAcceptable")
