"""Host names as Istio reads them: short names, full names, wildcards."""

from __future__ import annotations

from webapp.istio.objects import Key

DOMAIN = "cluster.local"
"""The cluster's DNS domain: Istio's and Kubernetes' default."""


def resolve_host(host: str, *, namespace: str, domain: str = DOMAIN) -> str:
    """Complete a short `host` in the namespace of the object that names it; anything with a dot stays as it is.

    So `reviews.shop` stays `reviews.shop`, which is no Service of the mesh.
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination

    :return: the host in lower case; an IP address, `*` and the empty host unchanged.
    """
    if not host or host == "*" or "." in host or ":" in host:
        return host.lower()
    return f"{host}.{namespace}.svc.{domain}".lower()


def host_matches(pattern: str, host: str) -> bool:
    """Whether a host is the pattern, or lies under its leading `*` (which stands for one label or more).

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-hosts
    """
    pattern, host = pattern.lower(), host.lower()
    if pattern.startswith("*"):
        return pattern == "*" or (len(host) >= len(pattern) and host.endswith(pattern[1:]))
    return pattern == host


def hosts_overlap(one: str, other: str) -> bool:
    """Whether there is a host that both names stand for, each of which may be a wildcard."""
    return host_matches(one, other) or host_matches(other, one)


def service_host(key: Key, domain: str = DOMAIN) -> str:
    """Give the full host name of a Kubernetes Service.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#services
    """
    namespace, name = key
    return f"{name}.{namespace}.svc.{domain}"


def service_of_host(fqdn: str, domain: str = DOMAIN) -> Key | None:
    """Give (namespace, name) of the Kubernetes Service that a full host name stands for, None for other hosts."""
    name, _, rest = fqdn.partition(".")
    namespace, dot, suffix = rest.partition(".")
    if name and namespace and dot and suffix == f"svc.{domain}":
        return namespace, name
    return None


def gateway_key(gateway: str, *, namespace: str) -> Key:
    """Read a name in `gateways`: `name`, `namespace/name`, or the older `name.namespace.svc.…`.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-gateways
    """
    other_namespace, slash, name = gateway.partition("/")
    if slash:
        return other_namespace, name
    name, dot, rest = gateway.partition(".")
    return (rest.partition(".")[0], name) if dot else (namespace, gateway)
