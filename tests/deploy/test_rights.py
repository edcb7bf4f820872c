"""Every verb that the code uses, against the roles that deploy/ ships: nothing missing, nothing more."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.deploy.rights import (
    ADOPT_RIGHTS,
    ADOPT_USES,
    BASE_RIGHTS,
    NAMESPACE_RIGHTS,
    USES,
    Right,
    granted_by,
    requests_in_the_code,
    used,
)
from tests.views.test_shifts import shift, stored_weights
from tests.walk.steps import wait_until
from webapp.demo.kube.server import KubeApi

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
