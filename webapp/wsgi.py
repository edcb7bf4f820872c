"""gunicorn's side: one worker that owns the watch and the samplers, many light connections."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from gunicorn.app.base import BaseApplication
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import create_app
from webapp.audience import Audience, Gate
from webapp.composition import Adapters, build_adapters
from webapp.logs import GunicornLogger, RequestLog, set_up_logs
from webapp.settings import InvalidSetting, Settings
from webapp.views.probes import create_probes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 256
"""A stream holds one thread; the cap on viewers leaves the rest to pages."""


class ByPort:
    """Send requests that came in by the probes' port to the probes' application."""

    def __init__(self, pages: WSGIApplication, probes: WSGIApplication, *, probe_port: int) -> None:
        self._pages = pages
        self._probes = probes
        self._probe_port = str(probe_port)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Choose by the listener's own port, which no header can forge."""
        chosen = self._probes if environ["SERVER_PORT"] == self._probe_port else self._pages
        return chosen(environ, start_response)


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with fixed settings around one set of adapters.

    :param rooms: pages beside the usual ones.
    """

    def __init__(self, settings: Settings, adapters: Adapters, rooms: Sequence[Blueprint] = ()) -> None:
        self._settings = settings
        self._adapters = adapters
        self._rooms = rooms
        pages = _listen(settings.bind, "CROSSFADE_BIND")
        probes = _listen(settings.probe_bind, "CROSSFADE_PROBE_BIND")
        self.page_address = "{}:{}{}".format(*pages.getsockname(), settings.path_prefix)
        self._probe_port: int = probes.getsockname()[1]
        audience = settings.audience_bind
        self._audience = Audience(_listen(audience, "CROSSFADE_AUDIENCE_BIND")) if audience else None
        # gunicorn closes the descriptors that it is given, so they are handed over for good.
        self._descriptors = [listener.detach() for listener in (pages, probes)]
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up; see the field's measurements for threads, worker-tmp-dir and the control socket."""
        options: dict[str, Any] = {
            "bind": [f"fd://{descriptor}" for descriptor in self._descriptors],
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "timeout": 60,
            "graceful_timeout": 3,
            "keepalive": 30,
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: S108  # memory, for the heartbeat
            "logger_class": GunicornLogger,
            "loglevel": "warning" if self._settings.log_level == "info" else self._settings.log_level,
            "post_worker_init": self._start,
            "worker_exit": self._stop,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """Build the application; nothing runs yet."""
        pages = create_app(self._adapters)
        for room in self._rooms:
            pages.register_blueprint(room)
        pages.wsgi_app = ProxyFix(pages.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
        self._watched = RequestLog(under_prefix(Gate(pages), self._settings.path_prefix))
        probes = create_probes(self._adapters)
        served = under_prefix(pages, self._settings.path_prefix)
        return RequestLog(ByPort(served, probes, probe_port=self._probe_port))

    def _start(self, worker: Any) -> None:
        # Threads don't survive a fork, so they start here; and a stream must not outlive its worker.
        self._adapters.live.stopping = lambda: not worker.alive
        self._adapters.start()
        if self._audience:
            self._audience.start(self._watched)

    def _stop(self, _arbiter: Any, _worker: Any) -> None:
        if self._audience:
            self._audience.stop()
        self._adapters.stop()


def under_prefix(pages: WSGIApplication, prefix: str) -> WSGIApplication:
    """Serve pages under a path that proxies pass on as it is; their addresses then begin with it.

    :param prefix: empty, or a path without a slash at its end.
    """
    if not prefix:
        return pages
    elsewhere = NotFound(f"This dashboard is served under {prefix}/ and nowhere else.")
    return DispatcherMiddleware(elsewhere, {prefix: pages})


def _listen(address: str, name: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), int(port)))
    except OSError as error:
        listener.close()
        raise InvalidSetting(f"{name}={address}: can't listen there ({error.strerror}); choose another port") from error
    listener.set_inheritable(True)
    return listener


def serve(settings: Settings, rooms: Sequence[Blueprint] = ()) -> int:
    """Serve the dashboard until told to stop.

    :param rooms: pages beside the usual ones.
    :raises InvalidSetting: a setting, the kubeconfig or an address can't be used.
    """
    set_up_logs(level=settings.log_level, form=settings.log_format)
    server = Server(settings, build_adapters(settings), rooms)
    logging.getLogger(__name__).info("pages on http://%s/", server.page_address)
    server.run()
    return 0
