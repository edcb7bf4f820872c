"""Which version fails more often, as far as the answers can tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from webapp.traffic.answers import Kind
from webapp.traffic.statistics import ALPHA, RARE, log_evidence_of_more, share_interval

_TAG_TELLS = {Kind.APP_ERROR, Kind.NO_HEALTHY_UPSTREAM, Kind.UPSTREAM_FAILURE, Kind.UPSTREAM_TIMEOUT}
"""Failures upon which the gateway sets a destination's response headers, Envoy's own among them."""


@dataclass(frozen=True, slots=True)
class Failing:
    """How the versions' failures compare.

    :param state: none means that there is nothing to say: no version fails, or there is none to compare it with.
    :param text: a sentence, empty where there is nothing to say.
    :param unattributed: failures without a version which the response tag would give one.
    """

    state: Literal["none", "untold", "worse"]
    text: str = ""
    unattributed: int = 0

    @property
    def hint(self) -> str:
        """What can't be known for want of the response tag, as a sentence; empty where nothing is missing."""
        if not self.unattributed:
            return ""
        carry, they = ("failure carries", "it") if self.unattributed == 1 else ("failures carry", "they")
        return f"{self.unattributed:,} {carry} no version: with the response tag {they} would."


def compare_failures(kinds: Mapping[str | None, Mapping[Kind, int]]) -> Failing:
    """Say which version fails more often than which, if the answers tell.

    An answer of no known version (`None`) could be anybody's, so it is taken for whatever speaks against the claim.
    Each of several pairs of versions gets its part of the risk (Bonferroni); the pair that is told best is named.

    :param kinds: version → kind → number of answers.
    """
    versions = {
        version: (sum(number for kind, number in by_kind.items() if kind.is_failure), sum(by_kind.values()))
        for version, by_kind in kinds.items()
        if version is not None and any(by_kind.values())
    }
    nobodys = {kind: number for kind, number in kinds.get(None, {}).items() if kind.may_have_been_split}
    unattributed = sum(number for kind, number in nobodys.items() if kind in _TAG_TELLS)
    if len(versions) < 2 or not any(failures for failures, _ in versions.values()):
        return Failing("none", unattributed=unattributed)
    lost = sum(number for kind, number in nobodys.items() if kind.is_failure)
    good = sum(nobodys.values()) - lost
    at_least = {version: (failures, count + good) for version, (failures, count) in versions.items()}
    at_most = {version: (failures + lost, count + lost) for version, (failures, count) in versions.items()}

    def clarity(pair: tuple[str, str]) -> float:
        return log_evidence_of_more(at_least[pair[0]], at_most[pair[1]])

    worse, better = max(permutations(versions, 2), key=clarity)
    if clarity((worse, better)) <= math.log(math.comb(len(versions), 2) / ALPHA):
        each = ", ".join(f"{version} {failures:,} of {count:,}" for version, (failures, count) in versions.items())
        return Failing("untold", f"Which version fails more often can't be told yet: {each} failed.", unattributed)

    failures, count = versions[worse]
    digits = 0 if failures / count >= 0.1 else 1

    def words(version: str) -> str:
        failures, count = versions[version]
        low = share_interval(*at_least[version], alpha=ALPHA / 2, prior=RARE)[0]
        high = share_interval(*at_most[version], alpha=ALPHA / 2, prior=RARE)[1]
        seen, least, most = (_percent(share, digits) for share in (failures / count, low, high))
        return f"{seen} % ({least}–{most})"

    text = f"{worse} fails more often than {better}: {words(worse)} against {words(better)}."
    return Failing("worse", text, unattributed)


def _percent(share: float, digits: int) -> str:
    return f"{share * 100:.{digits}f}".removesuffix(".0")
