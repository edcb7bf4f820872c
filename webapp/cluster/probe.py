"""Feel the API server's pulse when it has been silent: a quiet cluster is told from one that is gone.

Watches of a quiet cluster say nothing for up to 23 s. `GET /version`, which every API server answers to everybody,
costs it next to nothing and is asked once in three seconds, and only if nothing else was heard meanwhile.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from webapp.cluster.client import Client
from webapp.errors import ClusterError, ClusterUnavailable, CrossfadeError


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
        """Why the API server's pulse is not felt; None while it is."""
        self.client = client
        self._heard_at = heard_at
        self._on_return = on_return
        self._interval_seconds = interval_seconds
        self._clock = clock

    def run(self, stop: Event) -> None:
        """Probe until `stop` is set."""
        lost_at, missed, pause = 0.0, 0, self._interval_seconds
        while not stop.wait(pause):
            heard_at = self._heard_at()
            pause = self._interval_seconds - (self._clock() - heard_at)
            if pause > 0 and not missed:
                continue
            pause = self._interval_seconds
            try:
                self.client.json("GET", "/version", read_seconds=self._interval_seconds)
            except (ClusterError, ClusterUnavailable) as error:
                lost_at, missed = (lost_at if missed else heard_at), missed + 1
                self.error = type(error)(error.message)
                continue
            except CrossfadeError:
                pass  # It refuses, so it lives.
            # One late answer is no outage, and not worth breaking off what may only be slow.
            if missed > 1:
                self._on_return(lost_at)
            missed, self.error = 0, None
