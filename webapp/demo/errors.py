"""What can keep the demo from starting or going on; each message is a sentence with the cure."""

from __future__ import annotations


class DemoError(Exception):
    """The demo can't start, or one of its parts has ended unasked."""


class EnvoyMissing(DemoError):
    """There is no Envoy to run."""


class EnvoyFailed(DemoError):
    """Envoy did not start; the message has the end of its log."""


class FleetFailed(DemoError):
    """The process of the HelloWorld pods has ended, does not answer, or refuses."""


class PortTaken(DemoError):
    """Another process listens on the port that was asked for."""
