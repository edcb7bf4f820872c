"""Indexes that a change of one object keeps up, so that news cost as much as they are and not as the mesh is large."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar, overload

from webapp.istio.memory import Token
from webapp.istio.objects import Key

_G = TypeVar("_G", bound=Hashable)
_V = TypeVar("_V")


class Grouped(Protocol):
    """What a Grouping asks of a Snapshot."""

    @property
    def groups(self) -> dict[Any, Any]:
        """What has been grouped of it so far."""

    @property
    def read(self) -> set[Token] | None:
        """Takes note of what is looked up; None where nobody wants to know."""

    @property
    def quiet(self) -> Any:
        """The same Snapshot without that."""


class Grouping(Generic[_G, _V]):
    """Objects of one kind by what they belong to: an attribute of a Snapshot, or a function of it.

    Grouped when first asked for. From one Snapshot to the next only the groups of changed objects are made anew.

    :param kind: the field of the Snapshot.
    :param groups_of: names an object's groups, each once.
    :param order: sorts the objects within a group; without it they stand in any order.
    :param also: other kinds that `groups_of` looks at; where one of them has changed, all is grouped anew.
    """

    def __init__(
        self,
        kind: str,
        groups_of: Callable[[Any, _V], Iterable[_G]],
        *,
        order: Callable[[_V], Any] | None = None,
        also: tuple[str, ...] = (),
    ) -> None:
        self.kind, self.also = kind, also
        self._groups_of, self._order = groups_of, order

    def __call__(self, snapshot: Grouped) -> Mapping[_G, tuple[_V, ...]]:
        """Give the groups of a Snapshot."""
        found: dict[_G, tuple[_V, ...]] | None = snapshot.groups.get(self)
        if found is None:
            quiet = snapshot.quiet
            found = snapshot.groups[self] = self._group(quiet, getattr(quiet, self.kind).values())
        return found if snapshot.read is None else _Noting(self, found, snapshot.read)

    @overload
    def __get__(self, snapshot: None, owner: type) -> Grouping[_G, _V]: ...
    @overload
    def __get__(self, snapshot: Grouped, owner: type) -> Mapping[_G, tuple[_V, ...]]: ...
    def __get__(self, snapshot: Grouped | None, owner: type) -> Grouping[_G, _V] | Mapping[_G, tuple[_V, ...]]:
        return self if snapshot is None else self(snapshot)

    def carry(self, before: Any, after: Any, changed: Collection[Key]) -> set[_G]:
        """Group a Snapshot by the groups of the one before it; return those that are not what they were."""
        if not changed:
            after.groups[self] = before.groups[self]
            return set()
        old, new = getattr(before, self.kind), getattr(after, self.kind)
        gone = [old[key] for key in changed if key in old]
        come = self._group(after, (new[key] for key in changed if key in new))
        touched = {group for each in gone for group in self._groups_of(before, each)} | come.keys()
        gone_ids = {id(each) for each in gone}
        found: dict[_G, tuple[_V, ...]] = dict(before.groups[self])
        for group in touched:
            left = (each for each in found.get(group, ()) if id(each) not in gone_ids)
            found[group] = self._sorted((*left, *come.get(group, ())))
            if not found[group]:
                del found[group]
        after.groups[self] = found
        return touched

    def _group(self, snapshot: Any, objects: Iterable[_V]) -> dict[_G, tuple[_V, ...]]:
        found: defaultdict[_G, list[_V]] = defaultdict(list)
        for each in objects:
            for group in self._groups_of(snapshot, each):
                found[group].append(each)
        return {group: self._sorted(members) for group, members in found.items()}

    def _sorted(self, members: Collection[_V]) -> tuple[_V, ...]:
        return tuple(sorted(members, key=self._order) if self._order and len(members) > 1 else members)


class _Noting(Mapping[_G, tuple[_V, ...]]):
    """Groups that take note of which of them is looked up: of one that is not there, too."""

    def __init__(self, grouping: Grouping[_G, _V], groups: Mapping[_G, tuple[_V, ...]], read: set[Token]) -> None:
        self._grouping, self._groups, self._read = grouping, groups, read
        read.update(grouping.also)

    def __getitem__(self, group: _G) -> tuple[_V, ...]:
        self._read.add((self._grouping, group))
        return self._groups[group]

    def __iter__(self) -> Iterator[_G]:
        self._read.add(self._grouping.kind)
        return iter(self._groups)

    def __len__(self) -> int:
        self._read.add(self._grouping.kind)
        return len(self._groups)
