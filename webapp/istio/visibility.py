"""Which namespaces see an object: `exportTo` of VirtualServices and DestinationRules.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-export_to
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def exported_to(export_to: Sequence[str], *, own: str, namespace: str) -> bool:
    """Tell whether proxies in a namespace see an object of the namespace `own`.

    `.` is the object's own namespace, `*` all of them, anything else a namespace's name; without `exportTo` all see it.
    """
    return not export_to or any(name in {"*", namespace} or (name == "." and own == namespace) for name in export_to)


def exported_to_any(export_to: Sequence[str], *, own: str, namespaces: Iterable[str]) -> bool:
    """Tell whether proxies in at least one of the namespaces see an object of the namespace `own`."""
    return any(exported_to(export_to, own=own, namespace=namespace) for namespace in namespaces)


def exported_to_nobody(export_to: Sequence[str]) -> bool:
    """Tell whether `exportTo` names no namespace that can exist: `~` is Istio's word for none."""
    return bool(export_to) and all(name in {"", "~"} for name in export_to)


def share_a_namespace(one: tuple[str, Sequence[str]], other: tuple[str, Sequence[str]]) -> bool:
    """Tell whether some namespace sees both of two objects, each given by its own namespace and its `exportTo`."""
    own, export_to = one
    if not export_to or "*" in export_to:
        return not exported_to_nobody(other[1])
    namespaces = (own if name == "." else name for name in export_to if name != "~")
    return exported_to_any(other[1], own=other[0], namespaces=namespaces)
