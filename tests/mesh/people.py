"""Who asks the dashboard in the cluster: people through the gateway, and another pod of the mesh past it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.mesh.dashboard import Stream
from tests.mesh.gateway import EXTERNAL_ADDRESS
from tests.mesh.mesh import RealMesh
from tests.mesh.proxy import Proxy, introduce, program

TIMEOUT_SECONDS = 15.0
MADE_UP_ADMIN = 15200


class Answer(NamedTuple):
    """What a person got."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def view(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Person:
    """Somebody who opens the dashboard at the ingress gateway and keeps its cookies.

    :param host: the name by which he knows it.
    :param prefix: where its pages begin, without the slash at the end.
    :param always: headers of each of his requests.
    """

    def __init__(self, host: str, prefix: str = "", **always: str) -> None:
        self.host, self.prefix, self.always = host, prefix, always
        self.cookie = ""

    def get(self, path: str, *, accept: str = "application/json") -> Answer:
        """Ask for a page; an address that a page gave begins with the prefix already."""
        return self._whole("GET", self.prefix + path.removeprefix(self.prefix), {"Accept": accept})

    def post(self, path: str, **form: Any) -> Answer:
        """Send a form as the page's own script would."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{self.host}",
            "Sec-Fetch-Site": "same-origin",
        }
        return self._whole("POST", self.prefix + path, headers, urlencode(form, doseq=True))

    @contextmanager
    def stream(self, query: str = "") -> Iterator[Stream]:
        """Open a page's stream."""
        with self._asking("GET", f"{self.prefix}/stream{query}", {}) as response:
            assert response.status == 200
            yield Stream(response)

    @contextmanager
    def _asking(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> Iterator[HTTPResponse]:
        connection = HTTPConnection(EXTERNAL_ADDRESS, 80, timeout=TIMEOUT_SECONDS)
        kept = self.always | ({"Cookie": self.cookie} if self.cookie else {})
        try:
            connection.request(method, path, body=body, headers={"Host": self.host} | kept | headers)
            with connection.getresponse() as response:
                self.cookie = response.headers.get("Set-Cookie", self.cookie).partition(";")[0]
                yield response
        finally:
            connection.close()

    def _whole(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Answer:
        with self._asking(method, path, headers, body) as response:
            return Answer(response.status, dict(response.headers), response.read().decode())


def reached(person: Person) -> bool:
    """Whether the dashboard answers him through the gateway, with a picture that is live."""
    try:
        answer = person.get("/")
    except OSError:  # the gateway does not listen there yet
        return False
    return answer.status == 200 and answer.view.get("cluster", {}).get("state") == "live"


class Stranger:
    """Another pod of the mesh, with a certificate of its own, which speaks to a pod's own address.

    :param host: by which name it asks.
    """

    def __init__(self, certificates: Path, *, address: str, port: int, host: str) -> None:
        self._context = ssl.create_default_context(cafile=certificates / "root-cert.pem")
        # Names in a mesh are SPIFFE ids, no hosts.
        self._context.check_hostname = False
        self._context.load_cert_chain(certificates / "cert-chain.pem", certificates / "key.pem")
        self._address, self._port, self._host = address, port, host

    def ask(self, headers: dict[str, str] | None = None) -> Answer:
        """Ask for the first page."""
        connection = HTTPSConnection(self._address, self._port, timeout=TIMEOUT_SECONDS, context=self._context)
        try:
            sent = {"Host": self._host, "Accept": "application/json"} | (headers or {})
            connection.request("GET", "/", headers=sent)
            with connection.getresponse() as response:
                return Answer(response.status, dict(response.headers), response.read().decode())
        finally:
            connection.close()


@contextmanager
def stranger(mesh: RealMesh, folder: Path, *, address: str, port: int, host: str) -> Iterator[Stranger]:
    """Have such a pod until the block ends."""
    proxy = Proxy(
        role="sidecar",
        name="stranger",
        namespace="default",
        address="10.244.9.1",
        account="stranger",
        labels={},
        admin_port=MADE_UP_ADMIN,
        directory=folder,
    )
    introduce(mesh.api, proxy)
    agent = program(proxy, with_envoy=False)
    try:
        agent.start()
        yield Stranger(proxy.certificates, address=address, port=port, host=host)
    finally:
        agent.stop()
