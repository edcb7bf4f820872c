"""A route's match from JSON. Here nothing that can't be read is dropped: a match without it would take more requests.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest
https://istio.io/latest/docs/reference/config/networking/virtual-service/#L4MatchAttributes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from webapp.istio.objects import HttpMatch, L4Match, StringMatch
from webapp.istio.parse_values import integer, mapping, text, texts, texts_by_name

_KINDS: tuple[Literal["exact", "prefix", "regex"], ...] = ("exact", "prefix", "regex")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_CALLERS: Mapping[str, Callable[[Any], bool]] = {
    "port": lambda value: integer(value) is not None,
    "sourceLabels": lambda value: _is_object(value) and all(map(_is_text, value.values())),
    "sourceNamespace": _is_text,
    "gateways": _are_texts,
}
_L4_FIELDS = {**_CALLERS, "sniHosts": _are_texts, "destinationSubnets": _are_texts}
_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    **_CALLERS,
    "name": _is_text,
    "statPrefix": _is_text,
    "uri": _is_object,
    "scheme": _is_object,
    "method": _is_object,
    "authority": _is_object,
    "headers": _is_object,
    "withoutHeaders": _is_object,
    "queryParams": _is_object,
    "ignoreUriCase": lambda value: isinstance(value, bool),
}
"""Every field of a match that is understood, and whether a value of it can be read."""


def _string_match(raw: Any) -> StringMatch | None:
    """Read a StringMatch; None where it is of a kind that is not known. An absent or empty one asks for presence."""
    if not raw and (raw is None or isinstance(raw, Mapping)):
        return StringMatch("present")
    if isinstance(raw, Mapping) and len(raw) == 1:
        for kind in _KINDS:
            if isinstance(raw.get(kind), str):
                return StringMatch(kind, raw[kind])
    return None


def _by_name(raw: Mapping[str, Any], field: str, unknown: list[str]) -> Mapping[str, StringMatch]:
    """Read conditions on headers or query parameters; the regular expression `*` is Istio's word for presence."""
    found: dict[str, StringMatch] = {}
    for name, each in mapping(raw.get(field)).items():
        condition = _string_match(each)
        if condition is None:
            unknown.append(f"{field}.{name}")
        else:
            found[name] = StringMatch("present") if condition == StringMatch("regex", "*") else condition
    return found


def _single(raw: Mapping[str, Any], field: str, unknown: list[str]) -> StringMatch | None:
    """Read a condition on a part that every request has: `{}` asks for nothing."""
    condition = _string_match(raw.get(field))
    if condition is None:
        unknown.append(field)
    return None if condition is None or condition.kind == "present" else condition


def _known(raw: Mapping[str, Any], fields: Mapping[str, Callable[[Any], bool]]) -> tuple[Mapping[str, Any], list[str]]:
    """Give the fields that are understood, and the names of the others."""
    known = {field: value for field, value in raw.items() if field in fields and fields[field](value)}
    return known, [field for field, value in raw.items() if field not in known and value is not None]


def _match(raw: Any) -> HttpMatch:
    if not isinstance(raw, Mapping):
        return HttpMatch(unknown=("match",))
    known, unknown = _known(raw, _FIELDS)
    return HttpMatch(
        name=text(known.get("name")),
        uri=_single(known, "uri", unknown),
        ignore_uri_case=known.get("ignoreUriCase") is True,
        scheme=_single(known, "scheme", unknown),
        method=_single(known, "method", unknown),
        authority=_single(known, "authority", unknown),
        headers=_by_name(known, "headers", unknown),
        without_headers=_by_name(known, "withoutHeaders", unknown),
        query_params=_by_name(known, "queryParams", unknown),
        port=integer(known.get("port")) or None,
        source_labels=texts_by_name(known.get("sourceLabels")),
        source_namespace=text(known.get("sourceNamespace")),
        gateways=texts(known.get("gateways")),
        unknown=tuple(unknown),
    )


def parse_matches(raw: Any) -> tuple[HttpMatch, ...]:
    """Read `spec.http[].match`; no entry means every request."""
    if raw is None:
        return ()
    return tuple(_match(each) for each in raw) if isinstance(raw, list) else (HttpMatch(unknown=("match",)),)


def _l4_match(raw: Any) -> L4Match:
    if not isinstance(raw, Mapping):
        return L4Match(unknown=("match",))
    known, unknown = _known(raw, _L4_FIELDS)
    return L4Match(
        sni_hosts=texts(known.get("sniHosts")),
        destination_subnets=texts(known.get("destinationSubnets")),
        port=integer(known.get("port")) or None,
        source_labels=texts_by_name(known.get("sourceLabels")),
        source_namespace=text(known.get("sourceNamespace")),
        gateways=texts(known.get("gateways")),
        unknown=tuple(unknown),
    )


def parse_l4_matches(raw: Any) -> tuple[L4Match, ...]:
    """Read `spec.tls[].match` or `spec.tcp[].match`; no entry means every connection."""
    if raw is None:
        return ()
    return tuple(_l4_match(each) for each in raw) if isinstance(raw, list) else (L4Match(unknown=("match",)),)
