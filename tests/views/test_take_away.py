"""What can be taken away from a panel: files with good names, true to the object and to what was asked."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for
from tests.views.objects import virtual_service
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi

PAGE = "/virtual-services/shop/web"
JSON = {"Accept": "application/json"}


def shift(client: FlaskClient, *weights: int) -> None:
    digest = client.get(PAGE, headers=JSON).get_json()["http_routes"][0]["route_digest"]
    form = {"weight": list(map(str, weights)), "route_digest": digest}
    assert client.post(f"{PAGE}/http/0/weights", data=form, headers=JSON).status_code == 200


def wait_for_weights(adapters: Adapters, *weights: int) -> None:
    wait_for(adapters, lambda snapshot: snapshot.virtual_services["shop", "web"].http[0].weights == weights)


def test_the_receipt_of_a_shift_that_nobody_sampled(client: FlaskClient, adapters: Adapters) -> None:
    shift(client, 60, 40)
    wait_for_weights(adapters, 60, 40)
    response = client.get(f"{PAGE}/http/0/receipt.md")
    assert response.content_type == "text/markdown; charset=utf-8"
    name = response.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="shop-web-http-0-[0-9]{8}T[0-9]{6}Z-receipt\.md"', name)
    version = adapters.cluster.snapshot().virtual_services["shop", "web"].metadata.resource_version
    lines = response.text.splitlines()
    assert lines[:2] == ["# Shift of shop/web", ""]
    assert "* who: crossfade" in lines
    assert {"* from: v1 90, v2 10", "* to: v1 60, v2 40", "- v1: 90", "+ v1: 60", "- v2: 10", "+ v2: 40"} <= set(lines)
    assert any(re.fullmatch(f"\\* read [0-9T:-]+Z at resourceVersion {version}", line) for line in lines)
    # Not a zero in sight: nobody has asked.
    assert lines[-1] == "The gateway was not asked: whether it took effect is not known."


def test_the_receipt_of_a_shift_that_somebody_else_made(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    api.store.put("virtualservices", virtual_service((25, 75)), manager="kubectl-edit")
    wait_for_weights(adapters, 25, 75)
    text = client.get(f"{PAGE}/http/0/receipt.md").text
    assert "* who: kubectl-edit (who wrote the object last)\n* from: not known\n* to: v1 25, v2 75\n" in text
    assert "```diff" not in text


def test_the_chart_of_a_route_that_nobody_asked(client: FlaskClient) -> None:
    response = client.get(f"{PAGE}/http/0/answers.svg")
    assert response.mimetype == "image/svg+xml"
    assert re.fullmatch(
        r'inline; filename="shop-web-http-0-[0-9]{8}T[0-9]{6}Z\.svg"', response.headers["Content-Disposition"]
    )
    words = [each.text for each in ElementTree.fromstring(response.data).iter("{http://www.w3.org/2000/svg}text")]
    assert "shop/web" in words
    assert "No answers were counted." in words


@pytest.mark.parametrize("file", ["answers.svg", "receipt.md", "answers.csv"])
@pytest.mark.parametrize("place", ["/virtual-services/shop/nobody/http/0", f"{PAGE}/http/7"])
def test_of_what_is_not_there_nothing_can_be_taken(client: FlaskClient, place: str, file: str) -> None:
    page, answer = client.get(f"{place}/{file}"), client.get(f"{place}/{file}", headers=JSON)
    assert page.status_code == answer.status_code == 404
    assert answer.get_json()["error"]["code"] == "not_found"
    assert page.mimetype == "text/html" and 'id="error"' in page.text


def test_the_page_leads_to_all_of_them_without_a_script(client: FlaskClient) -> None:
    for path in (PAGE, f"{PAGE}/http/0/answers"):
        page = client.get(path).text
        for file in ("answers.csv", "answers.svg", "receipt.md"):
            assert f'href="{PAGE}/http/0/{file}" download>' in page
