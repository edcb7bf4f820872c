"""The overlays in which people sign in and write as themselves: from a token, through the sidecar, to RBAC."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.mesh import people
from tests.mesh.api import Raw
from tests.mesh.bare import RBAC_API
from tests.mesh.in_cluster import BASE, DEPLOY, PAGES, Pod, deployed, only, render
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from tests.mesh.people import Person, Stranger, reached
from tests.mesh.processes import wait_until
from tests.mesh.test_mutual_tls import ANA, DENIED
from tests.mesh.tutorial import NAME, NAMESPACE, running_tutorial

PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
EVE = "eve@example.com"
GROUP = "shop, all of it"
"""A name that a list with commas in between would tear apart."""


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    """Whoever signs tokens in: RS256, with one key.

    https://www.rfc-editor.org/rfc/rfc7519
    """

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    @property
    def jwks(self) -> str:
        """Its public key, as https://www.rfc-editor.org/rfc/rfc7517 has it."""
        numbers = self._key.public_key().public_numbers()
        n, e = (_base64(each.to_bytes(-(-each.bit_length() // 8))) for each in (numbers.n, numbers.e))
        return json.dumps({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", "n": n, "e": e}]})

    def token(self, issuer: str, **claims: Any) -> str:
        """Return a token for some minutes, as a header's value."""
        claims = {"iss": issuer, "sub": "somebody", "exp": int(time.time()) + 600} | claims
        parts = [_base64(json.dumps(each).encode()) for each in ({"alg": "RS256", "kid": "one"}, claims)]
        signature = self._key.sign(".".join(parts).encode(), padding.PKCS1v15(), SHA256())
        return f"Bearer {'.'.join([*parts, _base64(signature)])}"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def objects(issuer: Issuer) -> list[Raw]:
    """`impersonate` upon `sign-in`, with two things of this mesh: plain HTTP outside, an issuer without a web site."""
    objects = render(DEPLOY / "overlays" / "impersonate")
    only(objects, "Gateway")["spec"] = only(render(BASE), "Gateway")["spec"]
    [rule] = only(objects, "RequestAuthentication")["spec"]["jwtRules"]
    del rule["jwksUri"]
    rule["jwks"] = issuer.jwks
    return objects


@pytest.fixture(scope="module")
def issued_by(objects: list[Raw]) -> str:
    found: str = only(objects, "RequestAuthentication")["spec"]["jwtRules"][0]["issuer"]
    return found


@pytest.fixture(scope="module")
def token(issuer: Issuer, issued_by: str) -> str:
    """Ana's."""
    return issuer.token(issued_by, email=ANA, groups=["readers", GROUP])


@pytest.fixture(scope="module")
def host(objects: list[Raw]) -> str:
    found: str = only(objects, "VirtualService")["spec"]["hosts"][0]
    return found


@pytest.fixture(scope="module")
def dashboard(
    mesh: RealMesh, objects: list[Raw], host: str, token: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pod]:
    with deployed(mesh, objects, tmp_path_factory.mktemp("sign-in"), replicas=1, proxied=True) as [pod]:
        wait_until(lambda: reached(Person(host, Authorization=token)), "the dashboard through the gateway")
        yield pod


@pytest.fixture(scope="module")
def stranger(mesh: RealMesh, dashboard: Pod, host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    folder = tmp_path_factory.mktemp("stranger")
    with people.stranger(mesh, folder, address=dashboard.address, port=PAGES, host=host) as stranger:
        yield stranger


def test_without_a_token_that_holds_nobody_gets_in(dashboard: Pod, host: str, issued_by: str) -> None:
    nobody = Person(host).get("/")
    assert (nobody.status, nobody.body) == DENIED
    made_up = Person(host, **{"x-crossfade-user": ANA}).get("/")
    assert (made_up.status, made_up.body) == DENIED
    assert Person(host, Authorization=Issuer().token(issued_by, email=ANA)).get("/").status == 401


def test_the_page_knows_whose_token_came_whatever_its_bearer_says(dashboard: Pod, host: str, token: str) -> None:
    person = Person(host, Authorization=token, **{"x-crossfade-user": EVE, "x-crossfade-groups": "system:masters"})
    page = person.get("/", accept="text/html")
    assert (page.status, ANA in page.body, EVE in page.body) == (200, True, False)


@pytest.fixture
def rights(mesh: RealMesh) -> Iterator[None]:
    """Readers may see VirtualServices, and the group may change them too."""
    made = []
    for name, group, verbs in (("see", "readers", ["get", "list"]), ("change", GROUP, ["patch"])):
        rule = {"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": verbs}
        subject = {"apiGroup": RBAC_API, "kind": "Group", "name": group}
        role = {"apiGroup": RBAC_API, "kind": "Role", "name": name}
        made += [
            raw(f"{RBAC_API}/v1", "Role", name, namespace=NAMESPACE, rules=[rule]),
            raw(f"{RBAC_API}/v1", "RoleBinding", name, namespace=NAMESPACE, subjects=[subject], roleRef=role),
        ]
    mesh.api.apply(*made)
    yield
    mesh.api.delete(*made)


def test_each_writes_as_himself(
    mesh: RealMesh, dashboard: Pod, rights: None, host: str, token: str, issuer: Issuer, issued_by: str
) -> None:
    ana = Person(host, Authorization=token)
    eve = Person(host, Authorization=issuer.token(issued_by, email=EVE, groups=["readers"]))
    with running_tutorial(mesh) as path:
        for each in (ana, eve):
            wait_until(lambda each=each: each.get(PAGE).status == 200, "the tutorial on the page")  # type: ignore[misc]
        form = {"weight": [40, 60], "route_digest": ana.get(PAGE).view["http_routes"][0]["route_digest"]}
        refused = eve.post(f"{PAGE}/http/0/weights", **form)
        assert (refused.status, refused.view["error"]["code"], EVE in refused.body) == (403, "forbidden", True)
        shifted = ana.post(f"{PAGE}/http/0/weights", **form)
        assert (shifted.status, shifted.view["http_routes"][0]["history"][0]["by"]) == (200, ANA)
        assert [each["weight"] for each in mesh.api.done("GET", path)["spec"]["http"][0]["route"]] == [40, 60]


def test_a_stolen_token_helps_no_other_pod(stranger: Stranger, token: str) -> None:
    answer = stranger.ask({"Authorization": token})
    assert (answer.status, answer.body) == DENIED


@pytest.fixture
def no_policy(mesh: RealMesh, objects: list[Raw], stranger: Stranger) -> Iterator[None]:
    """Somebody has taken the AuthorizationPolicy away."""
    policy = only(objects, "AuthorizationPolicy")
    mesh.api.delete(policy)
    wait_until(lambda: stranger.ask().body != DENIED[1], "the page open to every pod of the mesh")
    yield
    mesh.api.apply(policy)
    wait_until(lambda: stranger.ask().body == DENIED[1], "the policy in force")


def test_nor_without_the_policy_and_what_it_makes_up_never_arrives(
    no_policy: None, stranger: Stranger, token: str
) -> None:
    answer = stranger.ask({"Authorization": token})
    assert (answer.status, answer.view["error"]["code"]) == (403, "forged_identity")
    # Without a token the sidecar takes the header off: it is nobody who asks.
    answer = stranger.ask({"x-crossfade-user": EVE})
    assert (answer.status, answer.view["error"]["code"]) == (403, "not_signed_in")
