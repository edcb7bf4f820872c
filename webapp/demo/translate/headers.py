"""Header changes of a route or of one destination, as Envoy's `request_headers_to_add` and its sisters.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from webapp.demo.translate.matches import HEADER_NAME, Envoy
from webapp.istio.parse_values import mapping, texts, texts_by_name

_HOST = {"host", ":authority"}
_VALUE = re.compile(r"(?:[^%\x00\r\n]|%%|%[A-Z_]+(?:\([^()%]*\))?(?::\d+)?%)*")
"""Plain text, or Envoy's own formatters such as %DOWNSTREAM_REMOTE_ADDRESS%: a lone % makes Envoy refuse all routes."""

_SET, _ADD = "OVERWRITE_IF_EXISTS_OR_ADD", "APPEND_IF_EXISTS_OR_ADD"


def header_changes(headers: Mapping[str, Any], note: Callable[[str], None]) -> Envoy:
    """Return the fields for `{"request": {"set", "add", "remove"}, "response": {…}}`; only those that change anything.

    Setting the request's Host is a field of its own in Envoy, `host_rewrite_literal`. What Envoy would refuse is noted.
    """
    changes: Envoy = {}
    for side in ("request", "response"):
        operations = mapping(headers.get(side))
        added: list[Envoy] = []
        for operation, action in (("set", _SET), ("add", _ADD)):
            for name, value in texts_by_name(operations.get(operation)).items():
                if side == "request" and operation == "set" and name.lower() in _HOST:
                    changes["host_rewrite_literal"] = value
                elif not _allowed(name) or not _VALUE.fullmatch(value):
                    note(f"headers.{side}.{operation} of {name}")
                else:
                    added.append({"header": {"key": name, "value": value}, "append_action": action})
        removed = []
        for name in texts(operations.get("remove")):
            if _allowed(name):
                removed.append(name)
            else:
                note(f"headers.{side}.remove of {name}")
        if added:
            changes[f"{side}_headers_to_add"] = added
        if removed:
            changes[f"{side}_headers_to_remove"] = removed
    return changes


def _allowed(name: str) -> bool:
    return bool(HEADER_NAME.fullmatch(name)) and name.lower() not in _HOST
