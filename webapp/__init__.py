"""Crossfade: slide the weights of an Istio VirtualService and see which version the gateway really answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.version import __version__

if TYPE_CHECKING:
    from flask import Flask

    from webapp.composition import Adapters

__all__ = ["__version__", "create_app"]


def create_app(adapters: Adapters) -> Flask:
    """Put the pages together; starts nothing.

    Flask is imported here and not above: the pure rooms below this package must not carry a framework with them.
    """
    from webapp.views import build_app

    return build_app(adapters)
