"""`crossfade serve | demo | shift | status | hello`."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from webapp.errors import InvalidInput
from webapp.settings import InvalidSetting, Settings
from webapp.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit code 2 with one sentence where it can't start."""
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except InvalidSetting as error:
        print(f"crossfade: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crossfade", description="Slide the weights of Istio's VirtualServices.")
    parser.add_argument("--version", action="version", version=f"crossfade {__version__}")
    commands = parser.add_subparsers(required=True, metavar="serve | demo | shift | status | hello")

    serve = commands.add_parser(
        "serve",
        help="serve the dashboard for a cluster",
        description="Serve the dashboard for a cluster. Settings come from the environment.",
        epilog="settings:\n" + Settings.describe(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="a mesh with a real Envoy on this machine, and the dashboard on top")
    demo.add_argument("--port", type=_port, default=0, help="the page's port (default: a free one)")
    demo.add_argument("--empty", action="store_true", help="start without services, for kubectl apply")
    demo.add_argument("--envoy", metavar="PATH", help="the Envoy to run, where no wheel fits this machine")
    demo.add_argument(
        "--share",
        metavar="ADDRESS[:PORT]",
        nargs="?",
        const="",
        help="serve phones in the room what the presenter shows, read only (default: at every address of this machine)",
    )
    # How the demo starts its own dashboard.
    demo.add_argument("--stage-door", metavar="PATH", help=argparse.SUPPRESS)
    demo.set_defaults(run=_demo)

    shift = commands.add_parser(
        "shift",
        help="shift one route's weights, and verify it by the gateway's answers",
        description="Shift one HTTP route's weights and print a receipt. The cluster is found as for serve.",
        epilog="exit code: 0 done (with --verify: the answers match), 1 they differ, 2 it could not be told in time, "
        "3 a conflict, 4 anything else",
    )
    shift.add_argument("place", metavar="NAMESPACE/NAME", help="the VirtualService")
    shift.add_argument("weights", metavar="VERSION=WEIGHT", nargs="+", help="what is left out gets 0")
    shift.add_argument("--route", default="", help="index or name of the route, where several could be meant")
    shift.add_argument("--verify", action="store_true", help="sample the gateway until its answers tell")
    shift.add_argument("--within", type=_seconds, default=60.0, metavar="SECONDS", help="for so long (default: 60)")
    shift.add_argument("--consent", default="", metavar="TOOL", help="write although this tool manages the object")
    shift.add_argument(
        "--return",
        dest="return_seconds",
        default="",
        metavar="SECONDS",
        help="go back after so long unless somebody keeps it (5 to 3600); a dashboard that runs carries it out",
    )
    shift.set_defaults(run=_shift)

    status = commands.add_parser("status", help="print the services of the mesh and their splits")
    status.add_argument("namespace", nargs="?", default="", help="only this one's")
    status.set_defaults(run=_status)

    hello = commands.add_parser("hello", help="one HelloWorld pod")
    hello.add_argument("--port", type=_port, default=os.environ.get("PORT", "8080"))
    hello.add_argument("--version", default=os.environ.get("VERSION", "v1"))
    hello.add_argument("--service", default=os.environ.get("SERVICE", "hello"))
    hello.set_defaults(run=_hello)
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 0 to 65535 is needed")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not possible: seconds from 0 to 3600 are needed")
    return seconds


def _shift(chosen: argparse.Namespace) -> int:
    from webapp.commands.shift import FAILED, read_order, run_shift

    try:
        order = read_order(
            chosen.place,
            chosen.weights,
            route=chosen.route,
            within_seconds=chosen.within if chosen.verify else None,
            consent=chosen.consent,
            return_seconds=chosen.return_seconds,
        )
        return run_shift(Settings.from_environment(os.environ), order)
    except (InvalidInput, InvalidSetting) as error:
        print(f"crossfade: {error}", file=sys.stderr)
        return FAILED


def _status(chosen: argparse.Namespace) -> int:
    from webapp.commands.status import run_status

    return run_status(Settings.from_environment(os.environ), namespace=chosen.namespace)


def _serve(_chosen: argparse.Namespace) -> int:
    from webapp.wsgi import serve

    return serve(Settings.from_environment(os.environ))


def _demo(chosen: argparse.Namespace) -> int:
    try:
        from webapp.demo.run import run_demo
        from webapp.demo.stage_manager import stage_manager
    except ModuleNotFoundError as error:
        print(
            f"crossfade: the demo needs {error.name}; install it with: pip install 'crossfade[demo]'", file=sys.stderr
        )
        return 2
    if chosen.stage_door:
        from webapp.wsgi import serve

        return serve(Settings.from_environment(os.environ), [stage_manager(Path(chosen.stage_door))])
    return run_demo(port=chosen.port, empty=chosen.empty, envoy=chosen.envoy, share=chosen.share)


def _hello(chosen: argparse.Namespace) -> int:
    from webapp.demo.hello import serve_hello

    return serve_hello(port=chosen.port, version=chosen.version, service=chosen.service)
