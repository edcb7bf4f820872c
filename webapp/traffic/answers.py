"""Answers of the gateway: their kinds, and the bounded window that the panel shows."""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice


class Kind(StrEnum):
    """What an answer was. Everything but OK is drawn as what it is; nothing is dropped.

    Envoy's own answers carry no `x-envoy-upstream-service-time`, an application's do (with the router's defaults):
    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter
    """

    OK = "ok"
    """2xx of the application."""
    REDIRECT = "redirect"
    """3xx, by whomever."""
    DENIED = "denied"
    """401 or 403."""
    RATE_LIMITED = "rate_limited"
    """429."""
    CLIENT_ERROR = "client_error"
    """Another 4xx of the application."""
    APP_ERROR = "app_error"
    """5xx that the application itself sent."""
    NO_ROUTE = "no_route"
    """404 of Envoy: no route takes this request."""
    NO_HEALTHY_UPSTREAM = "no_healthy_upstream"
    """503 of Envoy: the destination has no ready endpoint (UH), or no cluster of that name exists (NC)."""
    UPSTREAM_FAILURE = "upstream_failure"
    """503 of Envoy: it could not connect to a pod, or the connection broke (UF, UC)."""
    UPSTREAM_TIMEOUT = "upstream_timeout"
    """504 of Envoy: the route's own timeout (UT)."""
    GATEWAY_ERROR = "gateway_error"
    """Another 4xx or 5xx of Envoy, an injected abort among them."""
    DNS = "dns"
    """The gateway's name has no address."""
    REFUSED = "refused"
    """No connection: the port is closed, or no way leads there."""
    RESET = "reset"
    """The connection broke before the answer was whole, or what came was not HTTP."""
    TLS = "tls"
    """No encrypted connection: not TLS, or a certificate that is not trusted."""
    TIMEOUT = "timeout"
    """No answer in time, or one that was not whole in time."""

    @property
    def is_failure(self) -> bool:
        """Whether a caller would call this answer an error (redirects, denials and other 4xx are not the mesh's)."""
        return self in _FAILURES

    @property
    def reached_gateway(self) -> bool:
        """Whether the gateway has counted this request as answered."""
        return self not in {Kind.DNS, Kind.REFUSED, Kind.RESET, Kind.TLS, Kind.TIMEOUT}

    @property
    def may_have_been_split(self) -> bool:
        """Whether the gateway may have chosen a destination: if so, an answer without a version could be anybody's."""
        return self not in {Kind.DNS, Kind.REFUSED, Kind.TLS, Kind.NO_ROUTE}


UPSTREAM_TIME = "x-envoy-upstream-service-time"
"""Milliseconds that the destination took, the way there and back among them (the router filter's page, above)."""


def upstream_seconds(headers: Mapping[str, str]) -> float | None:
    """Read out of an answer's headers (by lower-case name) how long Envoy waited for its destination."""
    told = headers.get(UPSTREAM_TIME, "")
    return int(told) / 1000 if re.fullmatch("[0-9]{1,9}", told) else None


_FAILURES = frozenset(Kind) - {Kind.OK, Kind.REDIRECT, Kind.DENIED, Kind.RATE_LIMITED, Kind.CLIENT_ERROR}

CAPACITY = 5_000
"""Answers that a window holds at most: 60 s at the highest rate are 3,000."""

Counts = Mapping[tuple[str | None, Kind], int]
"""(version, kind) → number of answers; version None gathers those that no version could be told for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the gateway.

    :param sequence: grows by one an answer in the order of arrival, within one sampler; given by `Window.add`.
    :param asked_at: Unix time in seconds when the request was sent.
    :param latency_seconds: from sending to the end of the body.
    :param version: the destination's version, None where the answer does not say.
    :param status: HTTP status, 0 where there was none.
    :param gateway: name of the gateway pod that was asked by its own address, empty where none was chosen.
    :param upstream_seconds: what Envoy waited for its destination, in whole milliseconds; None where it does not say.
    """

    sequence: int
    asked_at: float
    latency_seconds: float
    kind: Kind
    version: str | None = None
    status: int = 0
    gateway: str = ""
    upstream_seconds: float | None = None


class Window:
    """The last answers, bounded by time and number, and what all answers came to.

    Not thread-safe. `counts` begin anew at each restart, `totals` never do; both hold one number a (version, kind)
    and cost the same however many answers there were.

    :ivar started: Unix time from which the window can hold answers.
    :ivar counting_since: Unix time of asking from which `counts` count.
    :ivar last_sequence: the newest answer's, or where an earlier window left off.
    """

    def __init__(self, seconds: float = 60, *, started: float = -math.inf, last_sequence: int = 0) -> None:
        self.seconds = seconds
        self.started = started
        self.counting_since = started
        self.last_sequence = last_sequence
        self._answers: deque[Answer] = deque()
        self._counts: Counter[tuple[str | None, Kind]] = Counter()
        self._totals: Counter[tuple[str | None, Kind]] = Counter()
        self._newest_dropped = -math.inf

    @property
    def counts(self) -> Counts:
        """Answers since the restart; a live view."""
        return self._counts

    @property
    def totals(self) -> Counts:
        """Answers since the window started; a live view."""
        return self._totals

    def add(self, answer: Answer) -> Answer:
        """Take an answer in and return it with its sequence."""
        self.last_sequence += 1
        answer = replace(answer, sequence=self.last_sequence)
        self._answers.append(answer)
        self._totals[answer.version, answer.kind] += 1
        if answer.asked_at >= self.counting_since:
            self._counts[answer.version, answer.kind] += 1
        while len(self._answers) > CAPACITY or self._answers[0].asked_at < answer.asked_at - self.seconds:
            self._newest_dropped = max(self._newest_dropped, self._answers.popleft().asked_at)
        return answer

    def restart(self, at: float) -> None:
        """Count anew the answers that were asked at or after `at`, which may lie in the past or in the future.

        Answers that have left the window can't be looked at again: counting then begins after the newest of them.
        """
        self.counting_since = max(at, math.nextafter(self._newest_dropped, math.inf))
        self._counts = Counter(
            (each.version, each.kind) for each in self._answers if each.asked_at >= self.counting_since
        )

    def recent(self, now: float) -> tuple[Answer, ...]:
        """Return the answers asked in the last `seconds`, in the order of arrival."""
        return tuple(each for each in self._answers if each.asked_at >= now - self.seconds)

    def since(self, sequence: int) -> tuple[Answer, ...]:
        """Return the answers that arrived after the one of that sequence, as far as the window holds them."""
        wanted = min(max(self.last_sequence - sequence, 0), len(self._answers))
        return tuple(islice(self._answers, len(self._answers) - wanted, None))
