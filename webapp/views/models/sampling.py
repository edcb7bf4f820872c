"""What the live panel asks, and by what its versions are told."""

from __future__ import annotations

from dataclasses import dataclass, field

from webapp.views.models.shared import ClusterView


@dataclass(frozen=True, slots=True)
class AskedView:
    """What is asked for one route, and the form that changes it.

    :param match: the route's match in words; `derived` is the request that it suggests, `reason` why it suggests none.
    :param own: an example is asked in the place of what is derived.
    :param method: of the example, or what the form proposes; so are `host`, `path` and `headers` (lines).
    :param request: the exact request as it is sent now, empty where none is.
    :param unchecked: why it can't be known whether the route takes the example, empty where it does.
    :param tls: how the gateway's certificate is checked, in a sentence; empty where there is none.
    :param may_not: the right that is lacking, in a sentence; empty where none is known to.
    :param problems: by field of the form, each with a sentence; nothing was written then.
    """

    cluster: ClusterView
    namespace: str
    name: str
    http_route: int
    match: str
    state: str
    derived: str
    reason: str
    own: bool
    method: str
    host: str
    path: str
    headers: list[str]
    methods: list[str]
    connection: str
    follow_redirects: bool
    request: str
    unchecked: str
    tls: str
    read_only: bool
    may_not: str = ""
    saved: bool = False
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupView:
    """Answers that say the same; `version` is what that means by now, empty where nobody has said."""

    value: str
    answers: int
    version: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """Something by which versions may be told: `by` is header, json_field or pattern.

    :param without: answers that say nothing there.
    """

    by: str
    what: str
    words: str
    groups: list[GroupView]
    without: int


@dataclass(frozen=True, slots=True)
class IdentifyView:
    """The guide for one route whose versions can't be told apart.

    :param looked_at: how many of the last answers were looked at; `identified` of them are of a known version.
    :param tagged: every destination carries the response tag, which is exact.
    :param told_by: by what versions are told now, in words; `chosen` is whether the route has a choice of its own.
    :param by: what the free form shows, as `what` and `names` (lines, `value = version`).
    """

    cluster: ClusterView
    namespace: str
    name: str
    http_route: int
    route_digest: str
    match: str
    versions: list[str]
    state: str
    looked_at: int
    identified: int
    tagged: bool
    told_by: str
    chosen: bool
    candidates: list[CandidateView]
    by: str
    what: str
    names: list[str]
    owner: str
    read_only: bool
    may_not: str = ""
    problems: dict[str, str] = field(default_factory=dict)
