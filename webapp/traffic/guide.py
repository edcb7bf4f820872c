"""By what could versions be told? What differs between answers, grouped by what they have in common. Pure.

It proposes and never decides: which group is which version is for a person to say, and an answer that is in no named
group stays not identified.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.istio.sampling import LONGEST_NAME, LONGEST_SOURCE, By

EXCERPT = 2 * 1024
"""Bytes of a body that are looked at, where it is no JSON object."""
MOST_HEADERS = 40
MOST_FIELDS = 40
DEEPEST = 4
MOST_WORDS = 200
MOST_GROUPS = 12
"""What has more values than this is no version: a name of a pod, perhaps, or of a request."""
MOST_CANDIDATES = 8

_PRIVATE = re.compile(
    r"auth|cookie|token|secret|session|passw|credential|csrf|xsrf|signature|api[-_]?key|jwt|bearer|user", re.IGNORECASE
)
_PRIVATE_VALUE = re.compile(r"\s*(Basic|Bearer|Digest)\s|eyJ", re.IGNORECASE)
_ABOUT_THE_MESSAGE = frozenset(
    ("date", "age", "expires", "last-modified", "content-length", "transfer-encoding", "connection", "keep-alive")
    + ("retry-after", "server-timing", "x-response-time", "x-runtime", "x-request-id", "x-correlation-id")
    + ("traceparent", "tracestate", "b3")
)
_FAMILIES = ("x-envoy-", "x-b3-", "x-ratelimit-", "ratelimit", "x-crossfade-")
"""What tells of one message and its way, whoever answered; the tag needs no guide."""
_LIKE_A_VERSION = re.compile(r"version|build|revision|commit|release|image|color|colour|\btag\b|\bsha\b|\brev\b", re.I)

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_GROUP = f"({_WORD.pattern})"
_BEFORE = 16
_UP_TO_A_BREAK = re.compile(r".*[^ -~]", re.DOTALL)
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")


@dataclass(frozen=True, slots=True)
class Observation:
    """What one answer of an application showed that may tell versions apart: nothing private, all of it short.

    :param headers: by lower-case name; `fields` by their dotted path in a JSON body; `text` of any other body.
    :param version: what it was told to be, None where it was not identified.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something by which versions may be told.

    :param groups: (value, answers) with the most frequent first; `without` counts the answers that have no value.
    """

    by: By
    what: str
    groups: tuple[tuple[str, int], ...]
    without: int


def observe(*, headers: Mapping[str, str], body: bytes, version: str | None) -> Observation:
    """Keep of an answer what may be kept; `headers` by lower-case name."""
    kept = {name: value for name, value in headers.items() if _may_be_shown(name, value) and not _is_noise(name)}
    few = dict(list(kept.items())[:MOST_HEADERS])
    if body.lstrip()[:1] in {b"{", b"["}:
        return Observation(few, _fields(body), version=version)
    return Observation(few, text=body[:EXCERPT].decode(errors="replace"), version=version)


def _is_noise(name: str) -> bool:
    return name in _ABOUT_THE_MESSAGE or name.startswith(_FAMILIES)


def _may_be_shown(name: str, value: str) -> bool:
    fits = 0 < len(value) <= LONGEST_NAME and len(name) <= LONGEST_SOURCE and value.isprintable()
    return fits and not _PRIVATE.search(name) and not _PRIVATE_VALUE.match(value)


def _fields(body: bytes) -> dict[str, str]:
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}
    for path, value in _leaves(whole, (), DEEPEST):
        if len(found) == MOST_FIELDS:
            break
        if _may_be_shown(path, value):
            found[path] = value
    return found


def _leaves(value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth:
        for name, each in value.items():
            if name and "." not in name:
                yield from _leaves(each, (*path, name), depth - 1)
    elif path and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield ".".join(path), str(value)


def candidates(observations: Sequence[Observation], *, versions: int) -> tuple[Candidate, ...]:
    """Propose by what versions may be told, the likeliest first; `versions` is how many there are.

    A value tells where few are seen and at least two come again; what is another in each answer is of that answer.
    """
    values: defaultdict[tuple[By, str], Counter[str]] = defaultdict(Counter)
    for each in observations:
        for source, value in _features(each):
            values[source][value] += 1
    proposed: dict[tuple[object, str], Candidate] = {}
    for (by, what), counts in values.items():
        if not _may_tell(counts):
            continue
        groups = tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
        found = Candidate(by, what, groups, without=len(observations) - counts.total())
        # Words of a text have many neighbours: one expression for each way to group the answers is enough.
        way = groups, what if by != "pattern" else ""
        proposed[way] = min(proposed.get(way, found), found, key=lambda each: _likelihood(each, versions))
    ranked = sorted(proposed.values(), key=lambda each: _likelihood(each, versions))
    return tuple(ranked[:MOST_CANDIDATES])


def _may_tell(counts: Counter[str]) -> bool:
    recurring = sum(1 for count in counts.values() if count > 1)
    return recurring >= 2 and len(counts) <= MOST_GROUPS and 2 * recurring >= len(counts)


def _likelihood(each: Candidate, versions: int) -> tuple[int, bool, bool, int, int, str]:
    """Sort by how many answers say nothing, then by how much it looks like a version, then by how stable it is."""
    kinds: tuple[By, ...] = ("header", "json_field", "pattern")
    looks = _LIKE_A_VERSION.search(each.what) is not None
    return each.without, len(each.groups) != versions, not looks, kinds.index(each.by), len(each.what), each.what


def _features(each: Observation) -> Iterator[tuple[tuple[By, str], str]]:
    yield from ((("header", name), value) for name, value in each.headers.items())
    yield from ((("json_field", path), value) for path, value in each.fields.items())
    yield from ((("pattern", pattern), value) for pattern, value in _words(each.text).items())


def _words(text: str) -> dict[str, str]:
    """Give expressions that find words by what stands before them on their line, each with the word that it finds."""
    found: dict[str, str] = {}
    for number, word in enumerate(_WORD.finditer(text)):
        if number == MOST_WORDS:
            break
        before = _before(text, word.start())
        at_start = len(before) == word.start()
        if (len(before) < 2 and not at_start) or _PRIVATE.search(before):
            continue
        pattern = ("^" if at_start else "") + _SPECIAL.sub(r"\\\g<0>", before) + _GROUP
        found.setdefault(pattern, word[0] if at_start else _first_after(before, text))
    return found


def _before(text: str, end: int) -> str:
    """Give what stands before a place on its line, a few words of it, whole ones where that leaves enough."""
    start = max(0, end - _BEFORE)
    cut = _WORD.match(text, start) if start and _WORD.match(text[start - 1]) else None
    whole = _UP_TO_A_BREAK.sub("", text[cut.end() if cut else start : end])
    if len(whole.strip()) < 2:
        whole = _UP_TO_A_BREAK.sub("", text[start:end])
    return whole if len(whole) == end else whole.lstrip()


def _first_after(before: str, text: str) -> str:
    """Find the word that an expression finds: the first place fits, which may be an earlier one."""
    place = text.find(before)
    while not (word := _WORD.match(text, place + len(before))):
        place = text.find(before, place + 1)
    return word[0]
