"""The embedded API with the pages on it, as the tests have them that these belong to."""

from tests.views.conftest import adapters, api, client, settings

__all__ = ["adapters", "api", "client", "settings"]
