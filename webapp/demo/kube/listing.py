"""Answers to list requests, whole or in pages.

https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.request import Request, form_of, partial
from webapp.demo.kube.selecting import Selector, selector
from webapp.demo.kube.status import ApiError
from webapp.demo.kube.store import Key, Store
from webapp.demo.kube.tables import table

PARTIAL_LIST = "PartialObjectMetadataList"
CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class _Token(NamedTuple):
    """Where a list goes on: as it was at `revision` (None: as it is now), behind the key `after`."""

    revision: int | None
    after: Key

    def encoded(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.revision, *self.after]).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> _Token:
        try:
            revision, namespace, name = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(None if revision is None else int(revision), (str(namespace), str(name)))
        except (ValueError, TypeError) as error:
            raise ApiError(400, "continue key is not valid") from error


def in_scope(request: Request, kind: Kind) -> Selector:
    """Build the test of what a list or a watch asks for: namespace, labels and fields."""
    selected = selector(request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
    namespace = request.namespace if kind.namespaced else ""
    return lambda stored: (not namespace or stored["metadata"].get("namespace") == namespace) and selected(stored)


def presenter(request: Request, kind: Kind, partial_kind: str) -> Callable[[JsonObject], JsonObject]:
    """Return how this request shows an object: in its version, its metadata alone, or as a table of one row."""
    form = form_of(request, partial_kind)
    if form == "Table":
        return lambda stored: table(kind.plural, [_row(request, kind, stored)], _table_metadata(stored))
    return (lambda stored: partial(kind, stored)) if form else (lambda stored: kind.shown(stored, request.version))


def _row(request: Request, kind: Kind, stored: JsonObject) -> tuple[JsonObject, JsonObject | None]:
    """Return an object and what `includeObject` wants beside its row."""
    match request.query.get("includeObject"):
        case "None":
            return stored, None
        case "Object":
            return stored, kind.shown(stored, request.version)
    return stored, partial(kind, stored)


def _table_metadata(stored: JsonObject) -> JsonObject:
    return {"resourceVersion": stored["metadata"]["resourceVersion"]}


def list_objects(store: Store, request: Request, kind: Kind) -> JsonObject:
    """Answer a list; pages of one list are all of the moment of its first page."""
    show, selected = presenter(request, kind, PARTIAL_LIST), in_scope(request, kind)
    limit, asked = request.number("limit") or 0, request.number("resourceVersion")
    token = _Token.decode(request.query["continue"]) if request.query.get("continue") else None
    if token and asked:
        raise ApiError(400, "specifying resource version is not allowed when using continue")
    if asked and asked > store.revision:
        raise _too_large(asked, store.revision)
    revision, found = _read(store, kind, token, asked if request.query.get("resourceVersionMatch") == "Exact" else None)
    wanted = [stored for stored in found if (not token or _key(stored) > token.after) and selected(stored)]
    page = wanted[:limit] if limit else wanted
    metadata: JsonObject = {"resourceVersion": str(revision)}
    if len(page) < len(wanted):
        metadata["continue"] = _Token(revision, _key(page[-1])).encoded()
        if not {"labelSelector", "fieldSelector"} & request.query.keys():
            metadata["remainingItemCount"] = len(wanted) - len(page)
    form = form_of(request, PARTIAL_LIST)
    if form == "Table":
        return table(kind.plural, [_row(request, kind, stored) for stored in page], metadata)
    items = [show(stored) for stored in page]
    if form:
        described = {"kind": PARTIAL_LIST, "apiVersion": "meta.k8s.io/v1"}
    else:
        described = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version(request.version)}
        if not kind.is_custom:
            items = [{key: value for key, value in item.items() if key not in described} for item in items]
    return described | {"metadata": metadata, "items": items}


def _read(store: Store, kind: Kind, token: _Token | None, exactly: int | None) -> tuple[int, Sequence[JsonObject]]:
    try:
        return store.state(kind.plural, at=token.revision if token else exactly)
    except ApiError as error:
        if token is None:
            raise ApiError(410) from error
        rest = _Token(None, token.after).encoded()
        raise ApiError(410, CONTINUE_EXPIRED, metadata={"continue": rest}) from error


def _key(stored: JsonObject) -> Key:
    return stored["metadata"].get("namespace", ""), stored["metadata"]["name"]


def _too_large(asked: int, newest: int) -> ApiError:
    return ApiError(
        504,
        f"Too large resource version: {asked}, current: {newest}",
        details={
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
        headers={"Retry-After": "1"},
    )
