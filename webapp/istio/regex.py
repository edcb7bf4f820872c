"""Regular expressions of routes: RE2's, tried with Python's `re` where both read a pattern alike and it stays cheap.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_MOST_STEPS = 5_000_000
_MOST_STEPS_OF_A_SEARCH = 50_000_000
"""A few hundredths of a second at worst."""
_PUNCTUATION = re.escape(r"!\"#$%&'()*+,-./:;<=>?@[\]^_`{|}~")
_TOKEN = re.compile(
    rf"""(?P<escape>\\[dDwWsS{_PUNCTUATION}])
    | (?P<group>\((?:\?:)?)(?!\?)
    | (?P<end>\))
    | (?P<or>\|)
    | (?P<many>[*+]\??|\{{\d{{1,3}}(?:,\d{{0,3}})?\}}\??)
    | (?P<maybe>\?\??)
    | (?P<class>\[\^?(?:\\[dDwWsS{_PUNCTUATION}]|[^\\\[\]])+\])
    | (?P<literal>[^\\\[\](){{}}|*+?])""",
    re.VERBOSE,
)
_BOUND = re.compile(r"\{(?:\d+,)?(\d+)\}")
_SET_OPERATIONS = re.compile(r"--|&&|~~|\|\|")
_ANY_CASE = "(?i)"


@lru_cache(1024)
def full_match(pattern: str, value: str) -> bool | None:
    """Tell whether the whole value matches, as Envoy asks it; None where that can't be told here.

    It can't where RE2 and Python may read the pattern differently, and where Python could take long for what RE2
    does in linear time.
    """
    ignore_case = pattern.startswith(_ANY_CASE)
    body = pattern.removeprefix(_ANY_CASE)
    tokens = list(_tokens(body)) if (pattern + value).isascii() else [("unknown", "")]
    steps = _steps(tokens, len(value))
    if steps is None or steps > _MOST_STEPS:
        return None
    try:
        return re.fullmatch(body, value, re.ASCII | (re.IGNORECASE if ignore_case else 0)) is not None
    except re.error:
        return None


def search_is_cheap(pattern: str, *, length: int) -> bool:
    """Tell whether looking for a pattern in texts of this length is sure to end soon, whatever stands in them.

    One `+` or `*` is; several multiply, as do groups that repeat: bounded ones such as `{1,20}` cost what they say.
    """
    tokens = list(_tokens(pattern)) if pattern.isascii() else [("unknown", "")]
    steps = _steps(tokens, length)
    if steps is None or steps * (length + 1) > _MOST_STEPS_OF_A_SEARCH:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(pattern):
        found = _TOKEN.match(pattern, place)
        if found is None:
            yield "unknown", pattern[place:]
            return
        yield str(found.lastgroup), found.group()
        place = found.end()


def _steps(tokens: list[tuple[str, str]], length: int) -> int | None:
    """Bound the ways in which Python may try a pattern on a value of this length; None: the pattern is not common.

    A group that repeats is not bounded and so not common, nor is a quantifier of a quantifier.
    """
    steps, before, ways = 1, "", [1]
    for kind, text in tokens:
        after_quantifier = kind in {"many", "maybe"} and before in {"", "many", "maybe", "group", "or"}
        odd_class = kind == "class" and _SET_OPERATIONS.search(text)
        if kind == "unknown" or after_quantifier or odd_class or (kind == "many" and before == "end"):
            return None
        if kind == "group":
            ways.append(1)
        elif kind == "or":
            ways[-1] += 1
        elif kind == "end":
            if len(ways) == 1:
                return None
            steps *= ways.pop()
        elif kind == "many":
            most = _BOUND.match(text)
            steps *= 1 + (int(most[1]) if most else length)
        elif kind == "maybe":
            steps *= 2
        before = kind
        if steps > _MOST_STEPS:
            return steps
    return steps * ways[0]
