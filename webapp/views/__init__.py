"""The pages: one blueprint a feature; each view parses, calls the core, calls an adapter and renders."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from htmx_flask import Htmx

from webapp.audience import audience_url
from webapp.composition import Adapters
from webapp.version import __version__
from webapp.views import (
    adopt,
    answers,
    compression,
    errors,
    explain,
    identify,
    mesh,
    present,
    sampling,
    security,
    services,
    shifts,
    stream,
    take_away,
    virtual_services,
    watch,
    who,
)
from webapp.views.render import ViewsAsJson

PACKAGE = Path(__file__).resolve().parent.parent


def _folder(name: str) -> str:
    """Find `templates` or `static`: inside the package in an installed wheel, beside it in a checkout."""
    installed = PACKAGE / name
    return str(installed if installed.is_dir() else PACKAGE.parent / name)


def build_app(adapters: Adapters) -> Flask:
    """Build the pages' application around the given adapters."""
    app = Flask("webapp", template_folder=_folder("templates"), static_folder=_folder("static"))
    audience = audience_url(adapters.settings.audience_bind)
    app.config.update(
        TRUSTED_HOSTS=[*adapters.settings.trusted_hosts, *filter(None, [urlsplit(audience).hostname])],
        AUDIENCE_URL=audience,
        MAX_CONTENT_LENGTH=64 * 1024,
        MAX_FORM_PARTS=200,
    )
    app.json = ViewsAsJson(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["crossfade_version"] = __version__
    app.extensions["crossfade"] = adapters
    Htmx(app)
    compression.init_app(app)
    security.init_app(app)
    who.init_app(app)
    errors.init_app(app)
    rooms = (
        mesh,
        services,
        adopt,
        virtual_services,
        shifts,
        sampling,
        identify,
        answers,
        take_away,
        explain,
        stream,
        present,
        watch,
    )
    for room in rooms:
        app.register_blueprint(room.blueprint)
    adapters.live.draw_answers_with(lambda view: answers.draw(app, view))
    return app
