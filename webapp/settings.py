"""Settings, read once from the environment; `crossfade serve --help` lists them from this table."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

PREFIX = "CROSSFADE_"

SERVICE_LINK = re.compile(r"CROSSFADE_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT)|PORT)(_.*)?")
"""Variables that Kubernetes itself puts into the pods beside a Service named crossfade: not ours to judge.

https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""


NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names"""

PATH_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
"""Segments that no proxy escapes or folds."""


HEADER_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SPIFFE_ID = re.compile(r"spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)+")
"""https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md#2-spiffe-identity"""


class InvalidSetting(ValueError):
    """A setting in the environment can't be used; the message names it."""


def _flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"", "0", "false", "no", "off"}:
        return False
    raise ValueError("say 1 or 0")


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is needed")
        return int(text)

    return read


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("HOST:PORT is needed, such as 127.0.0.1:8000")
    return text


def _address_or_none(text: str) -> str:
    return _address(text) if text else ""


def _url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}):
        raise ValueError("an address such as http://192.0.2.1:80 is needed, without a path")
    return text.rstrip("/")


def _prefix(text: str) -> str:
    prefix = text.rstrip("/")
    if prefix and not PATH_PREFIX.fullmatch(prefix):
        raise ValueError("a path such as /crossfade is needed, of letters, digits and . _ ~ -")
    return prefix


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _namespaces(text: str) -> tuple[str, ...]:
    names = _words(text)
    if bad := [each for each in names if not NAMESPACE.fullmatch(each)]:
        raise ValueError(f"{bad[0]} can't be the name of a namespace")
    return names


def _service(text: str) -> str:
    names = text.split("/")
    if text and not (len(names) == 2 and all(NAMESPACE.fullmatch(each) for each in names)):
        raise ValueError("NAMESPACE/NAME is needed, such as crossfade/crossfade")
    return text


def _header(text: str) -> str:
    if text and not HEADER_NAME.fullmatch(text.lower()):
        raise ValueError("the name of a header is needed, such as x-forwarded-email")
    return text.lower()


def _spiffe_ids(text: str) -> tuple[str, ...]:
    ids = _words(text)
    if bad := [each for each in ids if not SPIFFE_ID.fullmatch(each)]:
        raise ValueError(f"{bad[0]} is no SPIFFE id, such as spiffe://cluster.local/ns/istio-system/sa/ingress")
    return ids


def _certificates(text: str) -> str:
    try:
        ssl.create_default_context(cafile=text or None)
    except OSError as error:
        raise ValueError(f"a readable file with certificates in PEM is needed ({error})") from error
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"one of {', '.join(words)} is needed")
        return text.lower()

    return read


def _setting(default: Any, read: Callable[[str], Any], help: str) -> Any:
    return field(default=default, metadata={"read": read, "help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, with its default. The environment's name is `CROSSFADE_` and the field's."""

    bind: str = _setting("127.0.0.1:8000", _address, "where pages are served")
    probe_bind: str = _setting("127.0.0.1:8001", _address, "where /healthz, /readyz and /metrics are served")
    audience_bind: str = _setting(
        "", _address_or_none, "where phones in the room get what the presenter shows, read only, and nothing else"
    )
    trusted_hosts: tuple[str, ...] = _setting(
        ("localhost", "127.0.0.1", "[::1]"), _words, "Host names that pages answer to; a leading dot means subdomains"
    )
    path_prefix: str = _setting("", _prefix, "path under which pages are served, such as /crossfade")
    kubeconfig: str = _setting("", str, "path of a kubeconfig; else $KUBECONFIG, the pod's own account, ~/.kube/config")
    context: str = _setting("", str, "context of the kubeconfig; else its current one")
    namespaces: tuple[str, ...] = _setting(
        (), _namespaces, "namespaces to watch where not all at once may be; else those that the access review allows"
    )
    gateway_url: str = _setting("", _url, "the ingress gateway's address, where it can't be found from the cluster")
    gateway_ca: str = _setting(
        "", _certificates, "PEM file of the authorities that an https gateway's certificate is checked by"
    )
    gateway_insecure: bool = _setting(False, _flag, "take any certificate of an https gateway, and say so on pages")
    own_service: str = _setting(
        "", _service, "the dashboard's own Service, as namespace/name: shifts of its route propose a way back"
    )
    read_only: bool = _setting(False, _flag, "refuse every write")
    identity_header: str = _setting("", _header, "header in which the ingress gateway says who has signed in")
    groups_header: str = _setting("", _header, "header with that person's groups, separated by commas")
    gateway_identity: tuple[str, ...] = _setting(
        (), _spiffe_ids, "SPIFFE ids of the ingress gateway: from anybody else an identity header is refused"
    )
    impersonate: bool = _setting(False, _flag, "write as the person who has signed in, and show what that person may")
    history: bool = _setting(True, _flag, "keep each route's history in an annotation of its VirtualService")
    sample_at_once: bool = _setting(False, _flag, "sample without waiting for Start (for demos)")
    sample_rate: int = _setting(10, _number(1, 50), "requests a second that the live panel asks at first")
    version_header: str = _setting("x-app-version", str, "response header that names the version")
    version_json_field: str = _setting("version", str, "dotted path in a JSON answer that names the version")
    version_pattern: str = _setting("", _pattern, "regular expression on the answer's body that finds the version")
    max_viewers: int = _setting(200, _number(1, 10_000), "live streams at once; one more is answered 503")
    log_level: str = _setting("info", _one_of("debug", "info", "warning", "error"), "how much is logged")
    log_format: str = _setting("text", _one_of("text", "json"), "text for people, or json: one object a line")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; an unknown or bad `CROSSFADE_…` raises InvalidSetting that names it."""
        known = {PREFIX + each.name.upper(): each for each in fields(cls)}
        ours = [name for name in environment if name.startswith(PREFIX) and not SERVICE_LINK.fullmatch(name)]
        if unknown := sorted(name for name in ours if name not in known):
            raise InvalidSetting(f"{unknown[0]} is not a setting of crossfade; `crossfade serve --help` lists them")
        values: dict[str, Any] = {}
        for name, each in known.items():
            if name not in environment:
                continue
            try:
                values[each.name] = each.metadata["read"](environment[name])
            except ValueError as error:
                raise InvalidSetting(f"{name}={environment[name]!r}: {error}") from error
        settings = cls(**values)
        settings._expect_whole()
        return settings

    def _expect_whole(self) -> None:
        if self.identity_header and not self.gateway_identity:
            raise InvalidSetting(
                f"{PREFIX}IDENTITY_HEADER needs {PREFIX}GATEWAY_IDENTITY: any pod could say who has signed in"
            )
        if self.impersonate and not self.identity_header:
            raise InvalidSetting(f"{PREFIX}IMPERSONATE needs {PREFIX}IDENTITY_HEADER: as whom would it write?")

    @classmethod
    def describe(cls) -> str:
        """A line for each setting: its name in the environment, what it means, its default."""
        lines = []
        for each in fields(cls):
            default = " ".join(each.default) if isinstance(each.default, tuple) else each.default
            shown = {True: "1", False: "0", "": "none"}.get(default, default)
            lines.append(f"  {PREFIX + each.name.upper():<30} {each.metadata['help']} (default: {shown})")
        return "\n".join(lines)
