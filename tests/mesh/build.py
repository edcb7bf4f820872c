"""Build what the mesh suite runs into .cache/mesh: `python -m tests.mesh.build`.

Go modules pin each program as a tool, etcd too: the API server's watches need one that can report their progress
(3.4.31 or newer), which distributions do not all have. Go's own caches make a second build one of seconds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".cache" / "mesh"
CRDS = CACHE / "crds.yaml"
UNSHARE = ("unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")
"""A network of its own, whose ports are all free, and processes that end with the first of them."""

MISSING = 3
"""The exit code where this machine can't run the suite."""


class Tool(NamedTuple):
    """A program, by the folder of its go.mod and its package; `path` is where it is built."""

    module: str
    package: str
    path: Path


ISTIOD = Tool("istiod", "istio.io/istio/pilot/cmd/pilot-discovery", CACHE / "istiod")
ETCD = Tool("etcd", "go.etcd.io/etcd/server/v3", CACHE / "etcd")
API_SERVER = Tool("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", CACHE / "kube-apiserver")
ISTIOCTL = Tool("istiod", "istio.io/istio/istioctl/cmd/istioctl", CACHE / "istioctl")
"""Judges objects offline, as the field does: the same module as istiod, so the two are of one version."""
PILOT_AGENT = Tool("istiod", "istio.io/istio/pilot/cmd/pilot-agent", CACHE / "pilot-agent")
"""Brings proxies their certificates."""
KUBECTL = Tool("kubernetes", "k8s.io/kubernetes/cmd/kubectl", CACHE / "kubectl")
VERSION_VARIABLE = "k8s.io/component-base/version.gitVersion"
"""Where Kubernetes' own build writes what `/version` says; where a program has no such variable, nothing happens."""

TOOLS = (ETCD, API_SERVER, KUBECTL, ISTIOD, ISTIOCTL, PILOT_AGENT)


class BuildFailed(Exception):
    """A program can't be built; the message is a sentence."""


def missing() -> str:
    """Say in a sentence what this machine lacks to run the suite at all; empty where it lacks nothing."""
    if not sys.platform.startswith("linux"):
        return "The mesh tests need Linux: they run in a network namespace of their own."
    wanted = {
        "go": "Go builds kube-apiserver and istiod: install Go 1.26 or newer (https://go.dev/dl/).",
        "unshare": "unshare makes the network namespace: install util-linux.",
        "ip": "ip gives the namespace its addresses: install iproute2.",
    }
    for program, words in wanted.items():
        if not shutil.which(program):
            return f"The mesh tests need {program}, and there is none. {words}"
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        return "The mesh tests need a network namespace, and unshare may not make one here: run them as root."
    return ""


def build() -> None:
    """Build each tool, and fetch the CRDs of the very Istio that istiod is.

    :raises BuildFailed: one of these can't be built.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    for tool in TOOLS:
        began = time.monotonic()
        # Symbols are left out: they double the size and the time to link.
        flags = f"-s -w -X {VERSION_VARIABLE}={_version(tool)}"
        _go(tool.module, "build", "-ldflags", flags, "-o", str(tool.path), tool.package)
        print(f"{tool.path.name}: built in {time.monotonic() - began:.0f} s", flush=True)
    folder = _go("istiod", "list", "-m", "-f", "{{.Dir}}", "istio.io/api").strip()
    shutil.copyfile(Path(folder, "kubernetes", "customresourcedefinitions.gen.yaml"), CRDS)


def not_built() -> str:
    """Say in a sentence what `build` has not made yet; empty where all is there."""
    absent = [path.name for path in (*(tool.path for tool in TOOLS), CRDS) if not path.exists()]
    return f"{', '.join(absent)} not built yet: run `make mesh` first (once, some minutes)." if absent else ""


def _version(tool: Tool) -> str:
    return _go(tool.module, "list", "-f", "{{.Module.Version}}", tool.package).strip()


def _go(module: str, *arguments: str) -> str:
    done = subprocess.run(["go", *arguments], cwd=HERE / module, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"`go {' '.join(arguments)}` failed in tests/mesh/{module}.")
    return done.stdout


def main() -> int:
    """Build; MISSING where this machine can't run what would be built."""
    if words := missing():
        print(words, file=sys.stderr)
        return MISSING
    try:
        build()
    except BuildFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
