"""Create, update, patch and delete."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable

from webapp.demo.kube import status
from webapp.demo.kube.admission import check_content, check_fields, check_name
from webapp.demo.kube.defaults import completed
from webapp.demo.kube.kinds import NAMESPACES, SCALE, JsonObject, Kind
from webapp.demo.kube.patches import read_patch
from webapp.demo.kube.request import Request
from webapp.demo.kube.scaling import scale_of, with_scale
from webapp.demo.kube.status import ApiError, Cause
from webapp.demo.kube.store import Store

JSON = "application/json"
PROTOBUF = "application/vnd.kubernetes.protobuf"
NO_PROTOBUF = (
    "the demo's API server reads JSON alone, and this command sends protobuf; kubectl's apply, patch, edit, scale and "
    "delete send JSON (`kubectl create … --dry-run=client -o yaml | kubectl apply -f -` creates by apply)"
)
DELETE_OPTIONS = "DeleteOptions"


class Write:
    """One request that writes.

    :param admit: the webhooks' last word on the request; raises to deny it.
    """

    def __init__(self, store: Store, request: Request, kind: Kind, *, admit: Callable[[Request], None]) -> None:
        self._store, self._request, self._kind, self._admit = store, request, kind, admit
        self._namespace = request.namespace if kind.namespaced else ""

    def create(self) -> JsonObject:
        """Store a new object: 409 where there is one, 404 where its namespace is missing."""
        wanted = self.decoded()
        metadata = wanted["metadata"]
        if metadata.get("resourceVersion"):
            raise ApiError(400, "resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            letters = (secrets.choice(string.ascii_lowercase + string.digits) for _ in range(5))
            metadata["name"] = f"{metadata['generateName']}{''.join(letters)}"
        name = metadata["name"] = str(metadata.get("name") or "")
        check_name(self._kind, name)

        def change(old: JsonObject | None) -> JsonObject:
            self._check_namespace()
            created = self._initial(self._checked(wanted))
            if old is not None:
                raise status.already_exists(self._kind, name)
            return self._completed(None, created)

        return self._stored(name, change)

    def change(self) -> JsonObject:
        """Update or patch an object, its status alone where the subresource says so."""
        kind, request = self._kind, self._request
        apply = self._replacement() if request.verb == "update" else read_patch(kind, request)

        def change(old: JsonObject | None) -> JsonObject:
            if old is None:
                raise status.not_found(kind, request.name)
            wanted = apply(self.shown(old))
            self._check_identity(old, wanted)
            if request.subresource == "scale":
                return with_scale(old, wanted)
            if request.subresource:
                return _with_status(old, wanted)
            wanted = self._completed(old, self._checked(wanted))
            return _with_status(wanted, old) if kind.has_status else wanted

        return self._stored(request.name, change)

    def delete(self) -> JsonObject:
        """Delete an object; the answer is a Status, or for some kinds the object."""
        kind, request = self._kind, self._request
        options = _delete_options(request)
        stored = self._store.read(kind.plural, (self._namespace, request.name))
        if stored is None:
            raise status.not_found(kind, request.name)
        _check_preconditions(kind, stored, options.get("preconditions"))
        self._admit(request)
        is_dry = self._is_dry_run or options.get("dryRun") == ["All"]
        if not is_dry and not self._store.delete(kind.plural, namespace=self._namespace, name=request.name):
            raise status.not_found(kind, request.name)
        if kind.answers_deleted:
            return kind.shown(stored, request.version)
        details = status.object_details(kind, request.name) | {"uid": stored["metadata"]["uid"]}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def decoded(self) -> JsonObject:
        """Read an object from the body; built-in kinds may leave `apiVersion` and `kind` out."""
        kind, request = self._kind, self._request
        if request.media_type == PROTOBUF:
            raise ApiError(415, NO_PROTOBUF, reason="UnsupportedMediaType")
        if request.media_type != JSON:
            raise status.unsupported_media_type([JSON])
        received = request.json()
        if not isinstance(received, dict) or not isinstance(received.setdefault("metadata", {}), dict):
            raise ApiError(400, f"the object provided is unrecognized (must be of type {kind.kind})")
        expected, version = self._shown_kind
        described = {} if kind.is_custom else {"apiVersion": expected.api_version(version), "kind": expected.kind}
        wanted: JsonObject = described | received
        _check_type(*self._shown_kind, wanted)
        if self._namespace and wanted["metadata"].setdefault("namespace", self._namespace) != self._namespace:
            words = "the namespace of the provided object does not match the namespace sent on the request"
            raise ApiError(400, words)
        return wanted

    @property
    def _is_dry_run(self) -> bool:
        asked = self._request.query.get("dryRun", "")
        if asked not in {"", "All"}:
            cause = Cause(
                "dryRun", f'Unsupported value: ["{asked}"]: supported values: "All"', "FieldValueNotSupported"
            )
            raise status.unnamed_invalid(cause, group="meta.k8s.io", kind=f"{self._request.verb.title()}Options")
        return bool(asked)

    def _replacement(self) -> Callable[[JsonObject], JsonObject]:
        replacement = self.decoded()
        return lambda _: replacement

    def _stored(self, name: str, change: Callable[[JsonObject | None], JsonObject]) -> JsonObject:
        request = self._request
        stored = self._store.write(
            self._kind.plural,
            change,
            namespace=self._namespace,
            name=name,
            manager=request.manager,
            subresource=request.subresource,
            dry_run=self._is_dry_run,
        )
        return self.shown(stored)

    def shown(self, stored: JsonObject) -> JsonObject:
        """Return an object, or the subresource of it that the request is about."""
        return (
            scale_of(stored)
            if self._request.subresource == "scale"
            else self._kind.shown(stored, self._request.version)
        )

    @property
    def _shown_kind(self) -> tuple[Kind, str]:
        """What the request sends and is answered with: the kind and its version."""
        return (SCALE, "v1") if self._request.subresource == "scale" else (self._kind, self._request.version)

    def _check_namespace(self) -> None:
        if self._namespace and self._store.read("namespaces", ("", self._namespace)) is None:
            raise status.not_found(NAMESPACES, self._namespace)

    def _checked(self, wanted: JsonObject) -> JsonObject:
        if self._request.query.get("fieldValidation") == "Strict":
            check_fields(self._kind, wanted, is_patched=self._request.verb == "patch")
        kept = check_content(self._kind, wanted)
        self._admit(self._request)
        return kept

    def _completed(self, old: JsonObject | None, wanted: JsonObject) -> JsonObject:
        if self._kind.plural == "services":
            _, services = self._store.state("services")
            others = [each for each in services if each is not old]
            # A dry run allocates nothing, so it can't find an address taken.
            taken = () if self._is_dry_run else {each.get("spec", {}).get("clusterIP") for each in others}
            return completed(self._kind, old, wanted, taken)
        return completed(self._kind, old, wanted, ())

    def _check_identity(self, old: JsonObject, wanted: JsonObject) -> None:
        """Refuse another name (400), and a resourceVersion or uid that is no longer the object's (409)."""
        kind, name = self._kind, self._request.name
        _check_type(*self._shown_kind, wanted)
        given, known = wanted["metadata"], old["metadata"]
        for part, asked in (("name", name), ("namespace", self._namespace)):
            if given.get(part, "") != asked:
                found = given.get(part, "")
                raise ApiError(
                    400, f"the {part} of the object ({found}) does not match the {part} on the URL ({asked})"
                )
        if not given.get("resourceVersion") and kind.is_custom:
            cause = Cause("metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update")
            raise status.invalid(kind, name, [cause], by_plural=True)
        if (given.get("resourceVersion") or known["resourceVersion"]) != known["resourceVersion"]:
            raise status.conflict(kind, name)
        if (given.get("uid") or known["uid"]) != known["uid"]:
            why = f"Precondition failed: UID in precondition: {given['uid']}, UID in object meta: {known['uid']}"
            raise status.conflict(kind, name, why)

    def _initial(self, wanted: JsonObject) -> JsonObject:
        """Return a new object as it begins: without the status that its client gave it."""
        created = {key: value for key, value in wanted.items() if key != "status" or not self._kind.has_status}
        if self._kind.plural == "namespaces":
            metadata = wanted["metadata"]
            labels = (metadata.get("labels") or {}) | {"kubernetes.io/metadata.name": metadata["name"]}
            created |= {"metadata": metadata | {"labels": labels}, "status": {"phase": "Active"}}
        return created


