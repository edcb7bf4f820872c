"""What traffic can be sent to: Kubernetes Services and hosts of ServiceEntries, by their names and hosts."""

from __future__ import annotations

from webapp.istio.names import service_host, service_of_host
from webapp.istio.objects import Key
from webapp.istio.parse_values import mapping, texts
from webapp.istio.snapshot import Snapshot, remembered

_API_SERVER: Key = ("default", "kubernetes")


@remembered
def service_keys(snapshot: Snapshot) -> tuple[Key, ...]:
    """List what traffic can be sent to: Services by name, and hosts of ServiceEntries as (namespace, host)."""
    entries = ((entry.metadata.namespace, host) for host, entry in snapshot.service_entry_by_host.items())
    return tuple(sorted((snapshot.services.keys() - {_API_SERVER}) | set(entries)))


def host_of(snapshot: Snapshot, key: Key) -> str:
    """Give the full host name of one of `service_keys`."""
    return service_host(key) if key in snapshot.services else key[1]


def key_of_host(snapshot: Snapshot, fqdn: str) -> Key | None:
    """Give the one of `service_keys` that a full host name belongs to, None where the mesh knows no such host."""
    key = service_of_host(fqdn)
    if key in snapshot.services:
        return key
    entry = snapshot.service_entry_by_host.get(fqdn)
    if entry is None:  # a ServiceEntry's host may be a wildcard
        suffixes = (fqdn[place:] for place, each in enumerate(fqdn) if each == ".")
        fqdn = next((f"*{suffix}" for suffix in suffixes if f"*{suffix}" in snapshot.service_entry_by_host), "")
        entry = snapshot.service_entry_by_host.get(fqdn)
    return (entry.metadata.namespace, fqdn) if entry else None


def exported_by(snapshot: Snapshot, key: Key) -> tuple[str, ...]:
    """Give the `exportTo` of a service, empty where everybody sees it; a Service says it in an annotation.

    https://istio.io/latest/docs/reference/config/annotations/#NetworkingExportTo
    https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry-export_to
    """
    if service := snapshot.services.get(key):
        words = service.metadata.annotations.get("networking.istio.io/exportTo", "")
        return tuple(filter(None, map(str.strip, words.split(","))))
    return texts(mapping(snapshot.service_entry_by_host[key[1]].raw.get("spec")).get("exportTo"))
