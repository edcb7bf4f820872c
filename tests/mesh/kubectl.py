"""kubectl, and how its answers on two clusters are compared."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.mesh.api import Raw
from tests.mesh.build import KUBECTL

DEADLINE_SECONDS = 20.0

MADE_UP = {
    *("uid", "resourceVersion", "creationTimestamp", "managedFields", "clusterIP", "clusterIPs", "status"),
    # A real Deployment begins a new generation with another annotation, too.
    "generation",
}
"""What each cluster decides for itself."""


class Done(NamedTuple):
    """What kubectl answered."""

    code: int
    out: str
    errors: str

    @property
    def comparable(self) -> Done:
        """Without what each cluster makes up: ages, addresses, and the order of an object's fields."""
        out = re.sub(r"\b10\.96\.\d+\.\d+\b", "ADDRESS", self.out)
        out = re.sub(r"\b(\d+m)?\d+s\b", "AGE", out)
        lines = (re.sub(r" {2,}", "  ", line).strip() for line in out.splitlines())
        errors = re.sub(r'Invalid value: "\{.*\}": ', "Invalid value: …: ", self.errors)
        # The real one takes types of patches that nobody here sends.
        return Done(self.code, "\n".join(lines), re.sub(r"(accepted media types include:).*", r"\1", errors))


class Kubectl:
    """kubectl for one cluster.

    :param home: where it keeps what it has discovered.
    """

    def __init__(self, kubeconfig: Path, home: Path) -> None:
        self.command = [str(KUBECTL.path), "--kubeconfig", str(kubeconfig)]
        self.environment = {**os.environ, "HOME": str(home)}

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        done = subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str) -> Any:
        """Return the object, or the list, that kubectl gets."""
        done = self("get", *arguments, "-o", "json")
        assert done.code == 0, done.errors
        return json.loads(done.out)

    def create_namespace(self, name: str) -> None:
        """Create one; `kubectl create namespace` sends protobuf, which the embedded API does not read."""
        wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        done = self("apply", "-f", "-", stdin=json.dumps(wanted))
        assert done.code == 0, done.errors


def kustomized(folder: Path) -> str:
    """Render a folder."""
    done = subprocess.run([str(KUBECTL.path), "kustomize", str(folder)], capture_output=True, text=True, check=True)
    return done.stdout


def differences(ours: Raw, theirs: Raw, *, but_for: Collection[str] = ()) -> list[str]:
    """Say what of our objects is not so in theirs, which may have more defaults."""
    pairs = zip(*(each.get("items", [each]) for each in (ours, theirs)), strict=True)
    return [found for one, other in pairs for found in _missing(one, other, "", MADE_UP | {*but_for})]


def _missing(ours: Any, theirs: Any, path: str, but_for: Collection[str]) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours.keys() - but_for:
            yield from _missing(ours[key], theirs.get(key), f"{path}.{key}", but_for)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _missing(one, other, f"{path}[{index}]", but_for)
    elif ours != theirs:
        yield f"{path}: {ours!r} and {theirs!r}"
