"""How well the picture is kept up, in states and sentences. Pure: what the reflectors know goes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from webapp.cluster.failures import BadCredentials, Expired, lacks_right
from webapp.cluster.kinds import ISTIO, Kind
from webapp.errors import ClusterUnavailable, CrossfadeError, Forbidden, NotFound

STALE_SECONDS = 10.0
"""No word from the API server for so long: the picture counts as old."""
RECONNECTING_SECONDS = 2.0
"""A broken watch that is back sooner is not worth a word."""

State: TypeAlias = Literal["loading", "live", "stale", "down"]


@dataclass(frozen=True, slots=True)
class KindProgress:
    """The list of one kind: `listed` of `expected` (None while unknown); `done` where no more is waited for."""

    kind: str
    listed: int
    expected: int | None
    done: bool


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """How old the picture is, and why.

    :param state: `loading`: the first lists are being read; `live`; `stale`: the picture is the last known one;
        `down`: there is no picture, and the API server does not answer or does not know us.
    :param age_seconds: since the last word of the API server; where kinds are in trouble, of the one that has
        waited longest for it.
    :param problems: sentences.
    :param scope: a sentence that says which namespaces alone are watched, empty where all are; also among the problems.
    """

    state: State
    age_seconds: float
    progress: tuple[KindProgress, ...]
    problems: tuple[str, ...]
    name: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """What one reflector knows of its own kind; times by its clock.

    :param namespace: the one that it watches, empty for all.
    :param synced: a whole list was read once.
    :param troubled_since: when its watch or list failed; None while all is well.
    :param error: what failed last; None while all is well.
    :param heard_at: the last list, event, bookmark or opened watch.
    """

    kind: Kind
    namespace: str = ""
    listed: int = 0
    expected: int | None = None
    synced: bool = False
    troubled_since: float | None = None
    error: CrossfadeError | None = None
    heard_at: float | None = None

    @property
    def is_absent(self) -> bool:
        """Whether the API server does not serve this kind."""
        return isinstance(self.error, NotFound)

    @property
    def is_settled(self) -> bool:
        """Whether waiting brings no more: it was read, is not served, or may not be read."""
        return self.synced or self.is_absent or lacks_right(self.error)

    def is_broken(self, now: float) -> bool:
        """Whether what was read once is not kept up any more."""
        since = self.troubled_since
        return self.synced and not self.is_absent and since is not None and now - since > RECONNECTING_SECONDS


def status_of(
    healths: Sequence[Health],
    *,
    name: str,
    now: float,
    started_at: float,
    heard_at: float,
    probe_error: CrossfadeError | None,
    remarks: Sequence[str] = (),
) -> ClusterStatus:
    """Sum up all kinds.

    :param healths: one a kind, or one for each namespace that it is watched in.
    :param heard_at: the youngest word on any connection.
    :param probe_error: why the API server's pulse is not felt right now.
    :param remarks: further sentences.
    """
    unsettled = [each for each in healths if not each.is_settled]
    in_trouble = [each for each in healths if each.is_broken(now) or (each in unsettled and each.error)]
    state: State = "live"
    if unsettled:
        unheard = all(isinstance(each.error, ClusterUnavailable | BadCredentials) for each in unsettled)
        state = "down" if unheard else "loading"
    elif in_trouble or now - heard_at > STALE_SECONDS:
        state = "stale"
    oldest = min((each.heard_at or started_at for each in in_trouble), default=heard_at)
    scope = _scope(healths)
    said = [scope] if scope else []
    return ClusterStatus(
        state=state,
        age_seconds=max(0.0, now - oldest),
        progress=_progress(healths),
        problems=tuple(dict.fromkeys([*said, *remarks, *_problems(healths, now, probe_error)])),
        name=name,
        scope=scope,
    )


def _progress(healths: Sequence[Health]) -> tuple[KindProgress, ...]:
    kinds: dict[str, list[Health]] = {}
    for each in healths:
        kinds.setdefault(each.kind.resource, []).append(each)
    return tuple(
        KindProgress(
            resource,
            listed=sum(each.listed for each in parts),
            expected=None
            if any(each.expected is None for each in parts)
            else sum(each.expected or 0 for each in parts),
            done=all(each.is_settled for each in parts),
        )
        for resource, parts in kinds.items()
    )


def _scope(healths: Sequence[Health]) -> str:
    """Say which namespaces alone are watched, and for which kinds: in one sentence where it is the same for all."""
    namespaces: dict[str, tuple[str, ...]] = {}
    for each in healths:
        if each.namespace:
            namespaces[each.kind.resource] = (*namespaces.get(each.kind.resource, ()), each.namespace)
    kinds: dict[tuple[str, ...], list[str]] = {}
    for resource, watched in namespaces.items():
        kinds.setdefault(watched, []).append(resource)
    return " ".join(
        f"Only the {'namespaces' if len(watched) > 1 else 'namespace'} {_listed(watched)} "
        f"{'are' if len(watched) > 1 else 'is'} watched: {_listed(resources)} may not be listed cluster-wide."
        for watched, resources in kinds.items()
    )


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _problems(healths: Sequence[Health], now: float, probe_error: CrossfadeError | None) -> list[str]:
    absent = {each.kind.resource for each in healths if each.is_absent and each.kind.group == ISTIO}
    no_istio = absent == {each.kind.resource for each in healths if each.kind.group == ISTIO}
    found = [probe_error.message] if probe_error else []
    for each in healths:
        passing = each.synced and not each.is_broken(now) and not isinstance(each.error, Forbidden | NotFound)
        if each.error and not passing:
            found.append(_sentence(each.kind, each.error, no_istio=no_istio))
    return found


def _sentence(kind: Kind, error: CrossfadeError, *, no_istio: bool) -> str:
    if isinstance(error, ClusterUnavailable | BadCredentials):
        return error.message
    if isinstance(error, Forbidden) and error.detail:
        return error.message
    if isinstance(error, Expired):
        return f"Reading {kind.resource} again: the API server no longer has what happened meanwhile."
    if isinstance(error, NotFound) and kind.group == ISTIO and no_istio:
        return f"Istio is not installed in this cluster: its API {ISTIO} is not served. Once it is, it is noticed here."
    if isinstance(error, NotFound):
        group = f" of {kind.group}" if kind.group else ""
        return f"This cluster serves no {kind.resource}{group}."
    return f"Can't read {kind.resource}: {error.message}"
