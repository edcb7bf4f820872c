"""What the API says of itself: versions, groups, kinds.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

from collections.abc import Callable

from webapp.demo.kube.kinds import KINDS, SCALE, JsonObject, Kind
from webapp.demo.kube.openapi import document, index
from webapp.demo.kube.status import PageNotFound

VERSION = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.2+crossfade",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}


def describe(path: str, address: str, is_hidden: Callable[[str, str], bool]) -> JsonObject:
    """Answer an address of discovery; PageNotFound for any other.

    :param address: host and port of this server.
    :param is_hidden: whether a (group, version) is to be left out.
    """
    kinds = [kind for kind in KINDS if _versions(kind, is_hidden)]
    groups = {kind.group: _group(kind, is_hidden) for kind in kinds if kind.group}
    match path.strip("/").split("/"):
        case ["version"]:
            return dict(VERSION)
        case ["openapi", "v3"]:
            return index(sorted({kind.root(each) for kind in kinds for each in _versions(kind, is_hidden)}))
        case ["openapi", "v3", *_, version] if here := [
            kind
            for kind in kinds
            if f"/openapi/v3/{kind.root(version)}" == path and version in _versions(kind, is_hidden)
        ]:
            return document(version, here)
        case ["api"]:
            served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())}
        case ["apis", group] if group in groups:
            return {"kind": "APIGroup", "apiVersion": "v1"} | groups[group]
        case ["api", version] if listed := [kind for kind in kinds if not kind.group and version in kind.versions]:
            return {"kind": "APIResourceList", "groupVersion": version, "resources": _resources(listed)}
        case ["apis", group, version] if listed := [
            kind for kind in kinds if kind.group == group and version in kind.versions and not is_hidden(group, version)
        ]:
            described = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{version}"}
            return described | {"resources": _resources(listed)}
    raise PageNotFound


def _group(kind: Kind, is_hidden: Callable[[str, str], bool]) -> JsonObject:
    versions = [
        {"groupVersion": kind.api_version(version), "version": version} for version in _versions(kind, is_hidden)
    ]
    return {"name": kind.group, "versions": versions, "preferredVersion": versions[0]}


def _versions(kind: Kind, is_hidden: Callable[[str, str], bool]) -> list[str]:
    return [version for version in kind.versions if not is_hidden(kind.group, version)]


def _resources(kinds: list[Kind]) -> list[JsonObject]:
    resources: list[JsonObject] = []
    for kind in kinds:
        shared = {"namespaced": kind.namespaced, "kind": kind.kind}
        optional = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
        resources.append(
            {"name": kind.plural, "singularName": kind.kind.lower(), "verbs": list(kind.verbs)}
            | shared
            | {key: value for key, value in optional.items() if value}
        )
        for each in kind.subresources:
            own = {"group": SCALE.group, "version": "v1", "kind": SCALE.kind} if each == "scale" else {}
            named = {"name": f"{kind.plural}/{each}", "singularName": "", "verbs": ["get", "patch", "update"]}
            resources.append(named | shared | own)
    return resources
