"""The pages: one blueprint a feature; each view parses, calls the core, calls an adapter and renders."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from htmx_flask import Htmx

from webapp.composition import Adapters
from webapp.version import __version__
from webapp.views import answers, errors, mesh, sampling, security, services, shifts, stream, virtual_services

PACKAGE = Path(__file__).resolve().parent.parent


def _folder(name: str) -> str:
    """Find `templates` or `static`: inside the package in an installed wheel, beside it in a checkout."""
    installed = PACKAGE / name
    return str(installed if installed.is_dir() else PACKAGE.parent / name)


def build_app(adapters: Adapters) -> Flask:
    """Build the pages' application around the given adapters."""
    app = Flask("webapp", template_folder=_folder("templates"), static_folder=_folder("static"))
    app.config.update(
        TRUSTED_HOSTS=list(adapters.settings.trusted_hosts),
        MAX_CONTENT_LENGTH=64 * 1024,
        MAX_FORM_PARTS=200,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # set by Flask's default provider, unknown to its base
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["crossfade_version"] = __version__
    app.extensions["crossfade"] = adapters
    Htmx(app)
    security.init_app(app)
    errors.init_app(app)
    for room in (mesh, services, virtual_services, shifts, sampling, answers, stream):
        app.register_blueprint(room.blueprint)
    adapters.live.draw_answers_with(lambda view: answers.draw(app, view))
    return app
