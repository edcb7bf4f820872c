"""An embedded API of the test's own, and a client of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
import urllib3

from tests.demo.kube.client import Client, virtual_service
from webapp.demo.kube import KubeApi


@pytest.fixture
def api() -> Iterator[KubeApi]:
    """A running API server with one VirtualService."""
    with KubeApi() as api:
        api.store.put("virtualservices", virtual_service(), manager="tests")
        yield api


@pytest.fixture
def client(api: KubeApi) -> Iterator[Client]:
    """A client of that server."""
    context = ssl.create_default_context(cadata=api.ca_pem)
    with urllib3.PoolManager(ssl_context=context, retries=False) as pool:
        yield Client(api, pool)
