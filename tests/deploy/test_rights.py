"""Every verb that the code uses, against the roles that deploy/ ships: nothing missing, nothing more."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.deploy.rights import (
    ADOPT_RIGHTS,
    ADOPT_USES,
    BASE_RIGHTS,
    DEPLOY,
    IMPERSONATE_RIGHTS,
    IN_NAMES,
    NAMESPACE_RIGHTS,
    OLDER_IMPERSONATE_RIGHTS,
    OLDER_IN_NAMES,
    USES,
    Right,
    granted_by,
    requests_in_the_code,
    used,
)
from tests.views.signing_in import ANA, in_their_name
from tests.views.test_shifts import shift, stored_weights
from tests.walk.steps import wait_until
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

FREE = {"", "selfsubjectaccessreviews"}
"""What every account may ask: `/livez` is of no resource."""


def test_every_request_of_the_code_is_in_the_table() -> None:
    assert requests_in_the_code() == USES.keys() | ADOPT_USES.keys()


def test_the_base_grants_what_the_code_uses() -> None:
    assert granted_by(BASE_RIGHTS) == used(USES)


def test_the_single_namespace_overlay_grants_the_same_there() -> None:
    assert granted_by(NAMESPACE_RIGHTS) == granted_by(BASE_RIGHTS)


def test_the_adopt_overlay_grants_what_adopting_uses() -> None:
    assert granted_by(ADOPT_RIGHTS) == used(ADOPT_USES)


def test_the_impersonate_overlay_grants_to_do_the_same_in_a_persons_name() -> None:
    assert granted_by(IMPERSONATE_RIGHTS) == IN_NAMES
    assert granted_by(OLDER_IMPERSONATE_RIGHTS) == OLDER_IN_NAMES


def test_nobody_else_may_speak_in_names() -> None:
    granting = {each.parent.name for each in DEPLOY.rglob("*.yaml") if "impersonate" in str(granted_by(each))}
    assert granting == {"impersonate"}


def test_no_more_is_asked_in_a_persons_name(settings: Settings, api: KubeApi) -> None:
    with in_their_name(settings) as client:
        assert client.get("/", headers=ANA).status_code == 200
        api.faults.answer(409, verb="patch")
        assert shift(client, "70", "30", **ANA).status_code == 200
    asked = {
        Right(each.group, each.resource, f"impersonate-on:user-info:{each.verb}")
        for each in list(api.requests)
        if each.headers.get("impersonate-user")
    }
    assert asked <= IN_NAMES
    assert {each.verb.rpartition(":")[2] for each in asked} >= {"get", "patch", "create"}


def test_the_running_product_asks_for_just_these(client: FlaskClient, api: KubeApi) -> None:
    # As if somebody else had written meanwhile: the object is read again.
    api.faults.answer(409, verb="patch")
    assert shift(client, "70", "30").status_code == 200
    assert stored_weights(api) == [70, 30]

    def asked() -> set[Right]:
        return {Right(each.group, each.resource, each.verb) for each in list(api.requests) if each.resource not in FREE}

    # Each kind's watch follows its list at its own pace.
    wait_until(lambda: asked() >= granted_by(BASE_RIGHTS), "every right to be made use of")
    assert asked() == granted_by(BASE_RIGHTS)
