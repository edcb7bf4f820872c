"""Strategic merge: a merge patch that knows by which field the items of a list are told apart.

https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from webapp.demo.kube.schemas import Schema
from webapp.demo.kube.status import rejected_patch

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
ORDER = "$setElementOrder/"
DELETE = "$deleteFromPrimitiveList/"


def strategic_merge(current: Any, patch: Any, schema: Schema) -> Any:
    """Apply a patch: objects merge, null removes, lists with a merge key merge item by item, all else is replaced."""
    if not isinstance(patch, Mapping):
        return patch
    directive = patch.get(DIRECTIVE, "merge")
    if directive not in {"merge", "replace", "delete"}:
        raise rejected_patch()
    kept = dict(current) if isinstance(current, Mapping) and directive == "merge" else {}
    if RETAIN in patch:
        kept = {key: value for key, value in kept.items() if key in patch[RETAIN]}
    if directive == "delete":
        return kept
    for name in _fields(patch):
        inner = schema.get(name, "any") if isinstance(schema, Mapping) else "any"
        value = patch.get(name, [])
        if name in patch and value is None:
            kept.pop(name, None)
        elif isinstance(inner, list) and len(inner) == 2 and isinstance(value, list):
            gone, order = patch.get(DELETE + name, ()), patch.get(ORDER + name)
            kept[name] = _merged_list(kept.get(name) or [], value, *inner, gone=gone, order=order)
        elif name in patch:
            kept[name] = strategic_merge(kept.get(name), value, inner)
    return kept


def _fields(patch: Mapping[str, Any]) -> list[str]:
    """Return the fields that a patch is about, those that only a directive names too, each once."""
    return list(
        dict.fromkeys(
            key.partition("/")[2] if key.startswith((ORDER, DELETE)) else key
            for key in patch
            if key not in {DIRECTIVE, RETAIN}
        )
    )


def _merged_list(
    current: Sequence[Any], patch: Sequence[Any], key: str, schema: Schema, *, gone: Sequence[Any], order: Any
) -> list[Any]:
    """Merge the items by their key; an empty key stands for the items themselves.

    :param gone: what `$deleteFromPrimitiveList` takes away.
    :param order: the keys in the order of `$setElementOrder`, as items that have no other field.
    """
    identity: Callable[[Any], Any] = (lambda item: item[key]) if key else (lambda item: item)
    try:
        if any(isinstance(item, Mapping) and item.get(DIRECTIVE) == "replace" for item in patch):
            return [item for item in patch if DIRECTIVE not in item]
        items = {identity(item): item for item in current if item not in gone}
        server_order = list(items)
        for item in patch:
            name = identity(item)
            if isinstance(item, Mapping) and item.get(DIRECTIVE) == "delete":
                items.pop(name, None)
            else:
                items[name] = strategic_merge(items.get(name), item, schema)
        first = list(dict.fromkeys(identity(item) for item in (patch if order is None else order)))
    except (KeyError, TypeError) as error:
        # An item without its key, or one that is no object.
        raise rejected_patch() from error
    return [items[name] for name in _ordered(items, first, server_order)]


def _ordered(names: Collection[Any], first: Sequence[Any], server_order: Sequence[Any]) -> list[Any]:
    """Put the names that the patch knows in its order; each other one comes before the first that it stood before."""
    known = [name for name in first if name in names]
    others = [name for name in server_order if name in names and name not in known]
    place = {name: index for index, name in enumerate(server_order)}
    ordered = []
    for name in known:
        while others and place[others[0]] < place.get(name, -1):
            ordered.append(others.pop(0))
        ordered.append(name)
    return ordered + others
