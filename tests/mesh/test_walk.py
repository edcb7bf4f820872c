"""The walk through deploy/helloworld with kubectl: on the embedded mesh with its pages, and on the real API server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from tests.mesh.asking import Asking
from tests.mesh.kubectl import Kubectl, differences, kustomized
from tests.mesh.mesh import RealMesh
from tests.mesh.processes import wait_until
from tests.mesh.workloads import PORT, Workloads
from tests.running import RunningDemo
from tests.walk.steps import BY_PODS, ELSEWHERE, FOLDER, STEPS, WITHOUT_MTLS, Step, Visitor, visiting

RULE = "5-destination-rule.yaml"


@pytest.fixture(scope="module")
def visitor(demo: RunningDemo) -> Iterator[Visitor]:
    with visiting(demo.page_url, demo.gateway_url) as visitor:
        yield visitor


IN_THE_ROW = {
    "1-service-and-v1.yaml": ["v1 1/1", "one version", "not exposed"],
    "3-virtual-service.yaml": ["v1 1/1", "one version", "http://127.0.0.1"],
    "4-v2.yaml": ["v1 1/1", "v2 1/1", BY_PODS],
    "6-virtual-service-v2.yaml": ["v1 1/1", "v2 1/1", "v2 100"],
    "8-external-hosts.yaml": ["one 75", "two 25"],
}
"""What a person reads in the service's row after a step."""

ON_THE_ROUTE = {
    "3-virtual-service.yaml": "Everything goes to aspnetcore-service",
    "4-v2.yaml": "share is about that of its ready pods (v1 1, v2 1)",
    "6-virtual-service-v2.yaml": "Everything goes to v2",
}
"""What a person reads on the VirtualService's page."""


def test_the_pages_follow_each_step(embedded: Kubectl, visitor: Visitor, browser: Browser) -> None:
    """The list is opened once, before anything is there: each step comes by itself."""
    with browser.new_page() as mesh, browser.new_page() as route:
        mesh.goto(visitor.page_url)
        expect(mesh.locator("tbody tr")).to_have_count(1)
        assert visitor.answers().keys() == {None}
        for step in STEPS:
            done = embedded("apply", "-f", str(step.path))
            assert done.code == 0, done.errors
            row = f"service-{step.service.replace('/', '-')}"
            expect_words(mesh, f'[id="{row}"]', *IN_THE_ROW.get(step.file, ()))
            wait_until(lambda step=step: visitor.says(step), f"the page after {step.file}")
            wait_until(lambda step=step: visitor.answers(step.host).keys() == step.answers, f"answers: {step.file}")
            assert visitor.answers(step.host).keys() == step.answers
            if step.file == "3-virtual-service.yaml":
                route.goto(f"{visitor.page_url}/virtual-services/default/aspnetcore-virtualservice")
            expect_words(route, "#route-0", *ON_THE_ROUTE.get(step.file, ()))
    for step in reversed(STEPS):
        assert embedded("delete", "--ignore-not-found", "-f", str(step.path)).code == 0
    wait_until(lambda: visitor.answers().keys() == {None}, "the end of the walk")


def expect_words(page: Page, selector: str, *wanted: str) -> None:
    for words in wanted:
        expect(page.locator(selector)).to_contain_text(re.compile(re.escape(words).replace(r"\ ", r"\s*")))


