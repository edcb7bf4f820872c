"""What is asked, as a form: read it, and judge each field with a sentence that says how to mend it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from webapp.istio.matching import Finding
from webapp.istio.objects import VirtualService
from webapp.istio.sample import SAFE_METHODS, CannotSample, SampleRequest
from webapp.istio.sampling import SamplingChoice
from webapp.istio.snapshot import Snapshot
from webapp.views.models.explain import RequestView
from webapp.views.request_form import headers_of, problems_of, read_request

FIELDS = ("example", "method", "host", "path", "header", "connection", "redirects")
_PARTS = ("method", "host", "path", "header")


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it was sent: an example of one's `own` or what the route suggests, and how to ask."""

    own: bool
    request: RequestView
    connection: str
    redirects: str

    @property
    def example(self) -> SampleRequest | None:
        """The example, None where the route's own suggestion is asked; its fields have to be without a problem."""
        request = self.request
        return SampleRequest(request.method, request.host, request.path, headers_of(request)) if self.own else None


def read_asked(
    values: MultiDict[str, str],
    virtual_service: VirtualService,
    before: SamplingChoice,
    derived: SampleRequest | CannotSample,
) -> Asked:
    """Read what was sent; a field that was left out is as before.

    Who changes the suggested request means it, whatever the form still says of whose it is.
    """
    shown = before.example or (derived if isinstance(derived, SampleRequest) else None)
    defaults = MultiDict(values)
    if shown:
        given = {"method": shown.method, "host": shown.host, "path": shown.path}
        for name in given.keys() - values.keys():
            defaults[name] = given[name]
        if "header" not in values:
            defaults.setlist("header", [f"{name}: {value}" for name, value in shown.headers.items()])
    request = replace(read_request(defaults, virtual_service), gateway="", source_namespace="")
    changed = any(name in values for name in _PARTS) and not (shown and _is(request, shown))
    return Asked(
        own=values.get("example", "own" if before.example else "derived") == "own"
        or (changed and before.example is None),
        request=request,
        connection=values.get("connection", before.connection),
        redirects=values.get("redirects", "follow" if before.follow_redirects else "stop"),
    )


def _is(request: RequestView, shown: SampleRequest) -> bool:
    lines = [f"{name}: {value}" for name, value in shown.headers.items()]
    written = request.method, request.host, request.path, request.headers
    return written == (shown.method, shown.host, shown.path, lines)


def problems_of_asked(asked: Asked, virtual_service: VirtualService, snapshot: Snapshot) -> dict[str, str]:
    """Say what is wrong, by field, whatever the route is."""
    problems = {}
    if asked.own:
        found = problems_of(asked.request, virtual_service, snapshot)
        problems = {field: words for field, words in found.items() if field in _PARTS}
        if asked.request.method not in SAFE_METHODS:
            problems["method"] = f"Only {', '.join(SAFE_METHODS)} are sent from here: others may change something."
    if asked.connection not in {"keep-alive", "fresh"}:
        problems["connection"] = "Choose keep-alive or fresh."
    if asked.redirects not in {"stop", "follow"}:
        problems["redirects"] = "Choose stop or follow."
    return problems


_FIELD = re.compile(r"(?:not \()?(host|method|header|query|no header)\b")


def problem_of_finding(finding: Finding) -> dict[str, str]:
    """Say beside the field at fault why the route surely does not take an example; empty where it may."""
    if finding.holds is not False:
        return {}
    about = _FIELD.match(finding.because)
    named = about[1].removeprefix("no ") if about else "path"
    field = named if named in _PARTS else "path"
    return {field: f"This route does not take it: {finding.because}."}
