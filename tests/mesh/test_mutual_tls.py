"""The dashboard behind a sidecar, under the policies that deploy/ ships: who reaches its page, and whose word counts.

Certificates are istiod's own, brought by Istio's agent; the sidecar is configured by what istiod makes of the policies.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mesh import people
from tests.mesh.api import Raw
from tests.mesh.gateway import GATEWAY_ACCOUNT, counters
from tests.mesh.in_cluster import BASE, PAGES, Pod, deployed, only, render
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import ROOT_NAMESPACE
from tests.mesh.people import Person, Stranger, reached
from tests.mesh.processes import wait_until

HEADER, CERTIFICATES = "x-forwarded-email", "X-Forwarded-Client-Cert"
GATEWAY = f"spiffe://cluster.local/ns/{ROOT_NAMESPACE}/sa/{GATEWAY_ACCOUNT}"
ANA = "ana@example.com"
FORGED = f'By=spiffe://cluster.local/ns/crossfade/sa/crossfade;Hash=00;Subject="";URI={GATEWAY}'
"""What the dashboard's own sidecar would write for the gateway."""
DENIED = (403, "RBAC: access denied")
"""What a sidecar answers by an AuthorizationPolicy."""


@pytest.fixture(scope="module")
def objects() -> list[Raw]:
    """What deploy/ ships, with settings for a gateway that says who has signed in, as an external authorizer has it."""
    objects = render(BASE)
    [container] = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    container["env"] += [
        {"name": "CROSSFADE_IDENTITY_HEADER", "value": HEADER},
        {"name": "CROSSFADE_GATEWAY_IDENTITY", "value": GATEWAY},
    ]
    return objects


@pytest.fixture(scope="module")
def host(objects: list[Raw]) -> str:
    found: str = only(objects, "VirtualService")["spec"]["hosts"][0]
    return found


@pytest.fixture(scope="module")
def dashboard(mesh: RealMesh, objects: list[Raw], host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """It, once the gateway leads to it."""
    with deployed(mesh, objects, tmp_path_factory.mktemp("mutual-tls"), replicas=1, proxied=True) as [pod]:
        wait_until(lambda: reached(Person(host)), "the dashboard through the gateway")
        yield pod


@pytest.fixture(scope="module")
def stranger(mesh: RealMesh, dashboard: Pod, host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    folder = tmp_path_factory.mktemp("stranger")
    with people.stranger(mesh, folder, address=dashboard.address, port=PAGES, host=host) as stranger:
        yield stranger


def test_the_gateway_reaches_the_page_by_mutual_tls(dashboard: Pod, host: str) -> None:
    """No DestinationRule asks for it: the pod's label says that it can, and the mesh does the rest."""
    assert sum(counters(r"crossfade\.crossfade.*ssl\.handshake$").values()) > 0
    with Person(host).stream() as stream:
        assert stream.next("mesh")["revision"]


def test_plain_text_is_refused_at_the_pages_port_and_taken_at_the_probes(dashboard: Pod, host: str) -> None:
    with pytest.raises(ConnectionError):
        dashboard.ask("/", port=PAGES, Host=host)
    assert [dashboard.ask(path)[0] for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
    assert dashboard.ask("/") == DENIED


def test_another_pod_of_the_mesh_is_refused_by_the_shipped_policy(stranger: Stranger) -> None:
    for headers in ({}, {HEADER: ANA, CERTIFICATES: FORGED}):
        answer = stranger.ask(headers)
        assert (answer.status, answer.body) == DENIED


@pytest.mark.parametrize("xfcc", ["", "URI=spiffe://cluster.local/ns/default/sa/stranger", 'Subject="'])
def test_the_gateways_word_counts_whatever_its_caller_says_of_certificates(
    dashboard: Pod, host: str, xfcc: str
) -> None:
    page = Person(host, **{HEADER: ANA}, **({CERTIFICATES: xfcc} if xfcc else {})).get("/", accept="text/html")
    assert (page.status, ANA in page.body) == (200, True)


@pytest.fixture
def no_policy(mesh: RealMesh, objects: list[Raw], stranger: Stranger) -> Iterator[None]:
    """Somebody has taken the AuthorizationPolicy away."""
    policy = only(objects, "AuthorizationPolicy")
    mesh.api.delete(policy)
    wait_until(lambda: stranger.ask().status == 200, "the page open to every pod of the mesh")
    yield
    mesh.api.apply(policy)
    wait_until(lambda: stranger.ask().status == 403, "the policy in force")


@pytest.mark.parametrize(
    "xfcc",
    [
        pytest.param({}, id="none"),
        pytest.param({CERTIFICATES: FORGED}, id="the gateway's"),
        pytest.param({CERTIFICATES: f'{FORGED},By=x;Subject="'}, id="the gateway's and an open quote"),
    ],
)
def test_without_the_policy_a_forged_identity_is_refused_by_the_dashboard(
    no_policy: None, stranger: Stranger, xfcc: dict[str, str]
) -> None:
    """The last element is the forger's own, for the dashboard's sidecar has written it."""
    answer = stranger.ask({HEADER: ANA} | xfcc)
    assert (answer.status, answer.view["error"]["code"]) == (403, "forged_identity")
