"""Weights: how they move together, what they mean, and how they are read from a form.

Weights are relative: a destination's share is its weight's part of their sum.
https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from webapp.errors import InvalidInput
from webapp.istio.objects import Route

USUAL_TOTAL = 100
_NUMBER = re.compile(r"[0-9]{1,9}")
_SHOWN_CHARACTERS = 24


def rebalance(
    weights: Sequence[int], index: int, value: int, *, locked: Collection[int] = (), total: int
) -> tuple[int, ...]:
    """Move one weight and let the others that are not locked make room, in proportion to what they were.

    :param weights: as they were where the gesture began, so that moving there and back changes nothing.
    :param index: which one moves; whether it is itself locked plays no part.
    :param value: where it is moved to; it stops where the locked others leave no room.
    :return: weights that sum to exactly `total`. The others share what is left by largest remainder, a tie going to
        the first of them; equally, where all of them were 0. With no unlocked other there is one place to be.
    :raises ValueError: when the locked others alone are more than `total`.
    """
    others = [place for place in range(len(weights)) if place != index and place not in locked]
    room = total - sum(weights[place] for place in locked if place != index)
    if room < 0:
        raise ValueError(f"the locked weights alone are more than {total}")
    moved = min(max(value, 0), room) if others else room
    rest = room - moved
    result = list(weights)
    result[index] = moved
    for place, part in zip(others, apportion(rest, [weights[place] for place in others]), strict=True):
        result[place] = part
    return tuple(result)


def apportion(amount: int, parts: Sequence[int]) -> tuple[int, ...]:
    """Split an amount in proportion to parts (equally, where all are 0) by largest remainder, a tie going to the first.

    The result sums to exactly the amount.
    """
    ratios = parts if any(parts) else [1] * len(parts)
    whole = sum(ratios)
    result = [amount * ratio // whole for ratio in ratios]
    by_remainder = sorted(range(len(ratios)), key=lambda place: -(amount * ratios[place] % whole))
    for place in by_remainder[: amount - sum(result)]:
        result[place] += 1
    return tuple(result)


def shares(weights: Sequence[int]) -> tuple[float | None, ...]:
    """Give each weight's part of the sum in percent, None where the sum is 0 and says nothing."""
    total = sum(weights)
    return tuple(100 * weight / total if total > 0 else None for weight in weights)


def rescale(weights: Sequence[int]) -> tuple[int, ...]:
    """Give weights of any sum on a scale of 100.

    :raises InvalidInput: where one would become 0 and lose its traffic.
    """
    rescaled = apportion(USUAL_TOTAL, weights)
    for before, after in zip(weights, rescaled, strict=True):
        if before and not after:
            raise _refused(f"{before} of {sum(weights)} is too little for a scale of {USUAL_TOTAL}: it would become 0")
    return rescaled


def weight_total(route: Route) -> int:
    """Give the sum that a route's weights have now and are to keep, 100 where they have none."""
    total = sum(route.weights)
    return total if total > 0 else USUAL_TOTAL


def parse_weights(texts: Sequence[str], *, route: Route) -> tuple[int, ...]:
    """Read a form's weights for a route, one a destination, in order.

    :raises InvalidInput: on field `weight`, with a sentence that says which one is wrong and what is needed.
    """
    count, own_total = len(route.route), weight_total(route)
    if not count:
        raise _refused("this route has no destinations, so there is nothing to weigh")
    if len(texts) != count:
        sent = f"{len(texts)} weight{'s' if len(texts) != 1 else ''}"
        raise _refused(
            f"{sent} came for {count} destination{'s' if count != 1 else ''}: one each is needed, in the route's order"
        )
    weights = tuple(
        _weight(text, place, highest=max(own_total, USUAL_TOTAL)) for place, text in enumerate(texts, start=1)
    )
    if not any(weights):
        raise _refused("all weights are 0: at least one destination has to take the traffic")
    if sum(weights) not in {USUAL_TOTAL, own_total}:
        added = " + ".join(map(str, weights)) + (" is " if count > 1 else "")
        needed = f"the weights have to add up to {USUAL_TOTAL}"
        also = f", or to {own_total} as they do now" if own_total != USUAL_TOTAL else ""
        raise _refused(f"{added}{sum(weights) if count > 1 else ''}; {needed}{also}")
    return weights


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="weight")


def _weight(text: str, place: int, *, highest: int) -> int:
    if _NUMBER.fullmatch(text):
        return int(text)
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:_SHOWN_CHARACTERS])
    said = f'"{shown}{"…" if len(text) > _SHOWN_CHARACTERS else ""}"' if text else "empty"
    raise _refused(f"weight {place} is {said}: a whole number from 0 to {highest} is needed")
