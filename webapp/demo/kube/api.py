"""The API: who may do what, to which kind, and who answers it."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webapp.demo.kube import status
from webapp.demo.kube.discovery import describe
from webapp.demo.kube.faults import Faults
from webapp.demo.kube.kinds import KINDS, JsonObject, Kind
from webapp.demo.kube.listing import list_objects, presenter
from webapp.demo.kube.request import Request
from webapp.demo.kube.scaling import scale_of
from webapp.demo.kube.status import ApiError, PageNotFound
from webapp.demo.kube.store import Store
from webapp.demo.kube.watching import Watch
from webapp.demo.kube.writing import Write

USER = "crossfade-demo"
BUILT_IN_GROUPS = frozenset(kind.group for kind in KINDS if not kind.is_custom)
NAMED_VERBS = frozenset({"get", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer: JSON, or a line of text."""

    code: int
    body: JsonObject | str
    headers: Mapping[str, str] = field(default_factory=dict)


class Api:
    """Answers requests from a store.

    `requests` holds the last hundred that were asked, oldest first.

    :param token: the bearer token that each request must carry.
    :param is_stopping: tells watches and delayed requests that the server ends.
    :param bookmark_seconds: how often a watch that allows bookmarks gets one.
    """

    def __init__(
        self, store: Store, faults: Faults, *, token: str, is_stopping: Callable[[], bool], bookmark_seconds: float
    ) -> None:
        self._store, self._faults = store, faults
        self._token = token.encode()
        self._is_stopping, self._bookmark_seconds = is_stopping, bookmark_seconds
        self.requests: deque[Request] = deque(maxlen=100)

    def answer(self, request: Request) -> Response | Watch:
        """Answer a request; ApiError, PageNotFound and Dropped are answers too."""
        self.requests.append(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(token.strip().encode(), self._token):
            raise ApiError(401)
        self._faults.before(request, self._is_stopping)
        if request.path == "/livez":
            return Response(200, "ok")
        if not request.resource:
            return Response(200, describe(request.path, request.headers.get("host", ""), self._faults.is_hidden))
        kind = self._kind_of(request)
        self._authorize(request, kind)
        _check_method(request, kind)
        write = Write(self._store, request, kind, admit=self._faults.admit)
        match request.verb:
            case "list":
                return Response(200, list_objects(self._store, request, kind))
            case "watch":
                return Watch(
                    self._store,
                    self._faults,
                    request,
                    kind,
                    is_stopping=self._is_stopping,
                    bookmark_seconds=self._bookmark_seconds,
                )
            case "create" if kind.plural == "selfsubjectaccessreviews":
                return Response(201, self._access_review(write.decoded()))
            case "create":
                return Response(201, write.create())
            case "update" | "patch":
                return Response(200, write.change())
            case "delete":
                return Response(200, write.delete())
        return Response(200, self._get(request, kind))

    def _kind_of(self, request: Request) -> Kind:
        for kind in KINDS:
            if (kind.group, kind.plural) == (request.group, request.resource) and request.version in kind.versions:
                is_placed = kind.namespaced or kind.plural == "namespaces" or not request.namespace
                is_known = request.subresource in {"", *kind.subresources}
                if is_placed and is_known and not self._faults.is_hidden(kind.group, request.version):
                    return kind
        if request.group in BUILT_IN_GROUPS:
            raise ApiError(404, details={})
        raise PageNotFound

    def _authorize(self, request: Request, kind: Kind) -> None:
        if self._faults.is_forbidden(request.verb, request.full_resource, request.namespace):
            raise status.forbidden(USER, request.verb, kind, request.full_resource, request.namespace, request.name)

    def _get(self, request: Request, kind: Kind) -> JsonObject:
        stored = self._store.read(kind.plural, (request.namespace if kind.namespaced else "", request.name))
        if stored is None:
            raise status.not_found(kind, request.name)
        if request.subresource == "scale":
            return scale_of(stored)
        return presenter(request, kind, "PartialObjectMetadata")(stored)

    def _access_review(self, review: JsonObject) -> JsonObject:
        """Answer a SelfSubjectAccessReview: all is allowed but what `Faults.forbid` took away.

        https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/
        """
        spec = review.get("spec") or {}
        asked = {"verb": "", "resource": "", "subresource": "", "namespace": ""} | (
            spec.get("resourceAttributes") or {}
        )
        resource = f"{asked['resource']}/{asked['subresource']}" if asked["subresource"] else asked["resource"]
        is_allowed = not self._faults.is_forbidden(asked["verb"], resource, asked["namespace"])
        reached = {"allowed": is_allowed} | ({"reason": "RBAC: allowed by the embedded mesh"} if is_allowed else {})
        return review | {"spec": spec, "status": reached}


def _check_method(request: Request, kind: Kind) -> None:
    is_collection_read = request.verb in {"list", "watch"}
    if (
        request.verb not in kind.verbs
        or (request.verb in NAMED_VERBS) != bool(request.name)
        or (kind.namespaced and not is_collection_read and not request.namespace)
        or (request.subresource and request.verb == "delete")
    ):
        raise ApiError(405, details={})
