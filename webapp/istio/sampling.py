"""How a route is sampled, as its VirtualService remembers it in the annotation `crossfade/sampling`.

People can write there, too: whatever could not have come from a form is read as not chosen, part by part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.parse_values import mapping, text, texts_by_name
from webapp.istio.regex import search_is_cheap
from webapp.istio.routes import route_key
from webapp.istio.sample import (
    CONNECTION_HEADERS,
    LONGEST_HEADERS,
    LONGEST_HOST,
    LONGEST_PATH,
    SAFE_METHODS,
    SampleRequest,
)

SAMPLING = "crossfade/sampling"
RATES = range(1, 51)
SEARCHED = 4 * 1024
"""Bytes of a body that a regular expression sees."""
MOST_NAMES = 32
LONGEST_NAME = 120
LONGEST_SOURCE = 200

Connection = Literal["keep-alive", "fresh"]
By = Literal["header", "json_field", "pattern"]

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ToldBy:
    """How versions are told on one route: where an answer reports its version, and what the reports mean.

    :param what: name of a response header, dotted path in a JSON body, or regular expression on a body.
    :param names: report → the destination's version; reports that are versions' own names need none.
    """

    by: By
    what: str
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SamplingChoice:
    """What a person chose for one route: whether to ask, how often and what, and how versions are told.

    :param rate: requests a second, 1 to 50.
    :param example: asked in the place of what the route's match suggests.
    :param connection: whether connections are kept alive, or each request opens one.
    :param told_by: in the place of what the settings say.
    """

    running: bool
    rate: int
    example: SampleRequest | None = None
    connection: Connection = "keep-alive"
    follow_redirects: bool = False
    told_by: ToldBy | None = None


def source_problem(by: str, what: str) -> str:
    """Say in a sentence why no version can be read there, or nothing (`""`) where one can."""
    if by not in get_args(By):
        return f"Choose one of {', '.join(get_args(By))}."
    if not what:
        return "Name the header, the JSON field or the expression."
    if len(what) > LONGEST_SOURCE or _CONTROL.search(what):
        return f"At most {LONGEST_SOURCE} characters, and no control character, are possible here."
    if by == "header" and not _HEADER_NAME.fullmatch(what):
        return "That is not a name that a header can have."
    if by == "pattern" and not search_is_cheap(what, length=SEARCHED):
        return (
            "This expression can't be used: it is not one, or looking for it might take long. "
            "One + or * is possible; write the others as {1,20}."
        )
    return ""


def example_problem(example: SampleRequest) -> str:
    """Say in a sentence why an example may not be sent whatever the route is, or nothing (`""`) where it may."""
    lines = [f"{name}: {value}" for name, value in example.headers.items()]
    if example.method not in SAFE_METHODS:
        return f"Only {', '.join(SAFE_METHODS)} are sent from here: others may change something."
    if len(example.host) > LONGEST_HOST or len(example.path) > LONGEST_PATH or sum(map(len, lines)) > LONGEST_HEADERS:
        return "The request is too long."
    if any(name.lower() in CONNECTION_HEADERS for name in example.headers):
        return "One of the headers belongs to the connection."
    return ""


@lru_cache(128)
def parse_sampling(annotation: str | None) -> Mapping[str, SamplingChoice]:
    """Read the choices by route key; what can't be read counts as not chosen."""
    try:
        entries = json.loads(annotation or "{}")
    except (ValueError, RecursionError):
        return {}
    return {
        key: _choice(entry)
        for key, entry in mapping(entries).items()
        if isinstance(entry, dict) and type(entry.get("rate")) is int and entry["rate"] in RATES
    }


def _choice(entry: Mapping[str, Any]) -> SamplingChoice:
    return SamplingChoice(
        running=entry.get("running") is True,
        rate=entry["rate"],
        example=_example(entry.get("example")),
        connection="fresh" if entry.get("connection") == "fresh" else "keep-alive",
        follow_redirects=entry.get("follow_redirects") is True,
        told_by=_told_by(mapping(entry.get("told_by"))),
    )


def _example(raw: Any) -> SampleRequest | None:
    if not isinstance(raw, dict):
        return None
    headers = texts_by_name(raw.get("headers"))
    example = SampleRequest(text(raw.get("method")), text(raw.get("host")), text(raw.get("path")), headers)
    return None if example_problem(example) else example


def _told_by(raw: Mapping[str, Any]) -> ToldBy | None:
    for by in get_args(By):
        if what := text(raw.get(by)):
            names = {
                value: name
                for value, name in list(texts_by_name(raw.get("names")).items())[:MOST_NAMES]
                if len(value) <= LONGEST_NAME
            }
            return None if source_problem(by, what) else ToldBy(by, what, names)
    return None


def sampling_choice(virtual_service: VirtualService, route: HttpRoute) -> SamplingChoice | None:
    """Return what was chosen for this route, None where nobody has chosen yet."""
    return parse_sampling(virtual_service.metadata.annotations.get(SAMPLING)).get(route_key(route))


def record_sampling(virtual_service: VirtualService, route: HttpRoute, choice: SamplingChoice) -> str:
    """Return the annotation's text with this route's choice in it; choices of routes that are gone are dropped."""
    known = {route_key(each) for each in virtual_service.http}
    choices = {**parse_sampling(virtual_service.metadata.annotations.get(SAMPLING)), route_key(route): choice}
    kept = {key: _entry(each) for key, each in choices.items() if key in known}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def _entry(choice: SamplingChoice) -> dict[str, Any]:
    """Write what is not as it is anyway: an annotation is read by people."""
    entry: dict[str, Any] = {"running": choice.running, "rate": choice.rate}
    if example := choice.example:
        parts = {"method": example.method, "host": example.host, "path": example.path}
        entry["example"] = parts | ({"headers": dict(example.headers)} if example.headers else {})
    if choice.connection != "keep-alive":
        entry["connection"] = choice.connection
    if choice.follow_redirects:
        entry["follow_redirects"] = True
    if told_by := choice.told_by:
        entry["told_by"] = {told_by.by: told_by.what} | ({"names": dict(told_by.names)} if told_by.names else {})
    return entry
