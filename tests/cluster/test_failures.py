"""What an API server's refusals become."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.cluster.failures import BadCredentials, Expired, StaleVersion, refusal, status_of
from webapp.errors import ClusterError, ClusterUnavailable, CrossfadeError, Forbidden, NotFound, Refused

WEBHOOK = 'admission webhook "rev.validation.istio.io" denied the request: configuration is invalid: weight -5 < 0'
MAY_NOT_PATCH = (
    'virtualservices.networking.istio.io "a" is forbidden: User "limited" cannot patch resource "virtualservices" '
    'in API group "networking.istio.io" in the namespace "default"'
)
MAY_NOT_LIST = 'pods is forbidden: User "limited" cannot list resource "pods" in API group "" at the cluster scope'
CAUSES = {
    "causes": [
        {"field": "spec.http[0].route[0].weight", "message": 'Invalid value: "string": must be integer'},
        {"field": "", "message": "and one more thing"},
    ]
}


def status(message: str = "", **facts: Any) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "message": message, **facts}


@pytest.mark.parametrize(
    ("code", "answer", "error", "words"),
    [
        pytest.param(400, status(WEBHOOK), Refused, "weight -5 < 0", id="webhook"),
        pytest.param(403, status(WEBHOOK), Refused, "weight -5 < 0", id="webhook that says 403"),
        pytest.param(400, status("no JSON"), ClusterError, "400: no JSON", id="400"),
        pytest.param(401, status("Unauthorized"), BadCredentials, "credentials: Unauthorized", id="401"),
        pytest.param(
            403, status(MAY_NOT_PATCH), Forbidden, "May not patch virtualservices in namespace default", id="403"
        ),
        pytest.param(403, status(MAY_NOT_LIST), Forbidden, "May not list pods: ", id="403 everywhere"),
        pytest.param(403, status("exceeded quota"), Forbidden, "forbids this: exceeded quota", id="403 otherwise"),
        pytest.param(404, status('pods "a" not found'), NotFound, 'pods "a" not found', id="404"),
        pytest.param(409, status("the object has been modified"), StaleVersion, "modified", id="409"),
        pytest.param(410, status("too old resource version"), Expired, "too old", id="410"),
        pytest.param(504, status("Timeout: Too large resource version: 9, current: 1"), Expired, "9", id="too large"),
        pytest.param(
            422,
            status("is invalid", details=CAUSES),
            Refused,
            'spec.http[0].route[0].weight: Invalid value: "string": must be integer; and one more thing',
            id="422 with causes",
        ),
        pytest.param(
            422,
            status("the server rejected our request due to an error in our request", details={}),
            Refused,
            "does not fit the object as it is stored now",
            id="the empty 422",
        ),
        pytest.param(422, status("policy says no"), Refused, "policy says no", id="422 otherwise"),
        pytest.param(429, status("Too many requests"), ClusterUnavailable, "busy", id="429"),
        pytest.param(503, status("not ready"), ClusterUnavailable, "not ready", id="503"),
        pytest.param(
            500,
            status('Internal error occurred: failed calling webhook "rev.validation.istio.io": refused'),
            ClusterError,
            "validating webhook of the cluster does not answer",
            id="webhook not reached",
        ),
        pytest.param(500, status("etcd"), ClusterError, "status 500: etcd", id="500"),
        pytest.param(
            500,
            status_of(b"[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\n[-]kms failed\nlivez check failed"),
            ClusterError,
            "its own check of etcd and kms fails",
            id="not well",
        ),
        pytest.param(
            403,
            status('pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group ""'),
            BadCredentials,
            "it has no credentials",
            id="403 for nobody",
        ),
        pytest.param(302, status(), ClusterError, "status 302", id="redirect"),
        pytest.param(500, status_of(b"<html>bad gateway"), ClusterError, "<html>bad gateway", id="no JSON"),
        pytest.param(500, status_of(b'"text"'), ClusterError, "HTTP status 500", id="JSON, but no Status"),
        pytest.param(422, status("odd", details={"causes": 1}), Refused, "odd", id="causes of a wrong type"),
        pytest.param(422, status("odd", details=[]), Refused, "odd", id="details of a wrong type"),
    ],
)
def test_a_refusal_is_translated(code: int, answer: dict[str, Any], error: type[CrossfadeError], words: str) -> None:
    found = refusal(code, answer)
    assert type(found) is error
    assert words in found.message


def test_a_403_names_what_is_lacking() -> None:
    assert refusal(403, status(MAY_NOT_PATCH)).detail == {
        "verb": "patch",
        "resource": "virtualservices",
        "group": "networking.istio.io",
        "namespace": "default",
    }


def test_a_422_names_the_fields() -> None:
    assert refusal(422, status("is invalid", details=CAUSES)).detail["causes"][0]["field"] == (
        "spec.http[0].route[0].weight"
    )
