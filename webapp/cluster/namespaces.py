"""Which namespaces to watch a kind in, where it may not be listed in all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webapp.cluster.client import Client
from webapp.cluster.failures import lacks_right
from webapp.cluster.kinds import Kind
from webapp.cluster.reviews import ask
from webapp.errors import CrossfadeError

MOST_NAMESPACES = 10
"""Each takes a thread and a connection for each kind: with seven kinds 70 of both."""
MOST_ASKED = 100
"""How many namespaces' rights are asked for, one request a namespace and kind."""


@dataclass(frozen=True, slots=True)
class Found:
    """The namespaces to watch, and a sentence where a bound left some out."""

    namespaces: tuple[str, ...] = ()
    problem: str = ""


def find_namespaces(client: Client, kind: Kind, *, configured: Sequence[str], own: str) -> Found:
    """Return the configured namespaces, else those in which the access review lets the kind be listed and watched.

    :param own: the namespace of the context or the pod: the only one to ask about where namespaces can't be listed.
    :raises CrossfadeError: it can't be told now.
    """
    if configured:
        return _bounded(dict.fromkeys(configured), f"CROSSFADE_NAMESPACES names {len(configured)}")
    known = dict.fromkeys([own, *_listed(client)])
    allowed = [each for each in list(known)[:MOST_ASKED] if _may_watch(client, kind, each)]
    if len(known) > MOST_ASKED:
        what = f"Rights were asked for in {MOST_ASKED} of {len(known)} namespaces only"
        return Found(tuple(allowed[:MOST_NAMESPACES]), f"{what}: name those that matter in CROSSFADE_NAMESPACES.")
    return _bounded(allowed, f"{len(allowed)} may be read; name those that matter in CROSSFADE_NAMESPACES")


def may_watch_all(client: Client, kind: Kind) -> bool | None:
    """Ask whether the kind may be listed and watched in all namespaces at once; None where it can't be told."""
    try:
        return _may_watch(client, kind, "")
    except CrossfadeError:
        return None


def _bounded(names: Iterable[str], why: str) -> Found:
    found = tuple(names)
    problem = f"Only {MOST_NAMESPACES} namespaces are watched one by one: {why}."
    return Found(found[:MOST_NAMESPACES], problem if len(found) > MOST_NAMESPACES else "")


def _may_watch(client: Client, kind: Kind, namespace: str) -> bool:
    return all(ask(client, verb, kind.resource, namespace=namespace) for verb in ("list", "watch"))


def _listed(client: Client) -> list[str]:
    try:
        page = client.json("GET", "/api/v1/namespaces", query=[("limit", "500")])
        return sorted(str(each["metadata"]["name"]) for each in page["items"])
    except (KeyError, TypeError):
        return []
    except CrossfadeError as error:
        if lacks_right(error):
            return []
        raise
