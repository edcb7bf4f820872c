"""What a person may write into the form of a request, and what is said about the rest."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from tests.istio.builders import destination, gateway, http_route, snapshot
from tests.istio.builders import virtual_service as raw_virtual_service
from webapp.traffic.targets import Target, unaskable
from webapp.views.request_form import METHODS, headers_of, problems_of, read_request

MESH = snapshot(
    gateway("edge"), raw_virtual_service(http_route(destination("web")), gateways=["edge"], hosts=["*.example", "b"])
)
OWNER = MESH.virtual_services["shop", "web"]

LONG = "x" * 2_000
BAD = [
    pytest.param("method=TRACE", "method", id="method-of-the-connection"),
    pytest.param("method=GET%20/x", "method", id="method-with-a-space"),
    pytest.param("method=", "method", id="no-method"),
    pytest.param("path=", "path", id="empty-path"),
    pytest.param("path=cart", "path", id="path-without-slash"),
    pytest.param("path=/a%20b", "path", id="path-with-a-space"),
    pytest.param("path=/a%23b", "path", id="path-with-a-fragment"),
    pytest.param("path=/%25zz", "path", id="path-with-a-lone-percent"),
    pytest.param("path=/a%0D%0AHost:%20evil", "path", id="path-with-a-line-end"),
    pytest.param("path=http://evil.example/", "path", id="path-that-is-an-address"),
    pytest.param(f"path=/{LONG}", "path", id="path-too-long"),
    pytest.param("host=a%20b", "host", id="host-with-a-space"),
    pytest.param("host=a%0D%0AX:%201", "host", id="host-with-a-line-end"),
    pytest.param("host=http://evil.example", "host", id="host-that-is-an-address"),
    pytest.param("host=me@evil.example", "host", id="host-with-a-user"),
    pytest.param(f"host={'a.' * 200}b", "host", id="host-too-long"),
    pytest.param("host=&gateway=mesh", "host", id="mesh-without-host"),
    pytest.param("header=end-user", "header", id="header-without-colon"),
    pytest.param("header=:authority:%20x", "header", id="pseudo-header"),
    pytest.param("header=end%20user:%20x", "header", id="header-name-with-a-space"),
    pytest.param("header=Host:%20evil.example", "header", id="host-as-header"),
    pytest.param("header=transfer-encoding:%20chunked", "header", id="header-of-the-connection"),
    pytest.param("header=a:1%0AA:2", "header", id="header-twice"),
    pytest.param("header=a:%00", "header", id="header-with-a-control-character"),
    pytest.param(f"header=a:{LONG}", "header", id="headers-too-long"),
    pytest.param("gateway=", "gateway", id="no-gateway"),
    pytest.param("gateway=nobody", "gateway", id="unknown-gateway"),
    pytest.param("gateway=istio-system/edge", "gateway", id="gateway-elsewhere"),
    pytest.param("gateway=http://evil.example/", "gateway", id="gateway-that-is-an-address"),
    pytest.param("gateway=mesh&source_namespace=Shop", "source_namespace", id="namespace"),
]


@pytest.mark.parametrize(("query", "field"), BAD)
def test_each_mistake_has_a_sentence_of_its_own(query: str, field: str) -> None:
    values = MultiDict(parse_qsl(query, keep_blank_values=True))
    problems = problems_of(read_request(values, OWNER), OWNER, MESH)
    assert list(problems) == [field]
    assert len(problems[field].split()) > 3
    assert len(problems[field]) < 500


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param("host=", id="no-host"),
        pytest.param("host=[fd00::1]:8080", id="address"),
        pytest.param("path=/a;b/(c)@d%2520?e=%26&f=%2B", id="path"),
        pytest.param("header=x:%0A%0Aaccept-language:%20d%C3%A9", id="headers"),
        pytest.param("gateway=shop/edge&source_namespace=shop", id="gateway-in-full"),
        pytest.param("gateway=mesh&host=web&source_namespace=shop", id="mesh"),
        *(pytest.param(f"method={each}", id=each) for each in METHODS),
    ],
)
def test_what_can_be_sent_is_no_mistake(query: str) -> None:
    request = read_request(MultiDict(parse_qsl(query, keep_blank_values=True)), OWNER)
    assert problems_of(request, OWNER, MESH) == {}


def test_a_wildcard_is_filled_in() -> None:
    assert read_request(MultiDict(), OWNER).host == "sample.example"


LINES = st.builds("{}:{}".format, st.text("aB-:", max_size=3), st.text(max_size=8))
FIELDS = {
    "host": st.text() | st.text("aB.-:[]0"),
    "path": st.text() | st.text("aB/?%25#. ").map("/{}".format),
    "header": st.lists(LINES, max_size=2).map("\n".join),
}


@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_what_has_no_problem_can_be_asked(values: dict[str, str]) -> None:
    request = read_request(MultiDict(values), OWNER)
    if not problems_of(request, OWNER, MESH):
        target = Target("", "", 0, "http://192.0.2.1", request.method, request.host, request.path, headers_of(request))
        assert unaskable(target) == ""
