"""Ask the API server what this dashboard may do, before it tries.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from webapp.cluster.client import Client
from webapp.cluster.failures import not_json
from webapp.cluster.kinds import KINDS
from webapp.errors import ClusterUnavailable, CrossfadeError

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
FRESH_SECONDS = 30.0
QUIET_SECONDS = 3.0
"""After an API server that did not answer, nobody waits for it again so soon."""
READ_SECONDS = 2.0
MOST_ANSWERS = 1_000

GROUPS = {kind.resource: kind.group for kind in KINDS}


def ask(client: Client, verb: str, resource: str, *, namespace: str) -> bool:
    """Ask one SelfSubjectAccessReview.

    :param namespace: empty asks for all namespaces at once.
    :raises CrossfadeError: it can't be told.
    """
    attributes = {"verb": verb, "group": GROUPS.get(resource, ""), "resource": resource, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = client.json("POST", PATH, body=review, read_seconds=READ_SECONDS)
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(status, dict) or not isinstance(status.get("allowed"), bool):
        raise not_json(client.host)
    return bool(status["allowed"])


class Reviews:
    """Answers about rights, each remembered for a while; safe for threads, of which one asks at a time."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._asking = Lock()
        self._answers: dict[tuple[str, str, str], tuple[bool | None, float]] = {}
        self._quiet_until = float("-inf")

    def can(self, verb: str, resource: str, *, namespace: str) -> bool | None:
        """Tell whether RBAC grants this now, as of at most 30 s ago; None where it can't be told."""
        asked = verb, resource, namespace
        with self._asking:
            answer, until = self._answers.get(asked, (None, float("-inf")))
            now = self._clock()
            if now < until:
                return answer
            if now < self._quiet_until:
                return None
            try:
                answer = ask(self._client, verb, resource, namespace=namespace)
            except ClusterUnavailable:
                self._quiet_until = self._clock() + QUIET_SECONDS
                return None
            except CrossfadeError:
                answer = None
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.clear()
            self._answers[asked] = answer, self._clock() + FRESH_SECONDS
            return answer
