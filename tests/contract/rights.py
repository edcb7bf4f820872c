"""Take a right away on a real cluster: a user who has every right that the suite needs but that one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.client import ApiClient

from tests.mesh.processes import wait_until

RESOURCES = {
    "": ["namespaces", "nodes", "pods", "services"],
    "apps": ["deployments"],
    "discovery.k8s.io": ["endpointslices"],
    "networking.istio.io": ["destinationrules", "gateways", "serviceentries", "virtualservices"],
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
RBAC = "rbac.authorization.k8s.io"
DEADLINE_SECONDS = 10.0


@contextmanager
def without_right(client: ApiClient, verb: str, resource: str) -> Iterator[None]:
    """Let every request of the client be that user's; RBAC can't deny, so the right is left out of what is granted.

    The client's own user has to be allowed to impersonate.
    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
    """
    user = f"contract-{uuid.uuid4().hex[:8]}"
    rules = [
        {"apiGroups": [group], "resources": [each], "verbs": [one for one in VERBS if (one, each) != (verb, resource)]}
        for group, resources in RESOURCES.items()
        for each in resources
    ]
    role = {"metadata": {"name": user}, "rules": rules}
    binding = {
        "metadata": {"name": user},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": user},
    }
    _call(client, "POST", f"/apis/{RBAC}/v1/clusterroles", role)
    _call(client, "POST", f"/apis/{RBAC}/v1/clusterrolebindings", binding)
    client.set_default_header("Impersonate-User", user)
    try:
        wait_until(lambda: _may(client, "get", "pods"), "the new role's effect", seconds=DEADLINE_SECONDS)
        yield
    finally:
        del client.default_headers["Impersonate-User"]
        for kind in ("clusterrolebindings", "clusterroles"):
            _call(client, "DELETE", f"/apis/{RBAC}/v1/{kind}/{user}")


def _may(client: ApiClient, verb: str, resource: str) -> bool:
    spec = {"resourceAttributes": {"verb": verb, "resource": resource}}
    answer = _call(client, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": spec})
    return bool(answer["status"]["allowed"])


def _call(client: ApiClient, method: str, path: str, body: Any = None) -> Any:
    response = client.call_api(
        *client.param_serialize(method, path, body=body, auth_settings=["BearerToken"]), _request_timeout=10.0
    ).response
    assert response.status < 300, response.data
    return response.json() if hasattr(response, "json") else None
