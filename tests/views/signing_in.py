"""People who sign in at the gateway, and a dashboard that does everything in their name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask.testing import FlaskClient

from tests.test_identity import GATEWAY, element
from tests.views.conftest import wait_until_live
from webapp import create_app
from webapp.composition import build_adapters
from webapp.settings import Settings

HEADER, GROUPS, XFCC = "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Client-Cert"
ANA = {HEADER: "ana@example.org", XFCC: element(GATEWAY)}


def signing_in(settings: Settings) -> Settings:
    """Return settings of a dashboard where people sign in."""
    return replace(settings, identity_header=HEADER.lower(), groups_header=GROUPS.lower(), gateway_identity=(GATEWAY,))


@contextmanager
def in_their_name(settings: Settings) -> Iterator[FlaskClient]:
    """Run a dashboard that does everything in the name of who has signed in."""
    adapters = build_adapters(replace(signing_in(settings), impersonate=True))
    adapters.start()
    try:
        wait_until_live(adapters)
        yield create_app(adapters).test_client()
    finally:
        adapters.stop()
