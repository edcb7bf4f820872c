"""What the API server adds to Services and Deployments, and what it refuses of them."""

import ipaddress

import pytest

from tests.contract.objects import LABELS, deployment, service


def created(cluster, plural, wanted, **options):
    root = f"/apis/apps/v1/namespaces/{cluster.namespace}" if plural == "deployments" else cluster.core
    return cluster.call("POST", f"{root}/{plural}", wanted, **options)


def fault(answer):
    """The one field that a 422 names, and why."""
    assert answer.status == 422, answer.body
    (cause,) = answer.body["details"]["causes"]
    return cause["field"], cause["message"]


def test_service_gets_an_address_and_defaults(cluster):
    answer = created(cluster, "services", service())
    spec = answer.body["spec"]
    assert answer.status == 201
    assert ipaddress.ip_address(spec.pop("clusterIP")) in ipaddress.ip_network("10.96.0.0/16")
    assert len(spec.pop("clusterIPs")) == 1
    assert spec == {
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
        "selector": {"app": "web"},
        "sessionAffinity": "None",
        "type": "ClusterIP",
    }
    assert answer.body["status"] == {"loadBalancer": {}}


def test_two_services_have_two_addresses(cluster):
    addresses = {created(cluster, "services", service(name)).body["spec"]["clusterIP"] for name in ("one", "two")}
    assert len(addresses) == 2


def test_target_port_is_the_port_where_none_is_named(cluster):
    answer = created(cluster, "services", service(ports=[{"port": 8000}]))
    assert answer.body["spec"]["ports"] == [{"port": 8000, "protocol": "TCP", "targetPort": 8000}]


def test_address_that_another_service_has(cluster):
    address = created(cluster, "services", service()).body["spec"]["clusterIP"]
    answer = created(cluster, "services", service("other", clusterIP=address))
    words = f'Invalid value: ["{address}"]: failed to allocate IP {address}: provided IP is already allocated'
    assert fault(answer) == ("spec.clusterIPs", words)
    assert answer.body["message"] == f'Service "other" is invalid: spec.clusterIPs: {words}'
    dry = created(cluster, "services", service("other", clusterIP=address), query={"dryRun": "All"})
    assert dry.status == 201  # a dry run allocates nothing


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"clusterIP": "nowhere"}, "spec.clusterIPs[0]", 'Invalid value: "nowhere": must be a valid IP address'),
        (
            {"clusterIP": "192.0.2.1"},
            "spec.clusterIPs",
            'Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1',
        ),
        ({"ports": []}, "spec.ports", "Required value"),
    ],
    ids=["no address", "out of range", "no ports"],
)
def test_bad_service(cluster, spec, field, words):
    found, message = fault(created(cluster, "services", service(**spec)))
    assert (found, message[: len(words)]) == (field, words)


def test_address_stays(cluster):
    address = created(cluster, "services", service()).body["spec"]["clusterIP"]
    path, merge = f"{cluster.core}/services/web", {"content_type": "application/merge-patch+json"}
    answer = cluster.call("PATCH", path, {"spec": {"clusterIP": "10.96.250.250"}}, **merge)
    assert fault(answer) == ("spec.clusterIPs[0]", 'Invalid value: ["10.96.250.250"]: may not change once set')
    answer = cluster.call("PATCH", path, {"spec": {"selector": {"app": "other"}, "clusterIP": None}}, **merge)
    assert (answer.status, answer.body["spec"]["clusterIP"]) == (200, address)
    stored = cluster.call("GET", path).body
    del stored["spec"]["clusterIP"], stored["spec"]["clusterIPs"]
    assert cluster.call("PUT", path, stored).body["spec"]["clusterIP"] == address


def test_deployment_wants_one_pod_where_it_does_not_say(cluster):
    assert created(cluster, "deployments", deployment()).body["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"replicas": -1}, ["spec.replicas"]),
        ({"selector": {"matchLabels": {"app": "other"}}}, ["spec.template.metadata.labels"]),
        ({"selector": None}, ["spec.selector", "spec.template.metadata.labels"]),
    ],
    ids=["fewer than none", "selector of others", "no selector"],
)
def test_bad_deployment(cluster, spec, fields):
    answer = created(cluster, "deployments", deployment(**spec))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == fields


def test_value_of_a_wrong_type(cluster):
    answer = created(cluster, "deployments", deployment(replicas="2"))
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert answer.body["message"].startswith('Deployment in version "v1" cannot be handled as a Deployment: json: ')


def test_selector_is_for_good(cluster):
    created(cluster, "deployments", deployment())
    path = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments/web"
    selector = {"spec": {"selector": {"matchLabels": {"app": LABELS["app"], "version": None}}}}
    answer = cluster.call("PATCH", path, selector, content_type="application/merge-patch+json")
    assert fault(answer) == ("spec.selector", 'Invalid value: {"matchLabels":{"app":"web"}}: field is immutable')
