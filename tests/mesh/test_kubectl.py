"""The same kubectl commands on the embedded API and on a real API server: the same words, codes and objects."""

from __future__ import annotations

import json
import shlex
import subprocess
import uuid
from typing import NamedTuple

import pytest

from tests.mesh.kubectl import Kubectl, differences

VIRTUAL_SERVICE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web.example]
  http:
    - timeout: 5s
      route:
        - {destination: {host: web, subset: v1}, weight: 90}
        - {destination: {host: web, subset: v2}, weight: 10}
"""
CHANGED = VIRTUAL_SERVICE.replace("90", "80").replace("timeout: 5s", "retries: {attempts: 2}")
WORKLOAD = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: more, port: 81}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}]}
"""
FEWER = WORKLOAD.replace(", {name: more, port: 81}", "").replace('{name: A, value: "1"}, ', "")
WEIGHTS = json.dumps([{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 50}])
HOSTS = json.dumps({"spec": {"hosts": ["other.example"]}})
TEMPLATE = json.dumps({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:3"}]}}}})


class Command(NamedTuple):
    """One command, what it reads, and what its editor does."""

    line: str
    stdin: str = ""
    editor: str = "true"


COMMANDS = (
    Command("apply -f -", VIRTUAL_SERVICE),
    Command("apply -f -", CHANGED),
    Command("apply -f -", VIRTUAL_SERVICE.replace("hosts", "hots")),
    Command("apply -f -", VIRTUAL_SERVICE.replace("name: web", "name: typo").replace("hosts", "hots")),
    Command("apply -f -", VIRTUAL_SERVICE.replace("5s", "0s")),
    Command("apply -f -", VIRTUAL_SERVICE.replace("90", "-90")),
    Command("apply --dry-run=server -f -", VIRTUAL_SERVICE),
    Command("diff -f -", CHANGED),
    Command("apply -f -", WORKLOAD),
    Command("apply -f -", FEWER),
    Command("apply -f -", WORKLOAD.replace("matchLabels: {app: web}", "matchLabels: {app: other}")),
    Command("apply -f -", WORKLOAD.replace("selector: {app", "slector: {app").replace("name: web}", "name: typo}")),
    Command("create -f -", VIRTUAL_SERVICE),
    Command("replace -f -", VIRTUAL_SERVICE),
    Command("get virtualservices"),
    Command("get vs,svc,deploy,gw,dr,se"),
    Command("get deploy -o wide"),
    Command("get vs web -o jsonpath={.spec.http[0].route[*].weight}"),
    Command("get vs -l app=none"),
    Command("get vs none"),
    Command("get things"),
    Command(f"patch vs web --type=json -p '{WEIGHTS}'"),
    Command(f"patch vs web --type=merge -p '{HOSTS}'"),
    Command(f"patch vs web -p '{HOSTS}'"),
    Command(f"patch deployment web -p '{TEMPLATE}'"),
    Command("edit vs web", editor="sed -i s/other.example/edited.example/"),
    Command("edit deployment web", editor="sed -i s/web:3/web:4/"),
    Command("edit vs web"),
    Command("label vs web team=blue"),
    Command("annotate deployment web note=1"),
    Command("annotate deployment web note-"),
    Command("set image deployment/web web=web:5"),
    Command("scale deployment web --replicas=2"),
    Command("scale deployment web --replicas=0 --current-replicas=7"),
    Command("scale deployment none --replicas=1"),
    Command("wait vs/web --for=jsonpath={.metadata.labels.team}=blue --timeout=5s"),
    Command("explain vs.spec.nothing"),
    Command("delete vs web none"),
    Command("delete svc --all"),
    Command("delete deployment web"),
    Command("get vs,svc,deploy"),
)


@pytest.mark.timeout(180)
def test_the_same_commands_have_the_same_outcome(embedded: Kubectl, real: Kubectl) -> None:
    """One test, since each command stands on those before."""
    namespace, both = f"walk-{uuid.uuid4().hex[:8]}", (embedded, real)
    for each in both:
        each.create_namespace(namespace)
    for command in COMMANDS:
        arguments = ["-n", namespace, *shlex.split(command.line)]
        ours, theirs = (
            each(*arguments, stdin=command.stdin, KUBE_EDITOR=command.editor, TERM="dumb").comparable for each in both
        )
        assert ours == theirs, f"kubectl {command.line}\n{command.stdin}"
        if not command.line.startswith(("get", "explain", "wait", "diff")):
            stored = (each.json("vs,svc,deploy", "-n", namespace) for each in both)
            assert differences(*stored) == [], f"after kubectl {command.line}"
    assert embedded("delete", "namespace", namespace).code == 0


@pytest.mark.parametrize("side", ["embedded", "real"])
def test_get_watch_goes_on(side: str, request: pytest.FixtureRequest) -> None:
    kubectl: Kubectl = request.getfixturevalue(side)
    namespace = f"walk-{uuid.uuid4().hex[:8]}"
    kubectl.create_namespace(namespace)
    assert kubectl("-n", namespace, "apply", "-f", "-", stdin=VIRTUAL_SERVICE).code == 0
    command = [*kubectl.command, "-n", namespace, "get", "vs", "--watch", "--output-watch-events"]
    with subprocess.Popen(command, env=kubectl.environment, stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout
            lines = map(str.split, watching.stdout)
            assert next(lines) == ["EVENT", "NAME", "GATEWAYS", "HOSTS", "AGE"]
            assert next(lines)[:3] == ["ADDED", "web", '["web.example"]']
            patch = '{"spec":{"hosts":["other.example"],"gateways":["one"]}}'
            assert kubectl("-n", namespace, "patch", "vs", "web", "--type=merge", "-p", patch).code == 0
            assert next(lines)[:4] == ["MODIFIED", "web", '["one"]', '["other.example"]']
            assert kubectl("-n", namespace, "delete", "vs", "web").code == 0
            assert next(lines)[:2] == ["DELETED", "web"]
        finally:
            watching.kill()


def test_what_the_embedded_api_does_not_read_is_said_with_the_way_out(embedded: Kubectl) -> None:
    refused = embedded("create", "namespace", "by-protobuf")
    assert refused.code == 1
    assert "this command sends protobuf; kubectl's apply, patch, edit, scale and delete send JSON" in refused.errors
    written = embedded("create", "namespace", "by-apply", "--dry-run=client", "-o", "yaml").out
    assert embedded("apply", "-f", "-", stdin=written).out == "namespace/by-apply created\n"
