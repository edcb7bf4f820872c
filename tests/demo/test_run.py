"""`crossfade demo` as a person starts it: real processes, real signals."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.running import ROOT, RunningDemo, running_demo
from webapp.demo.errors import DemoError
from webapp.demo.run import audience_bind

DEADLINE_SECONDS = 30.0


def descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def wait_gone(pids: list[int]) -> bool:
    """Wait until all of these processes have ended; they are nobody's children here."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    return all(_has_ended(pid, max(deadline - time.monotonic(), 0)) for pid in pids)


def _has_ended(pid: int, timeout_seconds: float) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], timeout_seconds)[0])
    finally:
        os.close(process)


@pytest.fixture
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


def test_it_serves_and_ctrl_c_twice_leaves_nothing(demo: RunningDemo) -> None:
    pids = list(descendants(demo.process.pid))
    assert len(pids) >= 4  # pods, Envoy, the dashboard and its worker
    envoy = [pid for pid in pids if "envoy/_bin" in command(pid)]
    assert demo.directory.stat().st_mode & 0o777 == 0o700
    assert demo.kubeconfig.stat().st_mode & 0o777 == 0o600
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=DEADLINE_SECONDS)) as pool:
        assert pool.request("GET", demo.gateway_url).headers["server"] == "istio-envoy"
        assert pool.request("GET", demo.page_url).status == 200
    demo.process.send_signal(signal.SIGINT)
    assert wait_gone(envoy)
    demo.process.send_signal(signal.SIGINT)
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(DEADLINE_SECONDS) == 0
    assert wait_gone(pids)
    assert not demo.directory.exists()


@pytest.mark.parametrize(("part", "words"), [("envoy", "envoy/_bin"), ("the dashboard", "--stage-door")])
def test_a_part_that_ends_unasked_ends_the_demo(part: str, words: str, tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "webapp", "demo", "--empty"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    try:
        assert process.stdout
        lines = [process.stdout.readline().split() for _ in range(3)]
        assert [line[0] for line in lines] == ["page", "gateway", "kubeconfig"]
        pids = list(descendants(process.pid))
        victim = next(pid for pid in pids if words in command(pid))
        os.kill(victim, signal.SIGKILL)
        assert process.wait(DEADLINE_SECONDS) == 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert f"crossfade: {part}" in errors.read_text()
    assert "has ended unasked" in errors.read_text()
    assert wait_gone(pids)
    assert not Path(lines[2][1]).parent.exists()


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "webapp", "demo"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert process.stdout
    pids: list[int] = []
    # It prints nothing so early: each look waits a moment.
    while len(pids) < 3 and not select.select([process.stdout], [], [], 0.02)[0]:
        pids = list(descendants(process.pid))
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=DEADLINE_SECONDS) == ("", "")
    assert process.returncode == 0
    assert len(pids) >= 3
    assert wait_gone(pids)
    assert list(tmp_path.iterdir()) == []


def refused(*options: str, path: str = os.environ["PATH"]) -> str:
    """Start a demo that can't start and return its one sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "webapp", "demo", *options],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("crossfade: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("--port", str(port))
    assert said.startswith(
        f"crossfade: Port {port} can't be had (Address already in use): choose another with `--port N`"
    )


def test_shared_pages_have_an_address_of_their_own_and_nothing_else_on_it() -> None:
    with running_demo("--empty", "--share", "127.0.0.2") as demo:
        shared, _, path = demo.audience_url.partition("/watch/")
        assert path == "default/aspnetcore-virtualservice"
        assert shared.startswith("http://127.0.0.2:")
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=DEADLINE_SECONDS)) as pool:
            assert pool.request("GET", f"{shared}/static/css/present.css").status == 200
            assert pool.request("GET", f"{shared}/").status == 404
            assert pool.request("POST", f"{shared}/stage-manager/bad-canary").status == 404
            assert pool.request("GET", f"{demo.page_url}/stage-manager").status == 200


@pytest.mark.parametrize(
    ("share", "words"),
    [
        pytest.param("198.51.100.7", "of 198.51.100.7 can't be had (Cannot assign requested address)", id="not-ours"),
        pytest.param("127.0.0.1:http", "http is not a port", id="no-port"),
        pytest.param("127.0.0.1:99999", "99999 is not a port", id="beyond-the-last-port"),
        pytest.param("not an address", "can't be had", id="no-address"),
    ],
)
def test_pages_that_cannot_be_shared_are_one_sentence(share: str, words: str) -> None:
    said = refused("--share", share)
    assert words in said
    assert "--share" in said


def test_a_shared_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("--share", f"127.0.0.1:{port}")
    assert f"Port {port} can't be had (Address already in use): choose another with `--share ADDRESS:PORT`" in said


def test_a_machine_without_a_network_shares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.audience._own_address", lambda: "")
    with pytest.raises(DemoError, match="no address that phones could reach: join a network, or name one"):
        audience_bind("")
    assert audience_bind(None) == ""


def test_an_envoy_that_is_not_there_is_one_sentence() -> None:
    assert "--envoy PATH" in refused("--envoy", "/nowhere/envoy")


def test_a_platform_without_envoy_is_one_sentence() -> None:
    # Another package of that name, without the program in it, is what a machine without a wheel is like.
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ENVOY], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_SECONDS
    )
    assert done.returncode == 2
    assert done.stderr.startswith("crossfade: The demo needs Envoy and there is none. Install it with")


WITHOUT_ENVOY = """
import os, sys
os.environ["PATH"] = "/nowhere"
sys.modules["envoy"] = None
from webapp.demo.run import run_demo
sys.exit(run_demo(port=0, empty=True, envoy=None))
"""


def test_a_program_that_is_no_envoy_ends_the_start() -> None:
    assert "Envoy has ended" in refused("--envoy", "/bin/false")
