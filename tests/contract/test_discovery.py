"""What the API says of itself."""

import pytest

ISTIO_KINDS = {
    "destinationrules": ("DestinationRule", "dr"),
    "gateways": ("Gateway", "gw"),
    "serviceentries": ("ServiceEntry", "se"),
    "virtualservices": ("VirtualService", "vs"),
}


def test_version(cluster):
    answer = cluster.call("GET", "/version")
    assert (answer.status, answer.body["major"]) == (200, "1")
    assert answer.body["gitVersion"].startswith("v1.")


def test_a_server_that_is_well_says_so(cluster):
    answer = cluster.call("GET", "/livez")
    assert (answer.status, answer.body) == (200, "ok")


def test_core_version(cluster):
    answer = cluster.call("GET", "/api")
    assert (answer.body["kind"], answer.body["versions"]) == ("APIVersions", ["v1"])


def test_groups_name_istios_versions_newest_first(cluster):
    groups = {group["name"]: group for group in cluster.call("GET", "/apis").body["groups"]}
    assert {"apps", "discovery.k8s.io", "authorization.k8s.io", "networking.istio.io"} <= groups.keys()
    istio = groups["networking.istio.io"]
    assert [version["version"] for version in istio["versions"]] == ["v1", "v1beta1", "v1alpha3"]
    assert istio["preferredVersion"] == {"groupVersion": "networking.istio.io/v1", "version": "v1"}


def test_group(cluster):
    answer = cluster.call("GET", "/apis/networking.istio.io")
    assert (answer.body["kind"], answer.body["name"]) == ("APIGroup", "networking.istio.io")


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
def test_istio_kinds(cluster, version):
    answer = cluster.call("GET", f"/apis/networking.istio.io/{version}")
    assert (answer.body["kind"], answer.body["groupVersion"]) == (
        "APIResourceList",
        f"networking.istio.io/{version}",
    )
    resources = {each["name"]: each for each in answer.body["resources"]}
    for plural, (kind, short_name) in ISTIO_KINDS.items():
        listed = resources[plural]
        assert (listed["kind"], listed["namespaced"], listed["singularName"]) == (kind, True, kind.lower())
        assert short_name in listed["shortNames"]
        assert {"create", "delete", "get", "list", "patch", "update", "watch"} <= set(listed["verbs"])


@pytest.mark.parametrize(
    ("path", "plural", "is_namespaced"),
    [
        ("/api/v1", "namespaces", False),
        ("/api/v1", "nodes", False),
        ("/api/v1", "pods", True),
        ("/api/v1", "services", True),
        ("/apis/apps/v1", "deployments", True),
        ("/apis/discovery.k8s.io/v1", "endpointslices", True),
        ("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews", False),
    ],
)
def test_built_in_kinds(cluster, path, plural, is_namespaced):
    resources = {each["name"]: each for each in cluster.call("GET", path).body["resources"]}
    assert resources[plural]["namespaced"] is is_namespaced


@pytest.mark.parametrize("path", ["/apis/no.such.group", "/apis/no.such.group/v1/things", "/nothing"])
def test_unknown_address_is_a_line_of_text(cluster, path):
    answer = cluster.call("GET", path)
    assert (answer.status, answer.body) == (404, "404 page not found\n")


def test_unknown_istio_kind_is_a_line_of_text(cluster):
    answer = cluster.call("GET", f"{cluster.istio}/things")
    assert (answer.status, answer.body) == (404, "404 page not found\n")


def test_unknown_core_kind_is_a_status(cluster):
    answer = cluster.call("GET", f"{cluster.core}/things")
    assert answer.status == 404
    assert answer.body["message"] == "the server could not find the requested resource"
    assert (answer.body["reason"], answer.body["details"]) == ("NotFound", {})
