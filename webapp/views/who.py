"""Who asks, told before every request: a forged identity gets no further, and views see what this person may see."""

from __future__ import annotations

import logging
from dataclasses import replace

from flask import Flask, current_app, g, request

from webapp.composition import Adapters
from webapp.errors import ForgedIdentity, NotSignedIn
from webapp.identity import Person, recognise
from webapp.istio.timed import ANYBODY
from webapp.logs import PERSON

log = logging.getLogger(__name__)


def signed_in() -> str:
    """Name the person who asks, empty where nobody has signed in."""
    person: Person | None = g.get("person")
    return person.name if person else ""


def by() -> str:
    """Name who makes a change, for the history."""
    return signed_in() or ANYBODY


def tell_who_asks() -> None:
    """Find out who asks, and where writes are made in that person's name, look at the cluster with his eyes.

    :raises ForgedIdentity: somebody else than the ingress gateway says who it is.
    :raises NotSignedIn: nobody has signed in, and all is done in a person's name.
    """
    found: Adapters = current_app.extensions["crossfade"]
    settings = found.settings
    if not settings.identity_header or request.endpoint == "static":
        return
    headers = request.headers
    try:
        g.person = recognise(
            headers.get(settings.identity_header, ""),
            headers.get(settings.groups_header, "") if settings.groups_header else "",
            headers.get("X-Forwarded-Client-Cert", ""),
            gateways=settings.gateway_identity,
        )
    except ForgedIdentity as error:
        found.metrics.refused_identities.inc()
        log.warning("refused: %s", error.message)
        raise
    PERSON.set(signed_in())
    if settings.impersonate:
        if g.person is None:
            raise NotSignedIn(
                "Nobody has signed in: this dashboard shows and writes what a signed-in person may, only."
            )
        g.adapters = replace(found, cluster=found.cluster.seen_by(g.person))


def init_app(app: Flask) -> None:
    """Tell who asks on every request of this application; its pages show it."""
    app.before_request(tell_who_asks)
    app.context_processor(lambda: {"signed_in": signed_in()})
