"""What a diagnostic says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["info", "warning", "owner"]

_ANALYSIS = "https://istio.io/latest/docs/reference/config/analysis/"


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that a person should know; `owner` is the level of who else manages the object.

    :param ist: what `istioctl analyze` calls the same thing (`IST0101`), empty where it has no word for it.
    :param link: Istio's page about it, empty where there is none.
    """

    level: Level
    code: str
    text: str
    cure: str = ""
    ist: str = ""
    link: str = ""


def analysed(ist: str, note: Note) -> Note:
    """Give a note the code of `istioctl analyze`, and Istio's page about that.

    https://istio.io/latest/docs/reference/config/analysis/
    """
    return replace(note, ist=ist, link=f"{_ANALYSIS}{ist.lower()}/")
