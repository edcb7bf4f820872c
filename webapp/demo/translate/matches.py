"""One entry of `spec.http[].match` as Envoy's RouteMatch.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest
https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-routematch
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from webapp.istio.objects import HttpMatch, StringMatch

Envoy: TypeAlias = dict[str, Any]
"""A message of Envoy's API as JSON, field names as in its proto files."""

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name as Envoy accepts it (https://www.rfc-editor.org/rfc/rfc9110#name-tokens)."""

_ESCAPES_AND_CLASSES = re.compile(r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)
_ONLY_PYTHONS = re.compile(r"\\[1-9Z]")
_NOT_IN_RE2 = re.compile(r"\(\?(?:[=!>#(]|<[=!]|P=)|[*+?}]\+")
_FLAGS = re.compile(r"\(\?[imsU-]+(?=[:)])\)?|\(\?P?<\w+>")


class Untranslatable(ValueError):
    """Istio knows this and the demo's gateway does not; the message is a part of a sentence."""


def route_match(match: HttpMatch) -> Envoy:
    """Return the RouteMatch for conditions that a request itself shows.

    Where the match applies at all (`gateways`, `port`, `sourceLabels`, `sourceNamespace`) is the caller's business.

    :raises Untranslatable: a condition that can't be expressed; without it the match would be wider.
    """
    if match.unknown:
        raise Untranslatable(f"the match condition {', '.join(match.unknown)}")
    translated = _path(match.uri, ignore_case=match.ignore_uri_case)
    pseudo = {":method": match.method, ":authority": match.authority, ":scheme": match.scheme}
    headers = [_condition(name, wanted) for name, wanted in pseudo.items() if wanted is not None]
    headers += [_condition(_checked(name), wanted) for name, wanted in match.headers.items()]
    headers += [_without(_checked(name), unwanted) for name, unwanted in match.without_headers.items()]
    if headers:
        translated["headers"] = headers
    if match.query_params:
        translated["query_parameters"] = [_condition(name, wanted) for name, wanted in match.query_params.items()]
    return translated


def is_catch_all(match: Mapping[str, Any]) -> bool:
    """Say whether a RouteMatch takes every request."""
    return match == {"prefix": "/"}


def checked_regex(pattern: str) -> str:
    """Return the pattern if Envoy's RE2 most likely takes it.

    One bad expression makes Envoy refuse all routes at once. This looks for what Python's expressions have and RE2
    does not, and for broken syntax; character classes and RE2's own escapes are left to Envoy.

    :raises Untranslatable: RE2 would refuse it (https://github.com/google/re2/wiki/Syntax).
    """
    if not pattern:
        raise Untranslatable("an empty regular expression")
    plain = _ESCAPES_AND_CLASSES.sub(lambda found: found[0] if _ONLY_PYTHONS.fullmatch(found[0]) else "a", pattern)
    if _NOT_IN_RE2.search(plain) or _ONLY_PYTHONS.search(plain):
        raise Untranslatable(
            f"the regular expression {pattern!r} (RE2 has no look-around, back reference or possessive)"
        )
    if "[" in plain:
        raise Untranslatable(f"the regular expression {pattern!r} (a [ that is never closed)")
    try:
        re.compile(_FLAGS.sub(lambda found: "" if found[0].endswith(")") else "(?:", plain))
    except (re.error, OverflowError, RecursionError) as error:
        raise Untranslatable(f"the regular expression {pattern!r} ({error})") from error
    return pattern


def _path(uri: StringMatch | None, *, ignore_case: bool) -> Envoy:
    if uri is None or uri.kind == "present":
        return {"prefix": "/"}
    if uri.kind == "regex":
        return {"safe_regex": {"regex": checked_regex(uri.value)}}
    case = {"case_sensitive": False} if ignore_case else {}
    return {"path": uri.value, **case} if uri.kind == "exact" else {"prefix": uri.value or "/", **case}


def _string(match: StringMatch) -> Envoy | None:
    """Return a StringMatcher; None for "is there at all", which Envoy's StringMatcher can't say."""
    if match.kind == "present" or (match.kind == "prefix" and not match.value):
        return None
    if match.kind == "regex":
        return {"safe_regex": {"regex": checked_regex(match.value)}} if match.value else {"exact": ""}
    return {match.kind: match.value}


def _checked(name: str) -> str:
    if name.startswith("@"):
        raise Untranslatable(f"the match on {name} (JWT claims)")
    if not HEADER_NAME.fullmatch(name):
        raise Untranslatable(f"the match on the header {name!r}")
    return name


def _condition(name: str, wanted: StringMatch) -> Envoy:
    """Return a HeaderMatcher or a QueryParameterMatcher: both have these two fields."""
    string = _string(wanted)
    return {"name": name, "present_match": True} if string is None else {"name": name, "string_match": string}


def _without(name: str, unwanted: StringMatch) -> Envoy:
    condition = {**_condition(name, unwanted), "invert_match": True}
    # An absent header counts as empty, or "not jason" would not hold for requests that have no such header.
    return condition if "present_match" in condition else {**condition, "treat_missing_header_as_empty": True}
