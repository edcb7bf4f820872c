"""`crossfade demo`: the whole mesh and its dashboard on this machine, under one supervisor.

::

    this process ── embedded Kubernetes API (threads), controller, gateway's translator
      ├── hello      all HelloWorld pods
      ├── envoy      the ingress gateway
      └── dashboard  as `crossfade serve`, with the kubeconfig of the embedded API and the stage manager's page
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
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from webapp.audience import audience_url
from webapp.demo.bootstrap import find_envoy
from webapp.demo.controller import Controller
from webapp.demo.dashboard import Dashboard, free_port
from webapp.demo.errors import DemoError
from webapp.demo.fleet import Fleet
from webapp.demo.gateway import Gateway
from webapp.demo.kube import KubeApi
from webapp.demo.sample_mesh import load_objects, set_gateway_port
from webapp.demo.stage import ROUTE, Stage
from webapp.demo.stage_door import StageDoor
from webapp.settings import InvalidSetting

USE_SECONDS = 20.0
"""Longest wait until Envoy uses the routes of the start."""

LOOK_SECONDS = 0.25
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104


def run_demo(*, port: int, empty: bool, envoy: str | None, share: str | None = None) -> int:
    """Run the demo until Ctrl-C; print the addresses of its parts, one a line, once all is ready.

    :param port: of the page, 0 for any free one.
    :param empty: start without services.
    :param envoy: path of the Envoy to run; None looks for one.
    :param share: address of this machine at which the audience's pages are served, with :PORT or without; empty for
        every address, None for no such pages.
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
            audience = audience_bind(share)
            demo = start_demo(
                stack, stopping, port=free_port(port), binary=find_envoy(envoy), empty=empty, audience=audience
            )
        except DemoError as error:
            print(f"crossfade: {error}", file=sys.stderr)
            return 2
        if not stopping.is_set():
            print(*(f"{name:<10} {value}" for name, value in demo.places.items()), sep="\n", flush=True)
        while not stopping.wait(LOOK_SECONDS):
            for name, (is_alive, last_words) in demo.parts.items():
                if not is_alive():
                    print(f"crossfade: {name} has ended unasked. {last_words()}".rstrip(), file=sys.stderr)
                    return 1
    return 0


def audience_bind(share: str | None) -> str:
    """Return HOST:PORT for the audience's pages, empty where they are not wanted.

    :raises DemoError: no phone could reach them, or the port can't be had.
    """
    if share is None:
        return ""
    host, _, port = share.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise DemoError(f"--share {share}: {port} is not a port; a number up to 65535 is needed, or none at all.")
    host = host or EVERY_ADDRESS
    bind = f"{host}:{free_port(int(port or 0), host=host, option='--share ADDRESS:PORT')}"
    try:
        audience_url(bind)
    except InvalidSetting as error:
        raise DemoError(
            "This machine has no address that phones could reach: join a network, or name one with `--share ADDRESS`."
        ) from error
    return bind


_Part = tuple[Callable[[], bool], Callable[[], str]]


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs.

    :param places: what a person needs to know of it, as printed.
    :param parts: by name, whether each is alive, and its last words.
    """

    api: KubeApi
    gateway: Gateway
    dashboard: Dashboard
    places: dict[str, str]
    parts: dict[str, _Part]


def start_demo(
    stack: ExitStack, stopping: Event, *, port: int, binary: Path, empty: bool = False, audience: str = ""
) -> Demo:
    """Start everything, what takes longest first, and wait once at the end; `stack` ends it in the opposite order.

    :raises DemoError: a part of it does not start.
    """
    directory = stack.enter_context(_private_directory())
    (directory / "envoy").mkdir()
    api = stack.enter_context(KubeApi())
    kubeconfig = directory / "kubeconfig"
    api.write_kubeconfig(kubeconfig)
    door = StageDoor(directory / "stage", Stage(api))
    stack.callback(door.stop)
    door.start()
    dashboard = Dashboard(kubeconfig, directory, port=port, audience=audience, door=directory / "stage")
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
    watch = {"audience": f"{audience_url(audience)}/watch/{'/'.join(ROUTE)}"} if audience else {}
    places = {"page": dashboard.url, "gateway": f"{gateway.envoy.url}/", **watch, "kubeconfig": str(kubeconfig)}
    parts: dict[str, _Part] = {
        "hello, the process of the pods,": (lambda: fleet.is_alive, str),
        "envoy": (lambda: gateway.envoy.is_alive, gateway.envoy.log_tail),
        "the gateway's translator": (lambda: gateway.is_alive, lambda: str(gateway.follower.failure or "")),
        "the controller": (lambda: controller.follower.is_alive, lambda: str(controller.follower.failure or "")),
        "the dashboard": (lambda: dashboard.is_alive, dashboard.log_tail),
    }
    return Demo(api, gateway, dashboard, places, parts)


@contextmanager
def _private_directory() -> Iterator[Path]:
    """Make a folder that only this user can look into, and remove it with all that is in it."""
    directory = Path(tempfile.mkdtemp(prefix="crossfade-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
