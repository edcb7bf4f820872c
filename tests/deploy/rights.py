"""Which rights the code uses, read from the code, and which ones deploy/ grants."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

import webapp.cluster
from tests.deploy.dockerfile import ROOT
from webapp.cluster.kinds import ISTIO, KINDS

DEPLOY = ROOT / "deploy"
BASE_RIGHTS = DEPLOY / "base" / "rbac.yaml"
ADOPT_RIGHTS = DEPLOY / "overlays" / "adopt" / "rbac.yaml"
IMPERSONATE_RIGHTS = DEPLOY / "overlays" / "impersonate" / "rbac.yaml"
OLDER_IMPERSONATE_RIGHTS = IMPERSONATE_RIGHTS.with_name("rbac-before-1.36.yaml")
NAMESPACE_RIGHTS = DEPLOY / "overlays" / "single-namespace" / "rbac.yaml"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


class Right(NamedTuple):
    """What a rule of a Role grants, one by one."""

    group: str
    resource: str
    verb: str


def _istio(verb: str, *resources: str) -> set[Right]:
    return {Right(ISTIO, each, verb) for each in resources}


EVERYBODY: set[Right] = set()
"""Access reviews and `/livez`: Kubernetes grants them to every account.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
"""
UNGRANTED: set[Right] = set()
"""Namespaces are listed only where a list of all namespaces' objects is refused; without the right the dashboard asks
about its own namespace and those of CROSSFADE_NAMESPACES."""
ADOPTED = ("virtualservices", "destinationrules", "gateways")

USES = {
    ("namespaces.py", "GET"): UNGRANTED,
    ("probe.py", "GET"): EVERYBODY,
    ("reflector.py", "GET"): {Right(kind.group, kind.resource, verb) for kind in KINDS for verb in ("list", "watch")},
    ("reviews.py", "POST"): EVERYBODY,
    ("writes.py", "GET"): _istio("get", "virtualservices"),
    ("writes.py", "PATCH"): _istio("patch", "virtualservices"),
}
"""What each request of webapp/cluster/ needs, by file and HTTP method: a new one is entered here and in deploy/."""

ADOPT_USES = {
    ("writes.py", "GET"): _istio("get", *ADOPTED),
    ("writes.py", "PATCH"): _istio("patch", *ADOPTED),
    ("objects_writer.py", "POST"): _istio("create", *ADOPTED),
    ("objects_writer.py", "DELETE"): _istio("delete", *ADOPTED),
}
"""The same for taking control of a service, which the adopt overlay alone allows."""


IN_NAMES = {
    Right("authentication.k8s.io", "users", "impersonate:user-info"),
    Right("authentication.k8s.io", "groups", "impersonate:user-info"),
    Right("authorization.k8s.io", "selfsubjectaccessreviews", "impersonate-on:user-info:create"),
    *(right._replace(verb=f"impersonate-on:user-info:{right.verb}") for each in ADOPT_USES.values() for right in each),
}
"""What it takes to do the same in a person's name, who needs the rights of the tables above.

https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/#constrained-impersonation
"""
OLDER_IN_NAMES = {Right("", "users", "impersonate"), Right("", "groups", "impersonate")}


def used(uses: dict[tuple[str, str], set[Right]]) -> set[Right]:
    """Return all rights of a table."""
    return set().union(*uses.values())


def requests_in_the_code() -> set[tuple[str, str]]:
    """Find every call in webapp/cluster/ whose first argument is an HTTP method: (file, method)."""
    return {
        (path.name, str(node.args[0].value))
        for path in Path(webapp.cluster.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if node.args[0].value in METHODS
    }


def granted(objects: Iterable[dict[str, Any]]) -> set[Right]:
    """Return what the ClusterRoles and Roles among the objects grant."""
    return {
        Right(group, resource, verb)
        for role in objects
        if role["kind"] in {"ClusterRole", "Role"}
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def granted_by(path: Path) -> set[Right]:
    """Return what the roles of a file grant."""
    return granted(each for each in yaml.safe_load_all(path.read_text()) if each)
