"""The field's own judge beside our diagnostics: what `istioctl analyze` says of an object, a page here says too.

It judges what is stored on the real API server, so that nothing is left out for want of pods and Services.
https://istio.io/latest/docs/reference/config/analysis/
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

import pytest

from tests.corpora import corpus
from tests.istio.noted import notes_by_page
from tests.istio.object_sets import object_sets
from tests.mesh.api import Raw, Refused
from tests.mesh.build import ISTIOCTL
from tests.mesh.mesh import RealMesh
from tests.mesh.stage import Stage, as_sent
from webapp.istio.diagnostics import Note

SLICE = "EndpointSlice"
KINDS = {"VirtualService", "DestinationRule", "Gateway", "Service", "ServiceEntry"}


def distinct_sets() -> dict[str, list[Raw]]:
    """Give the corpora and the tables' sets, but of those that differ in what istioctl never sees only the first."""
    sets = {"corpora": [each for each in corpus() if each["kind"] != "Namespace"], **object_sets()}
    first: dict[str, str] = {}
    for id_, objects in sets.items():
        first.setdefault(json.dumps([what_counts(each) for each in objects if each["kind"] != SLICE]), id_)
    return {id_: sets[id_] for id_ in first.values()}


def what_counts(obj: Raw) -> Raw:
    """Leave out what istioctl never looks at: who manages a VirtualService."""
    sent = as_sent(obj)
    return sent | {"metadata": obj["metadata"]["name"]} if obj["kind"] == "VirtualService" else sent


SETS = distinct_sets()

CODES = {
    *("IST0002", "IST0101", "IST0109", "IST0112", "IST0118", "IST0128", "IST0129", "IST0130", "IST0131", "IST0132"),
    *("IST0133", "IST0134", "IST0138", "IST0140", "IST0145", "IST0149", "IST0150", "IST0162", "IST0171", "IST0173"),
    "IST0174",
}
"""All that istioctl can say of these kinds where the webhook has let them in.

Not among them: IST0106 and the names of IST0165, which the webhook refuses; IST0161, which is about what a Secret
holds; and IST0177, which is about ServiceEntries that share a host.
"""

REFUSED = {
    "weights/all-zero": "total destination weight = 0",
    "reach/exported-to-nobody": "exportTo ~ (none) is not allowed",
}
"""Sets that no API server with istiod's webhook stores, and its words."""


class Exemption(NamedTuple):
    """Messages that no page here repeats: their code, a pattern that finds `set: object: text`, and why."""

    code: str
    pattern: str
    reason: str


EXEMPTIONS = [
    Exemption("IST0101", "Referenced credentialName", "Secrets are not read, on purpose."),
    Exemption("IST0101", "Gateway shop/other: Referenced selector", "Nothing names this Gateway: it is on no page."),
    Exemption("IST0101", r"edge\.shop\.svc\.cluster\.local", "Istio still knows this older name, istioctl doesn't."),
    Exemption("IST0132", r"edge\.shop\.svc\.cluster\.local", "Istio still knows this older name, istioctl doesn't."),
    Exemption("IST0132", "not found in Gateway front/edge", "There is no such Gateway, which IST0101 says."),
    Exemption(
        "IST0130", "corpus-roots/root-for-all|order/a-delegate", "What a delegate leaves goes to the next route."
    ),
    Exemption("IST0131", "order/all-of-it", "No match of the route is left, which IST0130 says."),
    Exemption("IST0140", "corpus-mirroring/httpbin", "Short hosts in two namespaces are two Services."),
    Exemption("IST0133", "addresses are required for ports", "The same as IST0134, in other words."),
    Exemption("IST0174", r"\*\.shop\.svc", "The wildcard is for Services that are there; istioctl looks for itself."),
    Exemption("IST0174", "DestinationRule other/web", "It resembles nothing that is there: it is on no page."),
]


class Message(NamedTuple):
    """What istioctl says; `origin` is `Gateway shop/edge`."""

    code: str
    origin: str
    text: str


Pages: TypeAlias = Mapping[str, tuple[Note, ...]]


class Judge:
    """Asks istioctl once a set."""

    def __init__(self, mesh: RealMesh) -> None:
        self._mesh, self.stage = mesh, Stage(mesh.api)
        self._judged: dict[str, tuple[list[Message], Pages] | Refused] = {}

    def judge(self, id_: str) -> tuple[list[Message], Pages]:
        """Return istioctl's messages about a set's objects, and our notes by page.

        :raises Refused: the API server does not store the set.
        """
        if id_ not in self._judged:
            self._judged[id_] = self._ask(SETS[id_])
        judged = self._judged[id_]
        if isinstance(judged, Refused):
            raise judged
        return judged

    def unsaid(self, id_: str) -> list[str]:
        """Return the messages that no page repeats, as an exemption's pattern finds them behind the code."""
        if id_ in REFUSED:
            return []
        messages, pages = self.judge(id_)
        return [f"{each.code} {id_}: {each.origin}: {each.text}" for each in messages if not is_said(each, pages)]

    def _ask(self, objects: list[Raw]) -> tuple[list[Message], Pages] | Refused:
        slices = [each for each in objects if each["kind"] == SLICE]
        try:
            stored = self.stage.show(as_sent(each) for each in objects if each["kind"] != SLICE)
        except Refused as refused:
            return refused
        command = [str(ISTIOCTL.path), "analyze", "--all-namespaces", "--output=json"]
        command.append(f"--kubeconfig={self._mesh.kubeconfig}")
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        said = [Message(each["code"], each["origin"], each["message"]) for each in json.loads(done.stdout)]
        own = {f"{each['kind']} {each['metadata']['namespace']}/{each['metadata']['name']}" for each in stored}
        about = [each for each in said if each.origin in own and each.origin.partition(" ")[0] in KINDS]
        return about, notes_by_page(*stored, *slices)


def is_said(message: Message, pages: Pages) -> bool:
    """Whether the object's page, or of what has none another page that names it, has a note with the code."""
    if message.origin in pages:
        return any(note.ist == message.code for note in pages[message.origin])
    name = message.origin.partition(" ")[2]
    if message.code == "IST0173":  # there a note names the version
        name = f"{message.text.split()[2]}: "
    return any(note.ist == message.code and name in note.text for notes in pages.values() for note in notes)


def exempts(exemption: Exemption, unsaid: str) -> bool:
    code, _, rest = unsaid.partition(" ")
    return exemption.code == code and re.search(exemption.pattern, rest) is not None


@pytest.fixture(scope="module")
def judge(mesh: RealMesh) -> Iterator[Judge]:
    judge = Judge(mesh)
    yield judge
    judge.stage.close()


@pytest.mark.parametrize("id_", SETS)
def test_what_istioctl_says_is_said_here(judge: Judge, id_: str) -> None:
    if id_ in REFUSED:
        with pytest.raises(Refused, match=re.escape(REFUSED[id_])):
            judge.judge(id_)
    assert not [each for each in judge.unsaid(id_) if not any(exempts(exemption, each) for exemption in EXEMPTIONS)]


def test_every_exemption_is_needed(judge: Judge) -> None:
    unsaid = [each for id_ in SETS for each in judge.unsaid(id_)]
    assert not [each for each in EXEMPTIONS if not any(exempts(each, words) for words in unsaid)]


def test_there_is_a_case_for_all_that_istioctl_can_say(judge: Judge) -> None:
    assert {message.code for id_ in SETS if id_ not in REFUSED for message in judge.judge(id_)[0]} == CODES
