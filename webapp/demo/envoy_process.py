"""One running Envoy: its process, its files and its word on what it was given."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import urllib3

from webapp.demo.bootstrap import LOOPBACK, STAT_PREFIX, bootstrap
from webapp.demo.errors import EnvoyFailed
from webapp.demo.translate import ROUTE_CONFIGURATION, Envoy

READY_SECONDS = 20.0
ANSWER_SECONDS = 5.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.002
REASON_LENGTH = 500

Resource: TypeAlias = Literal["clusters", "routes"]

_TYPES: dict[Resource, str] = {
    "clusters": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    "routes": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}
_STATS: dict[Resource, str] = {
    "clusters": "cluster_manager.cds",
    "routes": f"http.{STAT_PREFIX}.rds.{ROUTE_CONFIGURATION}",
}


class EnvoyProcess:
    """Envoy with one HTTP listener, its clusters and routes in files below `directory` that it watches.

    :param port: of the listener, 0 for any free one; `port` says which it is once it is ready.
    """

    def __init__(self, binary: Path, directory: Path, *, port: int = 0) -> None:
        self.port = port
        self._binary = binary
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: urllib3.HTTPConnectionPool | None = None
        self._version = 0
        self._rejected = dict.fromkeys(_TYPES, 0)

    def start(self) -> None:
        """Start the process, with no routes yet; returns at once.

        :raises EnvoyFailed: the program can't be run here.
        """
        for resource in _TYPES:
            (self._directory / resource).mkdir()
        self._write("clusters", [])
        self._write("routes", [{"name": ROUTE_CONFIGURATION}])
        config = self._directory / "bootstrap.json"
        config.write_text(
            json.dumps(bootstrap(clusters=self._file("clusters"), routes=self._file("routes"), port=self.port))
        )
        command: list[str | Path] = [
            *(self._binary, "--config-path", config, "--admin-address-path", self._directory / "admin"),
            *("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"),
        ]
        try:
            with (self._directory / "log").open("wb") as log:
                # Out of the terminal's process group: Ctrl-C is the supervisor's business.
                self._process = subprocess.Popen(  # noqa: S603
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
                )
        except OSError as error:
            raise EnvoyFailed(
                f"{self._binary} can't be run: {error.strerror}. Name another with `--envoy PATH`."
            ) from error

    def wait_ready(self) -> None:
        """Wait until it listens.

        :raises EnvoyFailed: it has ended, or takes too long; the message has the end of its log.
        """
        deadline = time.monotonic() + READY_SECONDS
        written = self._directory / "admin"
        while not (written.exists() and ":" in (address := written.read_text())):
            self._pause(deadline)
        host, _, port = address.rpartition(":")
        timeout = urllib3.Timeout(total=ANSWER_SECONDS)
        self._admin = urllib3.HTTPConnectionPool(host, int(port), retries=False, timeout=timeout, maxsize=2)
        while self.admin("/ready") != "LIVE\n":
            self._pause(deadline)
        (listener,) = json.loads(self.admin("/listeners?format=json"))["listener_statuses"]
        self.port = listener["local_address"]["socket_address"]["port_value"]

    def stop(self) -> None:
        """End the process; its files are the caller's to remove. Nothing happens where there is none."""
        if self._admin is not None:
            self._admin.close()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        """The listener's address."""
        return f"http://{LOOPBACK}:{self.port}"

    def admin(self, path: str) -> str:
        """Ask the admin (https://www.envoyproxy.io/docs/envoy/latest/operations/admin).

        :raises EnvoyFailed: it does not answer.
        """
        if self._admin is None:
            raise EnvoyFailed("Envoy is not ready yet.")
        try:
            return self._admin.request("GET", path).data.decode()
        except urllib3.exceptions.HTTPError as error:
            raise EnvoyFailed(f"Envoy's admin does not answer: {error}. {self.log_tail()}") from error

    def push(self, resource: Resource, wanted: Sequence[Envoy]) -> str | None:
        """Give it all clusters, or its routes, anew; return None once they are in use, else why it refuses them.

        A refusal leaves the routes as they were (of clusters, those that it could use are in use).

        :raises EnvoyFailed: it has ended or says nothing.
        """
        logged = (self._directory / "log").stat().st_size
        version = self._write(resource, wanted)
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            used, rejected = self._told(resource)
            if used == version:
                return None
            if rejected != self._rejected[resource]:
                self._rejected[resource] = rejected
                return _reason(self._log(logged))
            self._pause(deadline)

    def log_tail(self) -> str:
        """Return the end of its log."""
        return self._log(0)[-1_000:].strip()

    def _told(self, resource: Resource) -> tuple[str, int]:
        """Return which version of a file is in use, and how many were refused since the start."""
        name = _STATS[resource]
        lines = self.admin(f"/stats?filter=^{name}.(version_text|update_rejected)$").splitlines()
        stats = dict(line.split(": ", 1) for line in lines)
        return stats.get(f"{name}.version_text", "").strip('"'), int(stats.get(f"{name}.update_rejected", 0))

    def _write(self, resource: Resource, wanted: Sequence[Envoy]) -> str:
        self._version += 1
        version = str(self._version)
        resources = [{"@type": _TYPES[resource], **each} for each in wanted]
        # Written beside the watched folder and renamed into it: Envoy never sees half a file.
        draft = self._directory / f"{resource}.draft"
        draft.write_text(json.dumps({"version_info": version, "resources": resources}))
        os.replace(draft, self._file(resource))
        return version

    def _file(self, resource: Resource) -> Path:
        return self._directory / resource / "resources.json"

    def _log(self, start: int) -> str:
        with (self._directory / "log").open("rb") as log:
            log.seek(start)
            return log.read(1 << 20).decode(errors="replace")

    def _pause(self, deadline: float) -> None:
        if not self.is_alive:
            raise EnvoyFailed(f"Envoy has ended. {self.log_tail()}".strip())
        if time.monotonic() > deadline:
            raise EnvoyFailed(f"Envoy takes too long. {self.log_tail()}".strip())
        time.sleep(POLL_SECONDS)


def _reason(logged: str) -> str:
    """Return why Envoy refuses something: the end of what it logs, behind the refused message itself."""
    words = logged.partition("rejected: ")[2].rpartition("\n: ")[2].strip()
    return words[-REASON_LENGTH:] or "it does not say why"
