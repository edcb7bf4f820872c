"""HelloWorld, the application of the demo: alone in a container (`crossfade hello`), or many pods in one process.

The fleet (`python -m webapp.demo.hello`) is told what to do by JSON lines on its standard input, and answers each with
one line, in order::

    {"do": "start", "pod": "shop/hello-x", "version": "v1", "service": "hello"}   {"port": 41234}
    {"do": "switch", "pod": "shop/hello-x", "switches": {"error_share": 0.3}}     {"ready": true}
    {"do": "stop", "pod": "shop/hello-x"}                                         {}

What can't be done is answered `{"error": "…"}`. It ends when its standard input does, so it can't outlive its parent.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from webapp.demo.hello_pod import Pod
from webapp.demo.hello_switches import Switches

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104
LOOPBACK = "127.0.0.1"
LONGEST_LINE = 1 << 16


def serve_hello(
    *, port: int, version: str, service: str, host: str = ALL_ADDRESSES, switches: Switches | None = None
) -> int:
    """Serve one pod until SIGINT or SIGTERM; 2 where the port can't be had.

    All addresses, since it is made for a container. `PUT /switches` with JSON such as `{"error_share": 0.3}` changes
    its switches, from this machine only (`kubectl port-forward`).
    """
    name = os.environ.get("HOSTNAME", "hello")
    pod = Pod(name, version=version, service=service, switches=switches or Switches(), local_control=True)
    try:
        asyncio.run(_alone(pod, host, port))
    except OSError as error:
        print(f"crossfade: HelloWorld can't listen on {host}:{port}: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


def serve_fleet() -> int:
    """Serve pods as standard input says, until it ends."""
    asyncio.run(_fleet())
    return 0


async def _alone(pod: Pod, host: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await pod.start(host, port)
    print(f"HelloWorld {pod.version} on http://{host}:{pod.port}/", flush=True)
    await stopped.wait()
    await pod.stop()


async def _fleet() -> None:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    pods: dict[str, Pod] = {}
    while line := await reader.readline():
        try:
            answer = await _obey(json.loads(line), pods)
        except (KeyError, ValueError, TypeError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pod in pods.values():
        await pod.stop()


async def _obey(command: Mapping[str, Any], pods: dict[str, Pod]) -> dict[str, Any]:
    name = command["pod"]
    if command["do"] == "start":
        if name in pods:
            raise ValueError(f"{name} runs already")
        pod = Pod(name.rpartition("/")[2], version=command["version"], service=command["service"], switches=Switches())
        await pod.start(LOOPBACK)
        pods[name] = pod
        return {"port": pod.port}
    if command["do"] == "switch":
        await pods[name].switch(command["switches"])
        return {"ready": pods[name].ready}
    if command["do"] == "stop":
        await pods.pop(name).stop()
        return {}
    raise ValueError(f"can't {command['do']}")


if __name__ == "__main__":
    sys.exit(serve_fleet())
