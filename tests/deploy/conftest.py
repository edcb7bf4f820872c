"""The embedded API with the pages on it, and a browser, as the tests have them that these belong to."""

from tests.browser.conftest import browser, context, page
from tests.views.conftest import adapters, api, client, settings

__all__ = ["adapters", "api", "browser", "client", "context", "page", "settings"]
