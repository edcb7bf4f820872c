"""What every answer carries, and whose posts are taken."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.views.test_shifts import JSON, ROUTE, digest, stored_weights
from webapp.demo.kube.server import KubeApi


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/css/app.css"])
def test_every_answer_carries_the_policy(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a-script-sends-neither"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200, id="our-own-page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="typed-by-the-person"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="a-sibling-site"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="another-origin"),
        pytest.param({"Origin": "null"}, 403, id="a-sandboxed-origin"),
        pytest.param({"Origin": "http://localhost:81"}, 403, id="another-port"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, 403, id="contradiction"),
    ],
)
def test_cross_site_posts_write_nothing(
    client: FlaskClient, api: KubeApi, headers: dict[str, str], status: int
) -> None:
    form = {"weight": ["70", "30"], "route_digest": digest(client)}
    response = client.post(f"{ROUTE}/weights", data=form, headers=JSON | headers)
    assert response.status_code == status
    assert stored_weights(api) == ([70, 30] if status == 200 else [90, 10])


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_foreign_host_name_is_refused_in_words(client: FlaskClient, accept: str) -> None:
    response = client.get("/", headers={"Host": "evil.example", "Accept": accept})
    assert response.status_code == 400
    assert "CROSSFADE_TRUSTED_HOSTS" in response.text


def test_a_form_that_is_too_large_is_refused(client: FlaskClient) -> None:
    response = client.post(f"{ROUTE}/weights", data={"weight": "9" * 100_000}, headers=JSON)
    assert response.status_code == 413
    assert response.get_json()["error"]["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_405(client: FlaskClient, method: str) -> None:
    response = client.open("/", method=method, headers=JSON)
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
