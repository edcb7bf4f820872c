"""A dashboard of the real templates and scripts with made-up views: what a test sets is what the page shows."""

from __future__ import annotations

import json
import logging
import mimetypes
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.unit import scenes
from webapp.istio.weights import apportion
from webapp.views.models.answers import AnswersView
from webapp.views.models.explain import ExplainView
from webapp.views.models.mesh import MeshView
from webapp.views.models.service import ServiceView
from webapp.views.models.shared import ErrorView
from webapp.views.models.virtual_service import RouteView, VirtualServiceView
from webapp.views.pictures.mesh import PAGE_ROWS, page_of

ROOT = Path(__file__).resolve().parents[3]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class KeepAlive(WSGIRequestHandler):
    """One connection for a page's many small files."""

    protocol_version = "HTTP/1.1"


class Stage:
    """Views to show, posts that came, and the stream to speak through."""

    def __init__(self) -> None:
        self.mesh: MeshView = scenes.mesh()
        self.service: ServiceView = scenes.service()
        self.virtual_service: VirtualServiceView = scenes.virtual_service()
        self.explain: ExplainView = scenes.explain()
        self.questions: list[tuple[str, dict[str, list[str]]]] = []
        """What `explain` was asked: the method and the fields."""
        self.posts: list[tuple[str, list[int]]] = []
        self.return_seconds = ""
        """What the last shift asked for."""
        self.proofs = 0
        """How often a page asked for itself as JSON."""
        self.astray = 0
        """How many of these answers come from another page."""
        self.refusal: ErrorView | None = None
        self.gate = threading.Event()
        """Posts wait for it."""
        self.gate.set()
        self.stream_status = 200
        self.revision = 1
        self.streams: list[queue.Queue[bytes | None]] = []
        self.app = self._build()
        self.url = ""

    @property
    def address(self) -> str:
        return f"{self.url}/virtual-services/{self.virtual_service.namespace}/{self.virtual_service.name}"

    def publish(self, event: str, data: dict[str, Any]) -> None:
        """Send one event to every open stream."""
        for stream in self.streams:
            stream.put(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def pulse(self, state: str = "live", text: str = "live", age_seconds: float = 0.3) -> None:
        """Say how the cluster is, and which revision."""
        self.publish("mesh", {"revision": self.revision, "state": state, "text": text, "age_seconds": age_seconds})

    def store(self, weights: list[int], *, by: str, section: str = "http", route: int = 0) -> None:
        """Change a route's weights as the cluster would see it, and tell open pages."""
        routes = list(getattr(self.virtual_service, f"{section}_routes"))
        routes[route] = scenes.reweighted(routes[route], weights, by=by)
        self.virtual_service = replace(self.virtual_service, **{f"{section}_routes": routes})
        self.revision += 1

    def change(self, weights: list[int], *, by: str = "kubectl-edit") -> None:
        """Let somebody else change the first route."""
        self.store(weights, by=by)
        self.pulse()

    def answer(self, entries: list[list[object]], *, now: float, view: AnswersView, reset: bool = False) -> None:
        """Send answers of the gateway, with the table."""
        with self.app.app_context():
            html = render_template("fragments/answers.html", answers=view)
        versions = [[row.version, row.mark] for row in view.rows if row.version is not None]
        data = {"http_route": 0, "reset": reset, "now": now, "window": entries, "html": html, "versions": versions}
        self.publish("answers", data | {"state": view.state, "asked_rate": view.asked_rate, "shifts": []})

    def show(self, route: RouteView) -> None:
        """Show another first route, and tell open pages."""
        self.virtual_service = replace(self.virtual_service, http_routes=[route])
        self.revision += 1
        self.pulse()

    def close_streams(self) -> None:
        """End every open stream, as a restart would."""
        for stream in self.streams:
            stream.put(None)

    @contextmanager
    def serving(self) -> Iterator[Stage]:
        """Serve on a free port until the block ends."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=KeepAlive)
        server.daemon_threads = True  # type: ignore[attr-defined]  # of socketserver.ThreadingMixIn
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            self.gate.set()
            self.close_streams()
            server.shutdown()
            server.server_close()
            thread.join()

    def _build(self) -> Flask:
        app = Flask("stage", template_folder=str(ROOT / "templates"), static_folder=None)
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        virtual_service = "/virtual-services/<namespace>/<name>"
        route = f"{virtual_service}/http/<int:http_route>"
        add = app.add_url_rule
        add("/", "mesh.page", lambda: self._page("pages/mesh.html", self._filtered()))
        add("/services/<namespace>/<name>", "services.page", self._service)
        add(virtual_service, "virtual_services.page", self._virtual_service)
        add("/services/<namespace>/<name>/adopt", "adopt.page", lambda **_: "")
        add("/present/<namespace>/<name>", "present.page", lambda **_: "")
        add("/static/<path:filename>", "static", self._static)
        add("/stream", "stream.events", self._stream)
        for name, endpoint in (("weights", "weights"), ("undo", "undo"), ("keep", "keep"), ("return", "go_back")):
            place = "<any(http, tls, tcp):section>/<int:index>"
            add(f"{virtual_service}/{place}/{name}", f"shifts.{endpoint}", self._post, methods=["POST"])
        add(f"{virtual_service}/explain", "explain.page", self._explain)
        add(f"{virtual_service}/explain", "explain.ask", self._explain, methods=["POST"])
        add(f"{route}/tag", "shifts.tag", self._post, methods=["POST"])
        add(f"{route}/sampling", "sampling.change", self._post, methods=["POST"])
        add(f"{route}/sampling", "sampling.page", lambda **_: "")
        add(f"{route}/identify", "identify.page", lambda **_: "")
        add(f"{route}/answers", "answers.page", lambda **_: "")
        add(f"{route}/answers.csv", "answers.csv", lambda **_: "")
        add(f"{route}/answers.svg", "take_away.chart", lambda **_: "")
        add(f"{route}/receipt.md", "take_away.receipt", lambda **_: "")

        @app.after_request
        def guard(response: Response) -> Response:
            response.headers["Content-Security-Policy"] = POLICY
            return response

        return app

    def _filtered(self) -> MeshView:
        namespace, search = request.args.get("namespace", ""), request.args.get("search", "")
        rows = [
            row
            for row in self.mesh.services
            if namespace in {"", row.namespace} and search in f"{row.namespace}/{row.name}"
        ]
        empty = self.mesh.empty or ("" if rows else "No service fits this filter.")
        page, limit = int(request.args.get("page", 1)), int(request.args.get("limit", PAGE_ROWS))
        shown, paging = page_of(rows, page=page, limit=limit)
        return replace(self.mesh, services=list(shown), namespace=namespace, search=search, empty=empty, paging=paging)

    def _page(self, template: str, view: MeshView | ServiceView | VirtualServiceView | ExplainView) -> str:
        now = replace(view, cluster=replace(view.cluster, revision=self.revision))
        return render_template(template, view=now)

    def _service(self, **_: str) -> str:
        return self._page("pages/service.html", self.service)

    def _virtual_service(self, **_: str) -> str | dict[str, Any]:
        if request.accept_mimetypes.best == "application/json":
            self.proofs += 1
            astray = self.proofs <= self.astray
            return {"welcome": "to nginx"} if astray else asdict(self.virtual_service)
        return self._page("pages/virtual_service.html", self.virtual_service)

    def _explain(self, **_: str) -> tuple[str, int]:
        self.questions.append((request.method, request.values.to_dict(flat=False)))
        return self._page("pages/explain.html", self.explain), 400 if self.explain.problems else 200

    def _static(self, filename: str) -> Response:
        # Read at once: a page that leaves while a file is being sent would leave the file open.
        return Response((ROOT / "static" / filename).read_bytes(), mimetype=mimetypes.guess_type(filename)[0])

    def _error(self, view: ErrorView) -> tuple[str, int]:
        return render_template("pages/error.html", view=view), view.status

    def _post(self, section: str = "http", index: int = 0, **_: str) -> str | dict[str, Any] | tuple[str, int]:
        weights = [int(text) for text in request.form.getlist("weight")]
        self.posts.append((request.path.rpartition("/")[2], weights))
        self.gate.wait(10)
        if self.refusal:
            return self._error(self.refusal)
        route: RouteView = getattr(self.virtual_service, f"{section}_routes")[index]
        if request.path.endswith("weights"):
            if request.form["route_digest"] != route.route_digest:
                current = route.history[0]
                message = f"Changed by {current.by} in the meantime, now {'/'.join(map(str, current.weights))}."
                return self._error(ErrorView(409, "Changed in the meantime", "conflict", message, asdict(current)))
            weights = list(apportion(100, weights)) if request.form.get("scale") else weights
            self.return_seconds = request.form.get("return_seconds", "")
            self.store(weights, by="crossfade", section=section, route=index)
        elif request.path.endswith("keep"):
            self.show(replace(route, return_=None))
        elif request.path.endswith("undo"):
            self.store(route.undo.weights, by="crossfade", section=section, route=index)
        return self._virtual_service()

    def _stream(self) -> Response | tuple[str, int, dict[str, str]]:
        if self.stream_status != 200:
            return "", self.stream_status, {"Retry-After": "1"}
        stream: queue.Queue[bytes | None] = queue.Queue()
        self.streams.append(stream)
        self.pulse()

        def send() -> Iterator[bytes]:
            yield b": hello\n\n"
            while (event := stream.get()) is not None:
                yield event

        response = Response(send(), mimetype="text/event-stream")
        response.call_on_close(lambda: self.streams.remove(stream))
        return response
