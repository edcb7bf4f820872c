"""Which label tells a service's pods apart, and what its values are called as subsets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from webapp.istio.mesh import VERSION_LABELS, natural
from webapp.istio.objects import Pod

MOST_SUBSETS = 10
"""A label with more values than this names pods, not versions."""

PREFERRED = (*VERSION_LABELS, "track", "release")

FLEETING = ("pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash")
"""Given by controllers, and others after every rollout: a subset by one of them would then select no pod.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-name-label
"""

_OTHERS = ("pod-template-generation", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index")
_FOREIGN = ("topology.kubernetes.io/", "service.istio.io/", "security.istio.io/", "batch.kubernetes.io/")
"""Where a pod runs, and what Istio writes onto it: neither is a version."""

_LONGEST_NAME = 63
_UNFIT = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Telling:
    """A label that tells pods apart: its values in natural order, and how many pods don't have it."""

    label: str
    values: tuple[str, ...]
    missing: int


def tellings(pods: Sequence[Pod]) -> tuple[Telling, ...]:
    """List the labels that tell pods apart, the best first.

    One that every pod has goes before one that some lack, whose pods would get no traffic; then `version`, then
    `app.kubernetes.io/version` and other customs, then the rest by name. Those of controllers are never among them.
    https://istio.io/latest/docs/ops/deployment/application-requirements/#pod-requirements
    """
    found = [
        Telling(label, tuple(sorted(values, key=natural)), missing)
        for label, (values, missing) in _values(pods).items()
        if 2 <= len(values) <= MOST_SUBSETS and not _is_no_version(label)
    ]
    return tuple(sorted(found, key=lambda each: (each.missing > 0, _preference(each.label), each.label)))


def fleeting_label(pods: Sequence[Pod]) -> str:
    """Name a label that tells pods apart only until the next rollout, empty where there is none."""
    return next((label for label in FLEETING if len({pod.metadata.labels.get(label) for pod in pods}) > 1), "")


def _values(pods: Sequence[Pod]) -> Mapping[str, tuple[set[str], int]]:
    values: dict[str, set[str]] = {}
    having: dict[str, int] = {}
    for pod in pods:
        for label, value in pod.metadata.labels.items():
            if value:
                values.setdefault(label, set()).add(value)
                having[label] = having.get(label, 0) + 1
    return {label: (each, len(pods) - having[label]) for label, each in values.items()}


def _is_no_version(label: str) -> bool:
    return label in FLEETING or label in _OTHERS or label.startswith(_FOREIGN)


def _preference(label: str) -> int:
    return PREFERRED.index(label) if label in PREFERRED else len(PREFERRED)


def subset_name(value: str, taken: Collection[str]) -> str:
    """Make a subset's name of a label's value: `1.2.3` becomes `1-2-3`, and `1-2-3-2` where that is taken.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
    """
    name = _UNFIT.sub("-", value.lower())[:_LONGEST_NAME].strip("-") or "version"
    return free_name(name, taken)


def free_name(name: str, taken: Collection[str]) -> str:
    """Give the name, with a number behind it where it is taken."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name[: _LONGEST_NAME - 4]}-{number}", number + 1
    return found


def has_labels(pods: Iterable[Pod], labels: Mapping[str, str]) -> tuple[Pod, ...]:
    """Give the pods that have all these labels."""
    return tuple(pod for pod in pods if labels.items() <= pod.metadata.labels.items())
