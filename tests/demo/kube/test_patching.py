"""Merge patches by their rules, and what managers are said to own."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.demo.kube.kinds import KINDS
from webapp.demo.kube.metadata import changed_fields, stamped
from webapp.demo.kube.patches import json_patch, merge_patch
from webapp.demo.kube.status import ApiError

PODS = next(kind for kind in KINDS if kind.plural == "pods")
SCALARS = st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=2))
KEYS = st.sampled_from("abcd")
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
PATCHES = st.recursive(
    st.one_of(st.none(), SCALARS),
    lambda inner: st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_the_rfc_has_it(target, patch, result):
    """Appendix A of https://www.rfc-editor.org/rfc/rfc7386."""
    assert merge_patch(target, patch) == result


@settings(max_examples=50)
@given(target=OBJECTS, patch=PATCHES)
def test_merging_twice_is_merging_once(target, patch):
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


def difference(old, new):
    """The merge patch that makes `new` of `old`."""
    gone = {key: None for key in old.keys() - new.keys()}
    changed = {
        key: difference(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value
        for key, value in new.items()
        if key not in old or old[key] != value or type(old[key]) is not type(value)
    }
    return gone | changed


@settings(max_examples=50)
@given(old=OBJECTS, new=OBJECTS)
def test_any_object_can_be_reached(old, new):
    assert merge_patch(old, difference(old, new)) == new


@settings(max_examples=50)
@given(target=OBJECTS, patch=PATCHES)
def test_merging_leaves_the_target_as_it_is(target, patch):
    before = repr(target)
    merge_patch(target, patch)
    assert repr(target) == before


def test_json_patch_leaves_the_target_as_it_is():
    target = {"a": [{"b": 1}]}
    assert json_patch(target, [{"op": "replace", "path": "/a/0/b", "value": 2}]) == {"a": [{"b": 2}]}
    assert target == {"a": [{"b": 1}]}


@pytest.mark.parametrize(
    "operation",
    [
        {},
        {"op": "replace"},
        {"op": "replace", "path": 5, "value": 1},
        {"op": "replace", "path": "a", "value": 1},
        {"op": "replace", "path": "/a/-1/b", "value": 1},
        {"op": "replace", "path": "/a/x", "value": 1},
        {"op": "replace", "path": "/a/0/b/c", "value": 1},
        {"op": "add", "path": "/a/5", "value": 1},
        {"op": "move", "path": "/z", "from": "/y"},
        {"op": "copy", "path": "/z", "from": None},
        {"op": "test", "path": "/a/0/b"},
        {"op": ["add"], "path": "/z", "value": 1},
    ],
    ids=repr,
)
def test_operation_that_is_none(operation):
    with pytest.raises(ApiError) as caught:
        json_patch({"a": [{"b": 1}]}, [operation])
    assert (caught.value.code, caught.value.body["details"]) == (422, {})


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        ({}, {"spec": {"http": [1]}}, {"f:spec": {"f:http": {}}}),
        ({"spec": {"a": 1, "b": 1}}, {"spec": {"a": 2, "b": 1}}, {"f:spec": {"f:a": {}}}),
        ({"spec": {"a": 1, "b": 1}}, {"spec": {"a": 1}}, {}),
        ({"spec": {"a": {"x": 1}}}, {"spec": {"a": {}}}, {"f:spec": {"f:a": {}}}),
        ({"spec": [1]}, {"spec": {"a": 1}}, {"f:spec": {"f:a": {}}}),
        ({"a": 1}, {"a": 1}, {}),
        ({}, {"a": None}, {"f:a": {}}),
    ],
)
def test_changed_fields(old, new, fields):
    assert changed_fields(old, new) == fields


@settings(max_examples=50)
@given(old=OBJECTS, new=OBJECTS)
def test_something_is_named_whenever_something_differs(old, new):
    is_same = not changed_fields(old, new) and not changed_fields(new, old)
    assert is_same == (old == new)


def write(old, manager, content, second, subresource=""):
    now = datetime(2026, 1, 1, 12, 0, second, tzinfo=UTC)
    wanted = {"metadata": {"name": "a"}} | content
    return stamped(PODS, old, wanted, manager=manager, subresource=subresource, now=now)


def managers(stored):
    return [(each["manager"], each["time"][-3:-1], each["fieldsV1"]) for each in stored["metadata"]["managedFields"]]


def test_field_goes_over_to_its_last_writer():
    first = write(None, "kubectl", {"spec": {"a": 1, "b": 1}}, 1)
    second = write(first, "crossfade", {"spec": {"a": 2, "b": 1}}, 2)
    assert managers(second) == [
        ("kubectl", "01", {"f:spec": {"f:b": {}}}),
        ("crossfade", "02", {"f:spec": {"f:a": {}}}),
    ]


def test_manager_that_writes_again_keeps_one_entry():
    first = write(None, "kubectl", {"spec": {"a": 1, "b": 1}}, 1)
    second = write(first, "kubectl", {"spec": {"a": 2, "b": 1}}, 2)
    assert managers(second) == [("kubectl", "02", {"f:spec": {"f:a": {}, "f:b": {}}})]


def test_manager_without_fields_disappears():
    first = write(None, "kubectl", {"spec": {"a": 1}}, 1)
    second = write(first, "crossfade", {"spec": {"a": 2}}, 2)
    assert managers(second) == [("crossfade", "02", {"f:spec": {"f:a": {}}})]


def test_removed_field_is_nobodys():
    first = write(None, "kubectl", {"spec": {"a": 1, "b": 1}}, 1)
    second = write(first, "crossfade", {"spec": {"b": 1}}, 2)
    assert managers(second) == [("kubectl", "01", {"f:spec": {"f:b": {}}})]


def test_status_has_entries_of_its_own():
    first = write(None, "kubectl", {"spec": {"a": 1}}, 1)
    second = write(first, "kubectl", {"spec": {"a": 1}, "status": {"phase": "x"}}, 2, subresource="status")
    assert [each.get("subresource") for each in second["metadata"]["managedFields"]] == [None, "status"]


def test_what_the_client_says_of_the_servers_fields_does_not_count():
    first = write(None, "kubectl", {"spec": {"a": 1}}, 1)
    forged = {"uid": "x", "generation": 9, "creationTimestamp": "never", "managedFields": [], "resourceVersion": "7"}
    again = write(first, "kubectl", {"metadata": {"name": "a", **forged}, "spec": {"a": 1}}, 2)
    assert again is first