@pytest.mark.timeout(180)
def test_the_same_walk_on_the_real_api_server(embedded: Kubectl, real: Kubectl, mesh: RealMesh) -> None:
    """The same words, the same objects; pods are run by hand there, and its gateway answers alike."""
    both = (embedded, real)
    with ExitStack() as stack:
        default, elsewhere = (stack.enter_context(Workloads(mesh.api, name)) for name in ("default", "elsewhere"))
        # On the real one no controller could delete it, so it is there before.
        for each in both:
            each.create_namespace("elsewhere")
        gateway = stack.enter_context(Asking())
        for step in STEPS:
            # Pods have no sidecars here, which would speak TLS.
            plain = "-" if step.file == RULE else str(step.path)
            for attempt in ("first", "again"):
                ours, theirs = embedded("apply", "-f", str(step.path)), real("apply", "-f", plain, stdin=without_mtls())
                assert (ours.code, ours.out) == (theirs.code, theirs.out) == (0, ours.out), f"{step.file}, {attempt}"
            assert {line.rpartition(" ")[2] for line in ours.out.splitlines()} == {"unchanged"}
            stored = (each.json("-f", str(step.path)) for each in both)
            annotations = {"kubectl.kubernetes.io/last-applied-configuration"}
            assert differences(*stored, but_for={"trafficPolicy", *(annotations if plain == "-" else ())}) == []
            run_pods(step, default, elsewhere, real)
            wait_until(lambda step=step: answers(gateway, step) == step.answers, f"real answers: {step.file}")
            assert answers(gateway, step) == step.answers
        for step in reversed(STEPS):
            gone = [each("delete", "--ignore-not-found", "--wait=false", "-f", str(step.path)) for each in both]
            # The embedded one deletes a Namespace with all that is in it, before the next object's turn comes.
            assert gone[0].code == gone[1].code == 0
            lines = gone[1].out.splitlines()
            assert gone[0].out.splitlines() == (lines[:1] if "".join(lines).startswith("namespace ") else lines)


def without_mtls() -> str:
    """The DestinationRule as deploy/helloworld-without-mtls has it."""
    rendered = yaml.safe_load_all(kustomized(WITHOUT_MTLS))
    return yaml.safe_dump(next(each for each in rendered if each["kind"] == "DestinationRule"))


def run_pods(step: Step, default: Workloads, elsewhere: Workloads, real: Kubectl) -> None:
    """Do what controllers would do after a step, and what an external DNS would."""

    def run(workloads: Workloads, service: str, *versions: str) -> None:
        made = real.json("service", service, "-n", workloads.name)
        workloads.run_pods(made, dict.fromkeys(versions, 1))

    match step.file:
        case "1-service-and-v1.yaml":
            run(default, "aspnetcore-service", "v1")
        case "4-v2.yaml":
            run(default, "aspnetcore-service", "v1", "v2")
        case "7-elsewhere.yaml":
            run(elsewhere, "hello-one", "one")
            run(elsewhere, "hello-two", "two")
        case "8-external-hosts.yaml":
            for version in ("one", "two"):
                address = elsewhere.pods[f"hello-{version}-{version}-0"].address
                endpoints = [{"address": address, "ports": {"http": PORT}}]
                patch = json.dumps({"spec": {"resolution": "STATIC", "endpoints": endpoints}})
                assert real("patch", "serviceentry", f"hello-{version}", "--type=merge", "-p", patch).code == 0


def answers(gateway: Asking, step: Step) -> set[str | None]:
    """Who answers; None where nobody listens yet, or nothing is routed."""
    headers = {"Host": step.host} if step.host else {}
    if gateway.status("/", **headers) != 200:
        return {None}
    return set(gateway.count(60, "/", **headers))


def test_the_walk_is_rendered_as_a_whole() -> None:
    written = [each for path in sorted(FOLDER.glob("[1-8]*")) for each in yaml.safe_load_all(path.read_text())]
    last = {(each["kind"], each["metadata"]["name"]): each for each in written}
    rendered = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(kustomized(FOLDER))}
    assert rendered == last


def test_the_overlay_leaves_mutual_tls_out_and_nothing_else() -> None:
    whole, plain = (list(yaml.safe_load_all(kustomized(each))) for each in (FOLDER, WITHOUT_MTLS))
    (rule,) = (each for each in whole if each["kind"] == "DestinationRule")
    assert rule["spec"].pop("trafficPolicy") == {"tls": {"mode": "ISTIO_MUTUAL"}}
    (other,) = (each for each in plain if each["kind"] == "DestinationRule")
    assert "trafficPolicy" not in other["spec"]  # Istio refuses an empty one
    assert whole == plain


def test_the_last_host_is_asked_by_name() -> None:
    """The comment in the file tells a person how."""
    assert f"Host: {ELSEWHERE}" in STEPS[-1].path.read_text()
