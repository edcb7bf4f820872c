"""Carry out plans that make, change and delete DestinationRules, VirtualServices and Gateways."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Self

from webapp.cluster.client import Client, Impersonating
from webapp.cluster.failures import NoAnswer, StaleVersion
from webapp.cluster.kinds import KINDS, Kind, list_path, object_path
from webapp.cluster.picture import Picture
from webapp.cluster.writes import DRY_RUN, LOOKS, Writes
from webapp.errors import ClusterUnavailable, Conflict, CrossfadeError, NotFound
from webapp.istio.adopt.steps import RESOURCES, IstioObject, Step, changed_meanwhile, settle_seconds
from webapp.istio.history import FIELD_MANAGER
from webapp.istio.objects import DestinationRule, Gateway, JsonPatch, VirtualService
from webapp.istio.parse_values import mapping

_KINDS: dict[str, Kind] = {
    name: kind for name, resource in RESOURCES.items() for kind in KINDS if kind.resource == resource
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a plan came: the steps that stand, and the one that failed, with its error.

    :param waited_seconds: how long proxies were given to learn one step before the next.
    """

    done: tuple[Step, ...]
    failed: Step | None = None
    error: CrossfadeError | None = None
    waited_seconds: float = 0.0


class Objects:
    """Write objects of three kinds at the API server.

    :param path: gives the address of a kind's objects; the second parameter is its name in words.
    :param virtual_services: writes VirtualServices for everybody, one at a time.
    :param wait: lets proxies learn a step before the next one.
    """

    def __init__(
        self,
        client: Client | Impersonating,
        picture: Picture,
        path: Callable[[Kind, str], str],
        *,
        virtual_services: Writes[VirtualService],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._picture, self._path, self._wait = client, picture, path, wait
        self._writes: dict[str, Writes[Any]] = {
            "VirtualService": virtual_services,
            "DestinationRule": self._writes_of(Writes[DestinationRule], "DestinationRule"),
            "Gateway": self._writes_of(Writes[Gateway], "Gateway"),
        }

    def _writes_of(self, writes: type[Writes[Any]], name: str) -> Writes[Any]:
        kind = _KINDS[name]
        return writes(self._client, self._picture, lambda: self._path(kind, f"{name}s"), kind=kind, called=name)

    def through(self, client: Impersonating) -> Self:
        """Give the same, with the same turns, in the name of a person."""
        other = copy.copy(self)
        other._client = client
        other._writes = {name: each.through(client) for name, each in self._writes.items()}
        return other

    def judge(self, step: Step) -> None:
        """Have the API server and its webhooks judge a step, strictly, without carrying it out.

        :raises CrossfadeError: they would refuse it, or somebody changed the object meanwhile.
        """
        self._write(step, dry_run=True)

    def carry_out(self, steps: Sequence[Step]) -> Outcome:
        """Carry steps out in order, with time between them for proxies to learn; end at the first that fails."""
        done: list[Step] = []
        waited = 0.0
        for step, following in zip_longest(steps, steps[1:]):
            try:
                self._write(step)
            except CrossfadeError as error:
                return Outcome(tuple(done), step, error, waited)
            done.append(step)
            if seconds := settle_seconds(step, following):
                self._wait(seconds)
                waited += seconds
        return Outcome(tuple(done), waited_seconds=waited)

    def _write(self, step: Step, *, dry_run: bool = False) -> None:
        try:
            if step.verb == "create":
                self._create(step, dry_run=dry_run)
            elif step.verb == "delete":
                self._delete(step, dry_run=dry_run)
            else:
                writes = self._writes[step.kind]
                build: Callable[[Any], JsonPatch] = step.patch_for
                writes.write(namespace=step.namespace, name=step.name, build=build, dry_run=dry_run)
        except NoAnswer as error:
            if dry_run:
                raise
            words = f"{error.message} Whether {step.full_name} was written is not known; the page will show it."
            raise ClusterUnavailable(words) from error

    def _create(self, step: Step, *, dry_run: bool) -> None:
        """POST the object; who is first makes it.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation
        """
        kind = _KINDS[step.kind]
        path = list_path(self._path(kind, f"{step.kind}s"), "{namespace}")
        raw = {**mapping(step.after), "apiVersion": path.removeprefix("/apis/").partition("/namespaces/")[0]}
        query = [("fieldManager", FIELD_MANAGER), *(DRY_RUN if dry_run else [("fieldValidation", "Strict")])]
        try:
            stored = self._client.json("POST", path, names={"namespace": step.namespace}, query=query, body=raw)
        except StaleVersion as error:
            words = f"There is a {step.full_name} already: somebody made one of that name in the meantime."
            raise Conflict(words, detail={"object": step.full_name}) from error
        except NotFound as error:
            raise NotFound(f"{step.full_name} can't be made: the namespace is gone.") from error
        if not dry_run:
            self._picture.put(kind, kind.parse(stored))

    def _delete(self, step: Step, *, dry_run: bool) -> None:
        """DELETE the object as it was seen, and no newer one; what is gone already is what was asked for.

        https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/
        """
        last = step.before
        with suppress(NotFound):
            last = self._delete_seen(step, dry_run=dry_run)
        if not dry_run and last:
            self._picture.apply(_KINDS[step.kind], last, gone=True)

    def _delete_seen(self, step: Step, *, dry_run: bool) -> IstioObject:
        names = {"namespace": step.namespace, "name": step.name}
        path = object_path(self._path(_KINDS[step.kind], f"{step.kind}s"))
        found: IstioObject = step.before or self._writes[step.kind].get(**names)
        for _ in range(LOOKS):
            step.expect_seen(found)
            fence = {"resourceVersion": found.metadata.resource_version}
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": fence}
            try:
                self._client.json("DELETE", path, names=names, query=DRY_RUN[:1] if dry_run else (), body=options)
                return found
            except StaleVersion:
                found = self._writes[step.kind].get(**names)
        raise changed_meanwhile(step.full_name, found)
