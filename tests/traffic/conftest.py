"""Servers that end with their test, and certificates that they show."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
import trustme

from tests.traffic.servers import Handler, Server
from webapp.traffic.prober import Prober

Serve: TypeAlias = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(handler: Handler, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(handler, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example.com").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def prober(trust: ssl.SSLContext) -> Iterator[Prober]:
    prober = Prober(ssl_context=trust)
    yield prober
    prober.close()


@pytest.fixture
def hasty(trust: ssl.SSLContext) -> Iterator[Prober]:
    """A prober for those who never answer, so that tests need not wait for 5 s."""
    prober = Prober(connect_timeout_seconds=0.3, timeout_seconds=0.3, ssl_context=trust)
    yield prober
    prober.close()
