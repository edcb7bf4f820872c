"""Whatever fails behind the dashboard: it stays up, says so in words, is well again soon, and leaks nothing.

The API server is this module's own, behind a relay: the mesh that other tests share is left in peace.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.mesh.api import Raw
from tests.mesh.bare import BareCluster
from tests.mesh.control_plane import Ports
from tests.mesh.dashboard import ACCOUNT, dashboards_account, running_dashboard
from tests.mesh.dashboard import NAMESPACE as ACCOUNTS_NAMESPACE
from tests.mesh.objects import service
from tests.mesh.patient import (
    AT_ONCE,
    NAME,
    NAMESPACE,
    RECOVERY_SECONDS,
    SERVICE_PAGE,
    Patient,
    reviews,
    routing,
)
from tests.mesh.processes import wait_until
from tests.mesh.relay import Relay
from webapp.cluster.access import KEEPALIVE_PROBES, KEEPALIVE_SECONDS
from webapp.cluster.cluster import Cluster, Timing
from webapp.cluster.kinds import KINDS
from webapp.cluster.reviews import ASKERS
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.patch import annotation_patch
from webapp.settings import Settings

OWN = Ports(etcd=12379, etcd_peers=12380, api=16443)
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ISTIO_GROUP = "networking.istio.io"
PLURALS = [each.resource for each in KINDS if each.group == ISTIO_GROUP]
DASHBOARD_PORT = 8100
LEAST = len(KINDS) + 2
"""Of a dashboard at rest: one for each watch, the probe's, and the one on which people's changes go."""
MOST = LEAST + ASKERS
"""Those who ask about rights keep theirs, as many as have been asking at once."""
AT_REST = f"{LEAST} to {MOST} connections"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareCluster]:
    with BareCluster(tmp_path_factory.mktemp("own"), OWN) as cluster:
        cluster.api.apply(*reviews())
        yield cluster


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with Relay(OWN.api) as relay:
        yield relay


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("account") / "token"


@pytest.fixture(scope="module")
def patient(cluster: BareCluster, relay: Relay, token_file: Path) -> Iterator[Patient]:
    """A dashboard with a kubeconfig that names a file with its token."""
    account = dashboards_account(cluster)
    token_file.write_text(account.token)
    directory = token_file.parent
    user = {"tokenFile": str(token_file)}
    kubeconfig = account.write_kubeconfig(directory / "kubeconfig", url=relay.url, user=user)
    with running_dashboard(cluster, directory, kubeconfig=kubeconfig, port=DASHBOARD_PORT) as dashboard:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(dashboard.get, ["/"] * AT_ONCE))
        yield Patient(dashboard, cluster.api)


@pytest.fixture(autouse=True)
def nothing_leaks(patient: Patient, relay: Relay) -> Iterator[None]:
    """Begin and end with what the dashboard holds when all is well."""
    patient.recovers("before")
    wait_until(lambda: LEAST <= relay.connections <= MOST, AT_REST)
    with patient.leaks_nothing():
        yield
        patient.recovers("after")
        wait_until(lambda: relay.connections <= MOST, AT_REST)


def test_the_api_server_is_killed_and_started_again(patient: Patient, cluster: BareCluster) -> None:
    shown = patient.weights()
    cluster.api_server.kill()
    patient.says("does not answer: the connection broke", state="stale")
    patient.still_shows(*shown)
    status, view = patient.shift(1, 99)
    assert (status, view["error"]["code"]) == (503, "cluster_unavailable")
    cluster.api_server.start()
    patient.recovers("API server killed")


def test_another_api_server_comes_after_a_silence_and_knows_nothing_of_before(
    patient: Patient, cluster: BareCluster, relay: Relay
) -> None:
    """Nothing is refused, nothing is answered, and what was open before stays dead for ever.

    The dashboard goes on where it was and is told 410; until it has listed anew, the last picture stays.
    """
    shown = patient.weights()
    relay.silence()
    patient.says("did not answer within 3 s")
    patient.still_shows(*shown)
    cluster.api.apply(service("late", namespace="default", selector={}, ports=[{"name": "http", "port": 80}]))
    cluster.api_server.kill()
    cluster.api_server.start()
    relay.heal()
    patient.recovers("API server restarted in silence")
    assert "too old resource version" in patient.dashboard.program.log_tail()


def test_etcd_is_killed_and_started_again(patient: Patient, cluster: BareCluster) -> None:
    """Watches stay open and the API server answers reads from memory: only its own check says what is wrong."""
    shown = patient.weights()
    cluster.etcd.kill()
    patient.says("its own check of etcd fails")
    patient.still_shows(*shown)
    cluster.etcd.start()
    wait_until(lambda: cluster.is_there("/readyz"), "the API server's recovery")
    patient.recovers("etcd killed")


def test_watches_are_cut_again_and_again(patient: Patient, relay: Relay) -> None:
    for _ in range(5):
        relay.cut()
        patient.recovers("watches cut")


def test_the_token_is_revoked(patient: Patient, cluster: BareCluster, token_file: Path) -> None:
    account = f"/api/v1/namespaces/{ACCOUNTS_NAMESPACE}/serviceaccounts/{ACCOUNT}"
    cluster.api.done("DELETE", account)
    patient.says("does not accept this dashboard's credentials")
    status, view = patient.shift(1, 99)
    assert (status, view["error"]["code"]) == (403, "forbidden")
    token_file.write_text(dashboards_account(cluster).token)
    patient.recovers("token revoked")


def test_istios_kinds_are_removed_and_put_back(patient: Patient, cluster: BareCluster) -> None:
    for plural in PLURALS:
        cluster.api.done("DELETE", crd(plural))
    patient.says("Istio is not installed in this cluster")
    assert patient.dashboard.get(SERVICE_PAGE)[0] == 200
    cluster.define_istios_kinds()
    cluster.api.apply(*routing())
    patient.recovers("Istio's kinds removed")
    status, view = patient.dashboard.get(SERVICE_PAGE)
    assert (status, view["destination_rules"], len(view["routes"])) == (200, [f"{NAMESPACE}/{NAME}"], 1)


def test_older_versions_of_istios_api_are_found(cluster: BareCluster, tmp_path: Path) -> None:
    definitions = {plural: cluster.api.done("GET", crd(plural)) for plural in PLURALS}
    try:
        for hidden, served in (("v1", "v1beta1"), ("v1beta1", "v1alpha3")):
            for plural, definition in definitions.items():
                serve(cluster, plural, definition, hidden, served=False)
            with watching(cluster, tmp_path, cluster.api.url) as older:
                assert older.snapshot().virtual_services.keys() == {(NAMESPACE, NAME)}
                assert older.snapshot().destination_rules.keys() == {(NAMESPACE, NAME)}
                stored = older.write(namespace=NAMESPACE, name=NAME, build=partial(annotated, by=served))
                assert stored.metadata.annotations["by"] == served
    finally:
        for plural, definition in definitions.items():
            for version in ("v1", "v1beta1"):
                serve(cluster, plural, definition, version, served=True)


def test_one_watch_that_falls_silent_is_noticed_within_half_a_minute(
    cluster: BareCluster, patient: Patient, relay: Relay, tmp_path: Path
) -> None:
    """The probe's own connection lives, so that nothing but the watch's silence tells; here after 1.5 s, else after 28.

    A watch is asked for at most 25 s and sends a bookmark before its end: longer silence is no quiet cluster. Where not
    even the kernel at the other end lives, keep-alive ends the connection sooner.
    """
    production = Timing()
    assert production.watch[1] < production.silence < 30
    assert KEEPALIVE_SECONDS["idle"] + KEEPALIVE_PROBES * KEEPALIVE_SECONDS["interval"] < 30
    with Relay(OWN.api) as own, watching(cluster, tmp_path, own.url, Timing(watch=(1, 1), silence=1.5)) as watcher:
        own.forget()
        wanted = patient.change()
        wait_until(
            lambda: watcher.snapshot().virtual_services[NAMESPACE, NAME].http[0].weights == wanted,
            "what happened meanwhile",
            seconds=RECOVERY_SECONDS,
        )
        wait_until(lambda: watcher.status().state == "live" and not watcher.status().problems, "a cluster that is well")


@contextmanager
def watching(cluster: BareCluster, directory: Path, url: str, timing: Timing | None = None) -> Iterator[Cluster]:
    """Watch in this process until the block ends, as the API server's administrator."""
    kubeconfig = cluster.api.write_kubeconfig(directory / "watching", url=url)
    watcher = Cluster(Settings(kubeconfig=str(kubeconfig)), timing=timing)
    watcher.start()
    try:
        wait_until(lambda: watcher.status().state == "live", "a live picture")
        yield watcher
    finally:
        watcher.stop()


def annotated(found: VirtualService, *, by: str) -> JsonPatch:
    return annotation_patch(found, {"by": by})


def crd(plural: str) -> str:
    return f"{CRDS}/{plural}.{ISTIO_GROUP}"


def serve(cluster: BareCluster, plural: str, definition: Raw, version: str, *, served: bool) -> None:
    """Let the API server serve one version of a kind, or no longer; return when it does so."""
    index = [each["name"] for each in definition["spec"]["versions"]].index(version)
    operation = {"op": "replace", "path": f"/spec/versions/{index}/served", "value": served}
    assert cluster.api.patch(crd(plural), [operation]).status == 200
    path = f"/apis/{ISTIO_GROUP}/{version}/{plural}"
    wait_until(lambda: cluster.is_there(path) is served, path)
