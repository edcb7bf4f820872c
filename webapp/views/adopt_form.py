"""The form of an adoption, read: words by field, not yet judged. Pure."""

from __future__ import annotations

from itertools import zip_longest

from werkzeug.datastructures import MultiDict

from webapp.istio.adopt.choice import Row, Wish, first_wish
from webapp.istio.adopt.proposal import Proposal

LONGEST = 1000
"""Characters of one field: enough for every name and for a few labels."""
MOST_ROWS = 20


def read_wish(values: MultiDict[str, str], proposal: Proposal) -> Wish:
    """Read what was sent; without any `subset` it is what is proposed."""
    first = first_wish(proposal)
    if "subset" not in values:
        return first

    def texts(field: str) -> list[str]:
        return [each.strip()[:LONGEST] for each in values.getlist(field)[:MOST_ROWS]]

    def text(field: str, default: str) -> str:
        return values.get(field, default).strip()[:LONGEST]

    rows = zip_longest(texts("subset"), texts("labels"), texts("weight"), fillvalue="")
    return Wish(
        rows=tuple(Row(*each) for each in rows),
        rule=text("rule", first.rule),
        routes=tuple(values.getlist("route")),
        mesh=bool(values.get("mesh")),
        gateway=text("gateway", ""),
        host=text("host", "").lower(),
        port=text("port", first.port),
        virtual_service=text("virtual_service", first.virtual_service),
        gateway_name=text("gateway_name", first.gateway_name),
        gateway_port=text("gateway_port", first.gateway_port),
        selector=text("selector", first.selector),
        tag=bool(values.get("tag")),
    )
