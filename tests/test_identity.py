"""Who asks: what counts as a name, and who may say it."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.errors import ForgedIdentity
from webapp.identity import MOST_BYTES, MOST_GROUPS, MOST_XFCC, Person, parse_xfcc, recognise, sender_of

GATEWAY = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"
POD = "spiffe://cluster.local/ns/shop/sa/web"
OURS = "spiffe://cluster.local/ns/crossfade/sa/crossfade"


def element(*uris: str, subject: str = "") -> str:
    """What our sidecar writes about who speaks to it, as istiod configures it."""
    names = "".join(f";URI={each}" for each in uris)
    return f'By={OURS};Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;Subject="{subject}"{names}'


def asks(xfcc: str = "", name: str = "ana@example.org", groups: str = "") -> Person | None:
    return recognise(name, groups, xfcc, gateways=(GATEWAY,))


@pytest.mark.parametrize(
    ("header", "elements"),
    [
        pytest.param("By=a;URI=b", [[("by", "a"), ("uri", "b")]], id="plain"),
        pytest.param("URI=a;uri=b;URI=", [[("uri", "a"), ("uri", "b"), ("uri", "")]], id="several-and-empty"),
        pytest.param("URI=a,By=b;URI=c", [[("uri", "a")], [("by", "b"), ("uri", "c")]], id="two-elements"),
        pytest.param("URI=a, URI=b", [[("uri", "a")], [("uri", "b")]], id="joined-with-a-space"),
        pytest.param(
            'Subject="O=\\"A, B; C\\", CN=x";URI=a', [[("subject", 'O="A, B; C", CN=x'), ("uri", "a")]], id="quoted"
        ),
        pytest.param('Subject="";URI=a', [[("subject", ""), ("uri", "a")]], id="quoted-and-empty"),
        pytest.param('URI="a,URI=b"', [[("uri", "a,URI=b")]], id="comma-in-quotes"),
        pytest.param("URI=spiffe://a/b=c", [[("uri", "spiffe://a/b=c")]], id="equals-in-a-value"),
        pytest.param("", [], id="empty"),
        pytest.param("URI", [], id="no-value"),
        pytest.param("=a", [], id="no-key"),
        pytest.param("URI=a,", [], id="nothing-after-a-comma"),
        pytest.param("URI=a;", [], id="nothing-after-a-semicolon"),
        pytest.param(",URI=a", [], id="nothing-before-a-comma"),
        pytest.param('Subject="x,URI=a', [], id="open-quote"),
        pytest.param('Subject="x\\",URI=a', [], id="open-quote-by-escape"),
        pytest.param('Subject="x"y;URI=a', [], id="after-the-quote"),
        pytest.param('Subject=x"y";URI=a', [], id="quote-within"),
        pytest.param("URI=a\n", [[("uri", "a\n")]], id="a-line-break-ends-nothing"),
        pytest.param(f"URI={'a' * MOST_XFCC}", [], id="too-long"),
    ],
)
def test_the_header_is_read_as_envoy_writes_it(header: str, elements: list[list[tuple[str, str]]]) -> None:
    assert parse_xfcc(header) == elements


_TEXT = st.text(st.characters(codec="latin-1"), max_size=20)
_KEY = st.sampled_from(["By", "Hash", "Cert", "Subject", "URI", "DNS"])


@given(st.lists(st.lists(st.tuples(_KEY, _TEXT), min_size=1, max_size=4), min_size=1, max_size=4))
def test_whatever_is_quoted_comes_back(elements: list[list[tuple[str, str]]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ",".join(";".join(f"{key}={quoted(value)}" for key, value in each) for each in elements)
    assert parse_xfcc(header) == [[(key.lower(), value) for key, value in each] for each in elements]


_PIECES = st.lists(
    st.sampled_from(['"', "\\", ",", ";", "=", "URI=", f"URI={GATEWAY}", 'Subject="', "x", " ", "By=y", '\\"']),
    max_size=12,
).map("".join)


@given(_PIECES | _TEXT, st.sampled_from(["", "O=Pod", 'O=\\"Pod\\"', f",URI={GATEWAY};DNS=", f";URI={GATEWAY};DNS="]))
def test_nothing_before_the_last_element_hides_it(before: str, subject: str) -> None:
    """A pod sends what it likes; our sidecar appends who it is, with the subject of its certificate in quotes."""
    assert GATEWAY not in sender_of(f"{before},{element(POD, subject=subject)}")


@given(_PIECES | _TEXT)
def test_any_header_is_read_in_the_end(header: str) -> None:
    assert all(isinstance(each, list) and each for each in parse_xfcc(header))


@pytest.mark.parametrize(
    ("xfcc", "words"),
    [
        pytest.param("", "mutual TLS", id="no-certificate"),
        pytest.param(element(POD), POD, id="another-pod"),
        pytest.param(f"{element(GATEWAY)},{element(POD)}", POD, id="gateway-first-another-last"),
        pytest.param(element(GATEWAY, POD), POD, id="gateway-and-another-in-one-certificate"),
        pytest.param(element(GATEWAY.upper()), "not the", id="other-case"),
        pytest.param(f"{GATEWAY}/x".join(("URI=", "")), "not the", id="longer"),
        pytest.param(f"By={GATEWAY};Hash=1", "mutual TLS", id="gateway-as-the-receiver"),
        pytest.param(f"DNS={GATEWAY}", "mutual TLS", id="gateway-as-a-dns-name"),
        pytest.param(f'Subject="{element(GATEWAY)}', "mutual TLS", id="not-well-formed"),
    ],
)
def test_a_forged_name_is_refused_in_words(xfcc: str, words: str) -> None:
    for given_ in ({"name": "ana@example.org"}, {"name": "", "groups": "admins"}):
        with pytest.raises(ForgedIdentity, match=words):
            asks(xfcc, **given_)


@pytest.mark.parametrize("xfcc", [element(GATEWAY), f"{element(POD)},{element(GATEWAY)}"], ids=["alone", "last"])
def test_the_gateways_word_counts(xfcc: str) -> None:
    assert asks(xfcc) == Person("ana@example.org")


def test_who_names_nobody_is_nobody() -> None:
    assert asks("", name=" ") is None
    assert asks(element(POD), name="") is None
    assert asks(element(GATEWAY), name="", groups="admins") is None


LIST = base64.b64encode(json.dumps(["admins", "größe"]).encode()).decode()


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        pytest.param("", (), id="none"),
        pytest.param("a, b,,a ", ("a", "b"), id="a-list"),
        pytest.param("grÃ¶Ã\x9fe", ("größe",), id="as-wsgi-has-utf-8"),
        pytest.param(LIST, ("admins", "größe"), id="a-tokens-list"),
        pytest.param(LIST.rstrip("="), ("admins", "größe"), id="a-tokens-list-unpadded"),
        pytest.param("Writers", ("Writers",), id="begins-like-one"),
        pytest.param("WzFd", ("WzFd",), id="a-list-of-no-names"),
    ],
)
def test_groups_are_read(groups: str, found: tuple[str, ...]) -> None:
    assert asks(element(GATEWAY), groups=groups) == Person("ana@example.org", found)


@pytest.mark.parametrize(
    ("name", "groups", "words"),
    [
        pytest.param("ana@example.org,eve@example.org", "", "two people", id="two-headers"),
        pytest.param("a" * (MOST_BYTES + 1), "", "longer", id="long"),
        pytest.param("ana\x00", "", "control", id="control-character"),
        pytest.param("ana\nImpersonate-User: eve", "", "control", id="another-header"),
        pytest.param("\xff", "", "UTF-8", id="not-utf-8"),
        pytest.param("system:admin", "", "cluster's own", id="the-clusters-own"),
        pytest.param("System:serviceaccount:kube-system:x", "", "cluster's own", id="an-account"),
        pytest.param("ana", "b,system:masters", "system:masters", id="a-group-that-may-everything"),
        pytest.param("ana", "b\x07", "control", id="control-character-in-a-group"),
        pytest.param("ana", ",".join(map(str, range(MOST_GROUPS + 1))), "201 groups", id="many-groups"),
    ],
)
def test_a_name_that_can_be_none_is_refused(name: str, groups: str, words: str) -> None:
    with pytest.raises(ForgedIdentity, match=words):
        asks(element(GATEWAY), name=name, groups=groups)
