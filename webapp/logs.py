"""What is logged: lines for people or JSON for machines, each with the id of the request that it belongs to."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from gunicorn.glogging import Logger

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

REQUEST_ID: ContextVar[str] = ContextVar("REQUEST_ID", default="")
"""The id of the request that the current thread answers; empty in threads that answer none."""

PERSON: ContextVar[str] = ContextVar("PERSON", default="")
"""Who has signed in for the request that the current thread answers; empty where nobody has."""

SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
"""An id that is taken over from a proxy; Envoy's are UUIDs.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-request-id
"""

READING = {"GET", "HEAD", "OPTIONS"}


class TextLines(logging.Formatter):
    """One line a record, for people; the id of the request stands at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without a traceback."""
        belongs = " ".join(filter(None, (REQUEST_ID.get(), PERSON.get())))
        return super().formatMessage(record) + (f" [{belongs}]" if belongs else "")


class JsonLines(logging.Formatter):
    """One JSON object a record; `facts` given by `extra` are fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object on one line."""
        facts: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            facts["request_id"] = request_id
        if person := PERSON.get():
            facts["person"] = person
        facts |= getattr(record, "facts", {})
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        return json.dumps(facts, default=str)


class GunicornLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log goes where ours goes, in the same form."""

    def setup(self, cfg: Any) -> None:
        """Take gunicorn's own handlers away again."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class RequestLog:
    """Give each request an id, send it back as `X-Request-Id`, and log writes and failures (all at level debug)."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer; the id holds for this thread until its next request, and so for a stream's whole body."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if SANE_ID.fullmatch(given) else uuid4().hex
        REQUEST_ID.set(request_id)
        PERSON.set("")
        method, path = environ["REQUEST_METHOD"], quote(environ.get("PATH_INFO", ""), encoding="latin-1")
        began = time.monotonic()

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            _log_answer(method, path, int(status[:3]), time.monotonic() - began)
            return start_response(status, [*headers, ("X-Request-Id", request_id)], *exc_info)

        return self._app(environ, start)


def _log_answer(method: str, path: str, status: int, seconds: float) -> None:
    facts = {"method": method, "path": path, "status": status, "milliseconds": round(1000 * seconds, 1)}
    level = logging.DEBUG if method in READING and status < 400 else logging.INFO
    log.log(level, "%s %s %d", method, path, status, extra={"facts": facts})


def set_up_logs(*, level: str, form: str) -> None:
    """Write everything to standard error.

    :param form: `text` or `json`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # An answer that is no HTTP is counted as what it is; a traceback for each would drown the log.
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread else "a thread"
    error = ended.exc_value or ended.exc_type()
    log.critical("%s has ended by an error", name, exc_info=(ended.exc_type, error, ended.exc_traceback))
