"""One Gateway: its pods, the way to its ports, other Gateways on the same pods, its TLS settings.

https://istio.io/latest/docs/reference/config/networking/gateway/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.gateways import doors_of, gateway_pods, gateways_sharing_pods
from webapp.istio.objects import Gateway, Key, Server
from webapp.istio.parse_values import mapping, mappings, text, texts
from webapp.istio.snapshot import Snapshot, remembered

_MOST_NAMED = 3
_HTTP = {"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTP_PROXY"}
_KUBERNETES_GATEWAY = "gateway.networking.k8s.io/gateway-name"
"""https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#automated-deployment"""

_CERTIFICATES = (
    *("serverCertificate", "privateKey", "caCertificates", "caCrl", "credentialName", "credentialNames"),
    "tlsCertificates",
)
_CIPHER_SUITES = frozenset(
    [f"ECDHE-{key}-{cipher}" for key in ("ECDSA", "RSA") for cipher in ("AES128-SHA", "AES256-SHA")]
    + [f"ECDHE-{key}-AES{bits}" for key in ("ECDSA", "RSA") for bits in ("128-GCM-SHA256", "256-GCM-SHA384")]
    + ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", "AES128-GCM-SHA256", "AES256-GCM-SHA384"]
    + ["AES128-SHA", "AES256-SHA", "DES-CBC3-SHA", "ALL"]
)
"""https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-cipher_suites"""


@remembered
def gateway_notes(snapshot: Snapshot, key: Key) -> tuple[Note, ...]:
    """Note what is wrong with a Gateway that is there, whoever names it."""
    gateway = snapshot.gateways[key]
    return (
        *_pods(snapshot, gateway),
        *_ports(snapshot, gateway),
        *_conflicts(snapshot, gateway),
        *_certificates(snapshot, gateway),
        *_settings(gateway),
    )


def _pods(snapshot: Snapshot, gateway: Gateway) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway-selector"""
    pods = gateway_pods(snapshot, gateway)
    if gateway.selector and not pods:
        selected = " ".join(f"{label}={value}" for label, value in gateway.selector.items())
        sentence = f"Gateway {gateway.metadata.full_name} selects pods labelled {selected}, and there are none."
        cure = "Start the gateway's pods, or correct the selector."
        yield analysed("IST0101", Note("warning", "gateway-without-pods", sentence, cure))
    for name in dict.fromkeys(pod.metadata.labels.get(_KUBERNETES_GATEWAY, "") for pod in pods):
        if name:
            sentence = f"The pods of Gateway {gateway.metadata.full_name} are those of the Kubernetes Gateway {name} "
            sentence += "too: HTTPRoutes that are attached to that one may take the same hosts. They are not read here."
            yield Note("info", "kubernetes-gateway", sentence, "`kubectl get httproutes -A` lists them.")


def _ports(snapshot: Snapshot, gateway: Gateway) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0162/"""
    if not gateway_pods(snapshot, gateway):
        return
    closed = [server.port for server in gateway.servers if not doors_of(snapshot, gateway.metadata.key, server)]
    if closed:
        numbers = " and ".join(map(str, dict.fromkeys(closed)))
        sentence = f"No Service leads to port {numbers} of the pods of Gateway {gateway.metadata.full_name}."
        cure = "Add the port to the Service before the gateway's pods, or take one that it has."
        yield analysed("IST0162", Note("info", "gateway-port-not-open", sentence, cure))


def _conflicts(snapshot: Snapshot, gateway: Gateway) -> Iterator[Note]:
    """Note Gateways with the same port and host on the same pods: plain HTTP is merged, of TLS one is left out.

    https://istio.io/latest/docs/reference/config/analysis/ist0145/
    """
    names: dict[str, bool] = {}
    for other in gateways_sharing_pods(snapshot, gateway.metadata.key):
        for server, twin in ((one, two) for one in gateway.servers for two in other.servers if _same_place(one, two)):
            harmless = server.protocol in _HTTP and twin.protocol in _HTTP
            names[other.metadata.full_name] = names.get(other.metadata.full_name, True) and harmless
    if not names:
        return
    others = ", ".join(islice(names, _MOST_NAMED)) + (" and more" if len(names) > _MOST_NAMED else "")
    sentence = f"Gateway {gateway.metadata.full_name} has a port and a host in common with {others}, on the same pods: "
    if all(names.values()):
        sentence += "these servers are merged, and each VirtualService is carried only by the Gateways that it names."
        note = Note("info", "gateways-share", sentence, "Keep the port and the host in one Gateway.")
    else:
        sentence += "of servers in conflict Istio takes one, as a rule the oldest, and leaves the others out."
        note = Note("warning", "gateways-in-conflict", sentence, "Keep the port and the host in one Gateway.")
    yield analysed("IST0145", note)


def _same_place(one: Server, other: Server) -> bool:
    return one.port == other.port and one.bind == other.bind and bool({*one.hosts} & {*other.hosts})


def _certificates(snapshot: Snapshot, gateway: Gateway) -> Iterator[Note]:
    """https://istio.io/latest/docs/ops/common-problems/network-issues/#404-errors-occur-when-multiple-gateways-configured-with-same-tls-certificate"""
    own = _certificate_names(gateway)
    for other in gateways_sharing_pods(snapshot, gateway.metadata.key):
        if shared := sorted(own & _certificate_names(other)):
            sentence = (
                f"Gateway {gateway.metadata.full_name} and {other.metadata.full_name} have the certificate {shared[0]} "
                "in common: a browser that keeps an HTTP/2 connection for both may be answered 404."
            )
            cure = "Put the hosts of one certificate into one Gateway."
            yield analysed("IST0138", Note("info", "certificate-shared", sentence, cure))


def _certificate_names(gateway: Gateway) -> set[str]:
    settings = [mapping(server.get("tls")) for server in mappings(mapping(gateway.raw.get("spec")).get("servers"))]
    named = {text(each.get("credentialName")) for each in settings}
    in_files = {text(each.get("serverCertificate")) for each in settings if text(each.get("privateKey"))}
    return (named | in_files) - {""}


def _settings(gateway: Gateway) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings"""
    raws = mappings(mapping(gateway.raw.get("spec")).get("servers"))
    for server, raw in zip(gateway.servers, raws, strict=True):
        if words := [*_tls_words(server, mapping(raw.get("tls")))]:
            sentence = f"Gateway {gateway.metadata.full_name}, port {server.port}: {'; '.join(words)}."
            yield analysed("IST0133", Note("info", "gateway-settings", sentence, "Correct the server's tls."))


def _tls_words(server: Server, tls: Mapping[str, Any]) -> Iterator[str]:
    suites = texts(tls.get("cipherSuites"))
    unknown = [each for each in suites if each[:1].isalnum() and each not in _CIPHER_SUITES]
    if server.https_redirect and server.protocol not in _HTTP:
        yield f"httpsRedirect has no meaning for {server.protocol}"
    if text(tls.get("minProtocolVersion")) in {"TLSV1_0", "TLSV1_1"} and not suites:
        yield "TLS below 1.2 needs cipherSuites that it can use, and there are none"
    if unknown:
        yield f"cipher suites that nobody knows are ignored ({', '.join(islice(unknown, _MOST_NAMED))})"
    if len(set(suites)) < len(suites):
        yield "a cipher suite is named twice"
    if "PASSTHROUGH" in server.tls_mode and any(tls.get(field) for field in _CERTIFICATES):
        yield f"{server.tls_mode} uses no certificates, so those named are ignored"
