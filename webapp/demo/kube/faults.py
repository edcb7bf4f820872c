"""Misbehaviour on demand: what a test or a presenter can make the API server do."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Lock

from webapp.demo.kube.admission import WEBHOOK
from webapp.demo.kube.request import Request
from webapp.demo.kube.status import ApiError, Dropped, denied
from webapp.demo.kube.store import Store

ANY = "*"
UNTIL_CLEARED = -1


@dataclass(slots=True)
class _Rule:
    """One thing to do to the next `times` requests that fit, or to all."""

    verb: str
    resource: str
    times: int = UNTIL_CLEARED
    error: ApiError | None = None
    delay_seconds: float = 0.0
    at_admission: bool = False

    def fits(self, verb: str, resource: str) -> bool:
        return self.verb in {ANY, verb} and self.resource in {ANY, resource}


class Faults:
    """What the server is told to do wrong, until `clear()`; safe for threads.

    `verb` is RBAC's (get, list, watch, create, update, patch, delete), `resource` a plural; "*" means any.
    A write's subresource is told apart: `virtualservices/status`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._rules: list[_Rule] = []
        self._forbidden: list[tuple[str, str, str]] = []
        self._hidden: list[tuple[str, str]] = []
        self._clearings = 0
        self._lost_until = 0.0
        self._open: Counter[str] = Counter()
        self.cuts = 0
        self.expiries = 0

    def answer(
        self,
        code: int,
        *,
        times: int = 1,
        verb: str = ANY,
        resource: str = ANY,
        message: str = "",
        retry_after_seconds: int = 1,
    ) -> None:
        """Answer the next requests with this status; 429 says when to come again."""
        is_busy = code == 429
        error = ApiError(
            code,
            message,
            details={"retryAfterSeconds": retry_after_seconds} if is_busy else None,
            headers={"Retry-After": str(retry_after_seconds)} if is_busy else None,
        )
        self._add(_Rule(verb, resource, times, error))

    def delay(self, seconds: float, *, times: int = UNTIL_CLEARED, verb: str = ANY, resource: str = ANY) -> None:
        """Let matching requests wait this long before they are looked at; `clear()` lets them go on at once."""
        self._add(_Rule(verb, resource, times, delay_seconds=seconds))

    def stall(self, *, times: int = UNTIL_CLEARED, verb: str = ANY, resource: str = ANY) -> None:
        """Accept matching requests and never answer; `clear()` closes their connections."""
        self._add(_Rule(verb, resource, times, delay_seconds=math.inf))

    def lose(self, seconds: float) -> None:
        """Be gone for so long, or until `clear()`: break open watches, and every connection that asks something."""
        self._lost_until = time.monotonic() + seconds
        self.cut_watches()

    @property
    def lost_seconds(self) -> float:
        """How much longer `lose` holds."""
        return max(0.0, self._lost_until - time.monotonic())

    def reject(
        self,
        message: str,
        *,
        times: int = UNTIL_CLEARED,
        verb: str = ANY,
        resource: str = ANY,
        webhook: str = WEBHOOK,
    ) -> None:
        """Let an admission webhook deny matching writes (400), after all other checks of the object."""
        self._add(_Rule(verb, resource, times, denied(webhook, message), at_admission=True))

    def forbid(self, verb: str, resource: str, *, namespace: str = ANY) -> None:
        """Take a right away: 403, and SelfSubjectAccessReviews say no."""
        with self._lock:
            self._forbidden.append((verb, resource, namespace))

    def hide(self, group: str, version: str = ANY) -> None:
        """Serve an API group, or one of its versions, no more: as in an older cluster, or one without the CRDs."""
        with self._lock:
            self._hidden.append((group, version))

    def cut_watches(self) -> int:
        """Break the connection of each open watch; return how many there are."""
        self.cuts += 1
        self._store.wake()
        return self.watches

    def expire_watches(self) -> int:
        """End each open watch with a 410 ERROR event; return how many there are."""
        self.expiries += 1
        self._store.wake()
        return self.watches

    @property
    def watches(self) -> int:
        """How many watches are open."""
        return self._open["watches"]

    @property
    def held(self) -> int:
        """How many requests `delay` and `stall` hold up."""
        return self._open["held"]

    def wait_for_watches(self, count: int, timeout_seconds: float) -> bool:
        """Wait until at least `count` watches are open; tell whether they are."""
        return self._store.wait_until(lambda: self.watches >= count, timeout_seconds)

    def wait_for_held(self, count: int, timeout_seconds: float) -> bool:
        """Wait until at least `count` requests are held up by `delay` or `stall`; tell whether they are."""
        return self._store.wait_until(lambda: self.held >= count, timeout_seconds)

    def compact(self) -> None:
        """Forget the event log: watches from any but the newest resourceVersion, and continued lists, are 410."""
        self._store.compact()

    def clear(self) -> None:
        """Behave again; what waits goes on."""
        with self._lock:
            self._rules, self._forbidden, self._hidden = [], [], []
            self._clearings += 1
            self._lost_until = 0.0
        self._store.wake()

    # What the server asks.

    def before(self, request: Request, is_stopping: Callable[[], bool]) -> None:
        """Do to a request what the rules say: wait, raise an answer, or drop the connection."""
        if self.lost_seconds:
            raise Dropped
        clearings = self._clearings
        for rule in self._take(request, at_admission=False):
            if rule.delay_seconds:
                seconds = None if math.isinf(rule.delay_seconds) else rule.delay_seconds
                with self._counted("held"):
                    self._store.wait_until(lambda: self._clearings != clearings or is_stopping(), seconds)
                if seconds is None or is_stopping():
                    raise Dropped
            if rule.error:
                raise rule.error

    def admit(self, request: Request) -> None:
        """Deny a write that a rule of `reject` fits."""
        for rule in self._take(request, at_admission=True):
            if rule.error:
                raise rule.error

    def open_watch(self) -> AbstractContextManager[None]:
        """Count a watch for as long as it is open."""
        return self._counted("watches")

    def is_forbidden(self, verb: str, resource: str, namespace: str) -> bool:
        """Tell whether `forbid` took this right away."""
        asked = (verb, resource, namespace)
        with self._lock:
            return any(
                all(rule in {ANY, word} for rule, word in zip(each, asked, strict=True)) for each in self._forbidden
            )

    def is_hidden(self, group: str, version: str) -> bool:
        """Tell whether `hide` took this version of an API group away."""
        with self._lock:
            return any(each in {(group, ANY), (group, version)} for each in self._hidden)

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    @contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        with self._lock:
            self._open[what] += 1
        self._store.wake()
        try:
            yield
        finally:
            with self._lock:
                self._open[what] -= 1
            self._store.wake()

    def _take(self, request: Request, *, at_admission: bool) -> list[_Rule]:
        """Return the rules for this request, up to the first that answers it, and count them down."""
        taken: list[_Rule] = []
        with self._lock:
            for rule in self._rules:
                if rule.at_admission == at_admission and rule.fits(request.verb, request.full_resource):
                    rule.times -= rule.times > 0
                    taken.append(rule)
                    if rule.error:
                        break
            self._rules = [rule for rule in self._rules if rule.times != 0]
        return taken
