"""Who asks: a person's name out of a header, which counts only where the ingress gateway has sent it. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from webapp.errors import ForgedIdentity

MOST_BYTES = 256
"""Of one name."""
MOST_GROUPS = 200
MOST_XFCC = 16 * 1024

_PAIR = re.compile(r'[ \t]*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(?:([,;])|\Z)', re.DOTALL)
"""One key and its value, quoted or not, and what follows it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in."""

    name: str
    groups: tuple[str, ...] = ()


def recognise(name: str, groups: str, xfcc: str, *, gateways: Collection[str]) -> Person | None:
    """Tell who has signed in, None where the request names nobody.

    :param name: the identity header, empty where there is none; `groups` likewise. As WSGI has them: latin-1.
    :param xfcc: the header `X-Forwarded-Client-Cert`, whose last element our own sidecar has written.
    :param gateways: SPIFFE ids of those that may say who it is.
    :raises ForgedIdentity: somebody else says so, or what is said can't be a name.
    """
    if not (name.strip() or groups.strip()):
        return None
    sender = sender_of(xfcc)
    if not sender:
        raise ForgedIdentity(
            "This request says who has signed in, but did not come through the ingress gateway: no mutual TLS tells "
            "who sent it. Open the dashboard at the gateway's address."
        )
    if not set(sender) <= set(gateways):
        raise ForgedIdentity(
            f"This request says who has signed in, but it was sent by {', '.join(sender)[:300]}, which is not the "
            "ingress gateway (CROSSFADE_GATEWAY_IDENTITY). Open the dashboard at the gateway's address."
        )
    if not name.strip():
        return None
    if "," in name:
        raise ForgedIdentity("This request names two people, or one with a comma in the name: neither can be used.")
    return Person(_name(name, "name"), _groups(groups))


def sender_of(xfcc: str) -> tuple[str, ...]:
    """Give the URIs in the last element of `X-Forwarded-Client-Cert`: who spoke to our own sidecar.

    What stands before it came from outside of the mesh or of the sender's making. A header that is not well formed
    from its first character to its last tells nothing, for an open quote would hide where the last element begins.
    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
    """
    elements = parse_xfcc(xfcc)
    return tuple(value for key, value in elements[-1] if key == "uri") if elements else ()


def parse_xfcc(xfcc: str) -> list[list[tuple[str, str]]]:
    """Read the header as elements of (key in lower case, value); none at all where any part is not well formed."""
    elements: list[list[tuple[str, str]]] = [[]]
    place, more = 0, True
    while more:
        pair = _PAIR.match(xfcc, place) if len(xfcc) <= MOST_XFCC else None
        if pair is None:
            return []
        key, quoted, plain, end = pair.groups()
        elements[-1].append((key.lower(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)))
        if end == ",":
            elements.append([])
        place, more = pair.end(), end is not None
    return elements


def _groups(text: str) -> tuple[str, ...]:
    """Read the groups: separated by commas, or a token's own list as Envoy forwards it, base64 of JSON.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/jwt_authn/v3/config.proto
    """
    forwarded = _forwarded(text.strip())
    given = text.split(",") if forwarded is None else forwarded
    found = tuple(dict.fromkeys(_name(each, "group") for each in given if each.strip()))
    if len(found) > MOST_GROUPS:
        raise ForgedIdentity(f"This request names {len(found)} groups; {MOST_GROUPS} is the most that can be used.")
    return found


def _forwarded(text: str) -> list[str] | None:
    if not text.startswith("W"):  # `[`
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        return None
    return [each.encode().decode("latin-1") for each in found]


def _name(text: str, what: str) -> str:
    """Check one name, which goes into history, logs, pages and headers for the API server."""
    try:
        name = text.strip().encode("latin-1").decode()
    except UnicodeError:
        raise ForgedIdentity(f"This request has a {what} that is not UTF-8.") from None
    if problem := next(_problems(name), ""):
        raise ForgedIdentity(f"This request has a {what} that can't be used: {problem}.")
    return name


def _problems(name: str) -> Iterator[str]:
    if len(name.encode()) > MOST_BYTES:
        yield f"it is longer than {MOST_BYTES} bytes"
    if not name.isprintable():
        yield "it has control characters"
    # Kubernetes' own: `system:masters` may do everything.
    # https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects
    if name.lower().startswith("system:"):
        yield f"{name} is a name of the cluster's own"
