"""Every set of objects that the tables of the diagnostics tests speak of, by the table's name and the case's id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.istio import (
    test_diagnostics,
    test_diagnostics_balance,
    test_diagnostics_gateways,
    test_diagnostics_layer4,
    test_diagnostics_routes,
    test_diagnostics_rules,
    test_order,
    test_ownership,
    test_reach,
    test_writers,
)
from tests.istio.builders import Raw, split, virtual_service

_MODULES = (
    test_diagnostics_balance,
    test_diagnostics_gateways,
    test_diagnostics_layer4,
    test_diagnostics_routes,
    test_diagnostics_rules,
)


def object_sets() -> dict[str, list[Raw]]:
    """Give the sets; those of tests whose cases are routes stand in the mesh of their test."""
    mesh, behind = test_diagnostics.MESH, split(90, 10)
    found: dict[str, list[Raw]] = {
        **_params("quiet", test_diagnostics.QUIET, lambda raw: [*mesh, virtual_service(raw)]),
        **_params("weights", test_diagnostics.ROUTES, lambda raw, *_: [*mesh, virtual_service(raw)]),
        **_params("all", test_diagnostics.EVERYTHING_BEFORE, lambda raw, _: _two(split(1, 99, **raw), behind)),
        **_params("some", test_diagnostics.SOME_BEFORE, lambda match: _two(split(1, 99, match=[match]), behind)),
        **_params("objects", test_diagnostics.OBJECTS, lambda raw, _: [*mesh, raw]),
        **_params("reach", test_reach.WRONG, lambda raws, around, *_: [*around, *raws]),
        **_params("no-reach", test_reach.FINE, lambda raws, around: [*around, *raws]),
        **_params("order", test_order.ORDER, lambda routes, _: _two(*routes)),
        **_params("put-back", test_writers.PUT_BACK, lambda routes, notes, _: _two(*routes, annotations=notes)),
        **_params("applied", test_writers.APPLIED, lambda fields, _: _two(behind, managedFields=fields)),
        **_params("owned", test_ownership.OWNED, lambda metadata, *_: _two(behind, **metadata)),
    }
    for module in _MODULES:
        name = module.__name__.rpartition("_")[2]
        found |= {f"{name}/{case.id}": case.raws for case in module.CASES}
        found |= {f"no-{name}/{id_}": raws for id_, raws in module.FINE.items()}
    return found


def _two(*routes: Raw, **metadata: Any) -> list[Raw]:
    return [*test_diagnostics.MESH, virtual_service(*routes, **metadata)]


def _params(table: str, params: Iterable[Any], objects: Callable[..., list[Raw]]) -> dict[str, list[Raw]]:
    return {f"{table}/{each.id}": objects(*each.values) for each in params}
