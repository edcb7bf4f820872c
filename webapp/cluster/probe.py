"""Feel the API server's pulse when it has been silent: a quiet cluster is told from one that is gone.

Watches of a quiet cluster say nothing for up to 23 s. `GET /livez`, which every API server answers to everybody whom
it knows, is asked once in three seconds, and only if nothing else was heard meanwhile. It also fails where the server
has lost its etcd: then watches stay open and lists are answered from memory, but nothing can be written.
https://kubernetes.io/docs/reference/using-api/health-checks/
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from webapp.cluster.client import Client
from webapp.cluster.failures import BadCredentials
from webapp.errors import ClusterError, ClusterUnavailable, CrossfadeError

MISSED_SECONDS = 1.0
"""Between a probe that failed and the next."""


class Probe:
    """Ask for a sign of life.

    :param heard_at: gives the moment of the youngest word on any connection, by `clock`.
    :param on_return: called when the API server answers again, with the moment when it was last heard before: a
        connection on which nothing came since then may be dead without knowing it.
    """

    def __init__(
        self,
        client: Client,
        *,
        heard_at: Callable[[], float],
        on_return: Callable[[float], None],
        interval_seconds: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.error: CrossfadeError | None = None
        """Why the API server's pulse is not felt, or that it does not know us; None while all is well."""
        self.client = client
        self._heard_at = heard_at
        self._on_return = on_return
        self._interval_seconds = interval_seconds
        self._clock = clock

    def run(self, stop: Event) -> None:
        """Probe until `stop` is set."""
        lost_at, missed, pause = 0.0, False, self._interval_seconds
        while not stop.wait(pause):
            heard_at = self._heard_at()
            pause = self._interval_seconds - (self._clock() - heard_at)
            if pause > 0 and not missed:
                continue
            pause, refusal = self._interval_seconds, None
            try:
                self.client.read("GET", "/livez", read_seconds=self._interval_seconds)
            except (ClusterError, ClusterUnavailable) as error:
                lost_at, missed = (lost_at if missed else heard_at), True
                self.error = type(error)(error.message)
                # It has been waited for already: who waits for the cure should not wait for the pause, too.
                pause = min(self._interval_seconds, MISSED_SECONDS)
                continue
            except BadCredentials as error:
                # Watches go on until they end by themselves; what comes after will be refused like this.
                refusal = type(error)(error.message)
            except CrossfadeError:
                pass  # It refuses, so it lives.
            if missed:
                self._on_return(lost_at)
            missed, self.error = False, refusal
