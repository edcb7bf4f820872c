"""`crossfade demo`: the whole mesh and its dashboard on this machine, under one supervisor.

::

    this process ── embedded Kubernetes API (threads), controller, gateway's translator
      ├── hello      all HelloWorld pods
      ├── envoy      the ingress gateway
      └── dashboard  `crossfade serve`, with the kubeconfig of the embedded API
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

from webapp.demo.bootstrap import find_envoy
from webapp.demo.controller import Controller
from webapp.demo.dashboard import Dashboard, free_port
from webapp.demo.errors import DemoError
from webapp.demo.fleet import Fleet
from webapp.demo.gateway import Gateway
from webapp.demo.kube import KubeApi
from webapp.demo.sample_mesh import load_objects, set_gateway_port

USE_SECONDS = 20.0
"""Longest wait until Envoy uses the routes of the start."""

LOOK_SECONDS = 0.25


def run_demo(*, port: int, empty: bool, envoy: str | None) -> int:
    """Run the demo until Ctrl-C; print the addresses of page, gateway and kubeconfig, one a line, once all is ready.

    :param port: of the page, 0 for any free one.
    :param empty: start without services.
    :param envoy: path of the Envoy to run; None looks for one.
    :return: 0 after Ctrl-C, 1 if a part of it ended unasked, 2 if it can't start.
    """
    if os.name != "posix":
        print("crossfade: the demo needs Linux or macOS; `crossfade serve` runs here too.", file=sys.stderr)
        return 2
    logging.basicConfig(format="crossfade: %(message)s", level=logging.WARNING)
    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # For good: a second Ctrl-C must not break the ending that the first has begun.
        signal.signal(number, lambda *_: stopping.set())
    with ExitStack() as stack:
        try:
            parts = _start(stack, stopping, port=free_port(port), binary=find_envoy(envoy), empty=empty)
        except DemoError as error:
            print(f"crossfade: {error}", file=sys.stderr)
            return 2
        while not stopping.wait(LOOK_SECONDS):
            for name, (is_alive, last_words) in parts.items():
                if not is_alive():
                    print(f"crossfade: {name} has ended unasked. {last_words()}".rstrip(), file=sys.stderr)
                    return 1
    return 0


_Part = tuple[Callable[[], bool], Callable[[], str]]


def _start(stack: ExitStack, stopping: Event, *, port: int, binary: Path, empty: bool) -> dict[str, _Part]:
    """Start everything, what takes longest first, and wait once at the end; `stack` ends it in the opposite order."""
    directory = stack.enter_context(_private_directory())
    (directory / "envoy").mkdir()
    api = stack.enter_context(KubeApi())
    kubeconfig = directory / "kubeconfig"
    api.write_kubeconfig(kubeconfig)
    dashboard = Dashboard(kubeconfig, directory, port=port)
    stack.callback(dashboard.stop)
    dashboard.start()
    fleet = Fleet()
    stack.callback(fleet.stop)
    fleet.start()
    controller = Controller(api.store, fleet)
    gateway = Gateway(api.store, binary, directory / "envoy", addresses=lambda: controller.addresses)
    stack.callback(gateway.stop)
    gateway.start()
    load_objects(api.store, empty=empty)
    stack.callback(controller.follower.stop)
    stack.callback(dashboard.end_soon)
    controller.follower.start()

    gateway.wait_ready()
    set_gateway_port(api.store, gateway.envoy.port)
    dashboard.wait_ready(stopping)
    # First the pods are there, then the gateway knows them.
    for follower in (controller.follower, gateway.follower):
        if not stopping.is_set() and not follower.wait_for(api.store.revision, USE_SECONDS):
            raise DemoError(
                f"Pods and routes are not there after {USE_SECONDS:.0f} s. {follower.failure or ''}".strip()
            )
    if not stopping.is_set():
        print(f"page       {dashboard.url}\ngateway    {gateway.envoy.url}/\nkubeconfig {kubeconfig}", flush=True)
    return {
        "hello, the process of the pods,": (lambda: fleet.is_alive, str),
        "envoy": (lambda: gateway.envoy.is_alive, gateway.envoy.log_tail),
        "the gateway's translator": (lambda: gateway.is_alive, lambda: str(gateway.follower.failure or "")),
        "the controller": (lambda: controller.follower.is_alive, lambda: str(controller.follower.failure or "")),
        "the dashboard": (lambda: dashboard.is_alive, dashboard.log_tail),
    }


@contextmanager
def _private_directory() -> Iterator[Path]:
    """Make a folder that only this user can look into, and remove it with all that is in it."""
    directory = Path(tempfile.mkdtemp(prefix="crossfade-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
