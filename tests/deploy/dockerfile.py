"""Read a Dockerfile, and run its build stage on this machine: what the image would hold, without a container engine."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = ROOT / "Dockerfile"
LOCKS = tuple(ROOT / f"requirements-{each}.lock" for each in ("build", "serve"))
WHEELS = ROOT / ".cache" / "wheels"
BUILT = ("/build", "/opt/crossfade")
"""The folders of the build stage, which on this machine lie elsewhere."""


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it: (instruction, its text), with ARGs filled in."""

    base: str
    steps: tuple[tuple[str, str], ...]

    def all(self, instruction: str) -> list[str]:
        """Return the texts of every such instruction, in order."""
        return [text for name, text in self.steps if name == instruction]

    def pairs(self, instruction: str) -> dict[str, str]:
        """Return the name="value" pairs of every such instruction (ENV, LABEL)."""
        found = re.findall(r'([\w.]+)=("[^"]*"|\S+)', " ".join(self.all(instruction)))
        return {name: value.strip('"') for name, value in found}


def stages(path: Path = DOCKERFILE) -> list[Stage]:
    """Read the stages of a Dockerfile."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", path.read_text()))
    arguments: dict[str, str] = {}
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for line in filter(str.strip, text.splitlines()):
        name, _, rest = line.partition(" ")
        rest = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], " ".join(rest.split()))
        if name == "ARG":
            arguments[rest.partition("=")[0]] = rest.partition("=")[2]
        if name == "FROM":
            found.append((rest, []))
        elif found:
            found[-1][1].append((name, rest))
    return [Stage(base, tuple(steps)) for base, steps in found]


def build(stage: Stage, root: Path) -> Path:
    """Carry out a stage's COPYs and RUNs below `root`; return the environment that it leaves for the image.

    The interpreter that runs the tests stands in for the base image's.
    """
    workdir, environment = (root / each.lstrip("/") for each in BUILT)
    workdir.mkdir(parents=True)
    environment.parent.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", root / "base"], check=True)
    variables = {
        **os.environ,
        "PATH": f"{root / 'base' / 'bin'}:/usr/bin:/bin",
        # From here on nothing is fetched: the hashes are checked all the same.
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(_wheels()),
        # Thousands of files that nobody will import here.
        "PIP_COMPILE": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_QUIET": "1",
    }
    for name, text in stage.steps:
        if name == "COPY":
            *sources, target = text.split()
            for source in sources:
                _copy(ROOT / source, workdir / target / ("" if target != "./" else source))
        elif name == "RUN":
            _run(text.replace(BUILT[1], str(environment)), workdir, variables)
    return environment


def _run(command: str, workdir: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", command], cwd=workdir, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _wheels() -> Path:
    """Return a folder with every wheel that the lock files name, fetched once for each state of them."""
    state = hashlib.sha256(b"".join(each.read_bytes() for each in LOCKS)).hexdigest()[:16]
    folder = WHEELS / state
    if not folder.exists():
        shutil.rmtree(WHEELS, ignore_errors=True)
        WHEELS.mkdir(parents=True)
        fetched = Path(tempfile.mkdtemp(dir=WHEELS))
        locks = [argument for each in LOCKS for argument in ("-r", str(each))]
        options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--dest", str(fetched)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, *locks], check=True)
        fetched.rename(folder)
    return folder