def _delete_options(request: Request) -> JsonObject:
    """Read the body of a DELETE, which may say how to delete and nothing else (400)."""
    options = request.json() if request.body else {}
    if not isinstance(options, dict):
        return {}
    if options.get("kind", DELETE_OPTIONS) != DELETE_OPTIONS:
        given = f'no kind "{options["kind"]}" is registered for version "{options.get("apiVersion", "")}"'
        raise ApiError(400, f"{given} in scheme")
    return options


def _check_preconditions(kind: Kind, stored: JsonObject, expected: object) -> None:
    """Refuse to delete another object, or a newer one, than the one that was seen (409)."""
    metadata = stored["metadata"]
    wanted = expected if isinstance(expected, dict) else {}
    for field, named in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        if (wanted.get(field) or metadata[field]) != metadata[field]:
            found = f"{named} in precondition: {wanted[field]}, {named} in object meta: {metadata[field]}"
            raise status.conflict(kind, metadata["name"], f"Precondition failed: {found}")


def _check_type(kind: Kind, version: str, wanted: JsonObject) -> None:
    expected = kind.api_version(version)
    if wanted.get("apiVersion") != expected:
        words = f"the API version in the data ({wanted.get('apiVersion', '')}) does not match the expected API version"
        raise ApiError(400, f"{words} ({expected})")
    if wanted.get("kind") != kind.kind:
        raise ApiError(400, f"the object provided is unrecognized (must be of type {kind.kind})")


def _with_status(base: JsonObject, source: JsonObject) -> JsonObject:
    """Return `base` with the status of `source`, which may have none."""
    rest = {key: value for key, value in base.items() if key != "status"}
    return rest | ({"status": source["status"]} if "status" in source else {})
