"""`/stage-manager`: buttons for the demo's own faults. The demo's dashboard alone has this room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, request, url_for
from flask.blueprints import BlueprintSetupState

from webapp.demo.stage import ROUTE, SCENES
from webapp.demo.stage_door import ask_stage
from webapp.errors import NotFound
from webapp.views.render import respond, wants_json


@dataclass(frozen=True, slots=True)
class SceneView:
    """One button: `room` says what the room will see, `on` whether it is so now."""

    name: str
    title: str
    room: str
    on: bool


@dataclass(frozen=True, slots=True)
class StageView:
    """The stage manager's page. `now` says in words what is on, `error` why a scene could not be played."""

    scenes: list[SceneView]
    now: list[str]
    error: str
    namespace: str = ROUTE[0]
    name: str = ROUTE[1]


def stage_manager(door: Path) -> Blueprint:
    """Return the room, whose buttons knock at the supervisor's stage door."""
    room = Blueprint("stage_manager", __name__, url_prefix="/stage-manager")

    @room.record_once
    def link(state: BlueprintSetupState) -> None:
        # Pages that know this name lead here; elsewhere there is no such name.
        state.app.jinja_env.globals["stage_manager"] = f"{room.name}.page"

    @room.get("")
    def page() -> Response:
        """Show the scenes, and which are on."""
        return respond("pages/stage_manager.html", _view(door))

    @room.post("/<scene>")
    def play(scene: str) -> Response:
        """Play a scene."""
        if scene not in {each.name for each in SCENES}:
            raise NotFound(f"There is no scene called {scene}.")
        view = _view(door, play=scene)
        if view.error or wants_json() or request.headers.get("HX-Request"):
            return respond("pages/stage_manager.html", view, status=409 if view.error else 200)
        return Response(status=303, headers={"Location": url_for(".page")})

    return room


def _view(door: Path, *, play: str = "") -> StageView:
    now = ask_stage(door, play)
    scenes = [SceneView(each.name, each.title, each.room, each.name in now["on"]) for each in SCENES]
    return StageView(scenes, _words(now["switches"], now["weights"], now["lost_seconds"]), now["error"])


def _words(switches: dict[str, str] | None, weights: list[int], lost_seconds: float) -> list[str]:
    canary = "There is no v2 yet" if switches is None else "v2 is well"
    if switches:
        canary = "v2 has " + " and ".join(f"{name} {value}" for name, value in sorted(switches.items()))
    split = f"the split is {'/'.join(map(str, weights))}" if weights else "there is no split yet"
    api = f"the API server is lost for another {lost_seconds:.0f} s" if lost_seconds else "the API server is there"
    return [canary, split, api]
