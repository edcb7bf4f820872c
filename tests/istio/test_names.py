"""Host names as Istio reads them."""

from __future__ import annotations

import pytest

from webapp.istio.names import gateway_key, host_matches, hosts_overlap, resolve_host, service_host, service_of_host
from webapp.istio.objects import Key


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("web", "web.shop.svc.cluster.local", id="short"),
        pytest.param("Web", "web.shop.svc.cluster.local", id="case-does-not-count"),
        pytest.param("web.other", "web.other", id="a-dot-is-never-completed"),
        pytest.param("web.other.svc.cluster.local", "web.other.svc.cluster.local", id="full"),
        pytest.param("api.example.com", "api.example.com", id="outside"),
        pytest.param("*", "*", id="any-host"),
        pytest.param("*.example.com", "*.example.com", id="wildcard"),
        pytest.param("10.0.0.1", "10.0.0.1", id="ipv4"),
        pytest.param("fd00::1", "fd00::1", id="ipv6-has-no-dot"),
        pytest.param("", "", id="none"),
    ],
)
def test_resolve_host(host: str, expected: str) -> None:
    assert resolve_host(host, namespace="shop") == expected


def test_resolve_host_in_another_domain() -> None:
    assert resolve_host("web", namespace="shop", domain="mesh.test") == "web.shop.svc.mesh.test"


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        pytest.param("*", "anything", True, id="star-is-any"),
        pytest.param("*", "", True, id="star-is-even-none"),
        pytest.param("*.example.com", "a.example.com", True, id="one-label"),
        pytest.param("*.example.com", "a.b.example.com", True, id="more-labels"),
        pytest.param("*.example.com", "example.com", False, id="not-the-domain-itself"),
        pytest.param("*.example.com", "badexample.com", False, id="not-without-the-dot"),
        pytest.param("*-canary.example.com", "web-canary.example.com", True, id="within-a-label"),
        pytest.param("a.example.com", "A.Example.COM", True, id="case-does-not-count"),
        pytest.param("a.example.com", "b.example.com", False, id="another"),
    ],
)
def test_host_matches(pattern: str, host: str, expected: bool) -> None:
    assert host_matches(pattern, host) is expected


def test_hosts_overlap_whichever_is_the_wider() -> None:
    assert hosts_overlap("*.example.com", "a.example.com")
    assert hosts_overlap("a.example.com", "*.example.com")
    assert hosts_overlap("*.a.example.com", "*.example.com")
    assert not hosts_overlap("*.a.example.com", "*.b.example.com")


@pytest.mark.parametrize(
    ("fqdn", "key"),
    [
        pytest.param("web.shop.svc.cluster.local", ("shop", "web"), id="service"),
        pytest.param("web.shop.svc.mesh.test", None, id="another-domain"),
        pytest.param("web.shop", None, id="half-a-name"),
        pytest.param("pod-0.web.shop.svc.cluster.local", None, id="a-pod-of-a-headless-service"),
        pytest.param("shop.svc.cluster.local", None, id="no-namespace"),
        pytest.param(".shop.svc.cluster.local", None, id="no-name"),
        pytest.param("web..svc.cluster.local", None, id="empty-namespace"),
        pytest.param("api.example.com", None, id="outside"),
        pytest.param("", None, id="none"),
    ],
)
def test_service_of_host(fqdn: str, key: Key | None) -> None:
    assert service_of_host(fqdn) == key
    assert key is None or service_host(key) == fqdn


@pytest.mark.parametrize(
    ("name", "key"),
    [
        pytest.param("edge", ("shop", "edge"), id="own-namespace"),
        pytest.param("istio-system/edge", ("istio-system", "edge"), id="another-namespace"),
        pytest.param("edge.front.svc.cluster.local", ("front", "edge"), id="the-older-form"),
    ],
)
def test_gateway_key(name: str, key: Key) -> None:
    assert gateway_key(name, namespace="shop") == key
