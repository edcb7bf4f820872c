"""Settings: what is taken, what is refused and how it is said."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from webapp.settings import InvalidSetting, Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_values_are_read() -> None:
    settings = Settings.from_environment(
        {
            "CROSSFADE_BIND": "0.0.0.0:80",
            "CROSSFADE_TRUSTED_HOSTS": "a.example, .b.example",
            "CROSSFADE_READ_ONLY": "yes",
            "CROSSFADE_NAMESPACES": "shop, default",
            "CROSSFADE_SAMPLE_RATE": "50",
            "CROSSFADE_GATEWAY_URL": "https://192.0.2.1:8443/",
            "HOME": "/root",
        }
    )
    assert settings.bind == "0.0.0.0:80"
    assert settings.trusted_hosts == ("a.example", ".b.example")
    assert settings.read_only is True
    assert settings.namespaces == ("shop", "default")
    assert settings.sample_rate == 50
    assert settings.gateway_url == "https://192.0.2.1:8443"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("CROSSFADE_BIND", "8000", id="address-without-host"),
        pytest.param("CROSSFADE_BIND", "127.0.0.1:99999", id="port-too-large"),
        pytest.param("CROSSFADE_SAMPLE_RATE", "0", id="rate-zero"),
        pytest.param("CROSSFADE_SAMPLE_RATE", "51", id="rate-over"),
        pytest.param("CROSSFADE_SAMPLE_RATE", "٣", id="rate-other-digits"),
        pytest.param("CROSSFADE_READ_ONLY", "maybe", id="flag-unknown"),
        pytest.param("CROSSFADE_GATEWAY_URL", "ftp://x", id="url-scheme"),
        pytest.param("CROSSFADE_GATEWAY_URL", "http://x/path", id="url-with-path"),
        pytest.param("CROSSFADE_GATEWAY_CA", "/nowhere/ca.pem", id="certificates-that-are-not-there"),
        pytest.param("CROSSFADE_GATEWAY_CA", __file__, id="a-file-without-certificates"),
        pytest.param("CROSSFADE_VERSION_PATTERN", "(", id="pattern-broken"),
        pytest.param("CROSSFADE_NAMESPACES", "shop ../etc", id="namespace-that-leads-elsewhere"),
        pytest.param("CROSSFADE_LOG_LEVEL", "loud", id="log-level-unknown"),
        pytest.param("CROSSFADE_IDENTITY_HEADER", "x-user: ana", id="header-with-a-value"),
        pytest.param("CROSSFADE_GATEWAY_IDENTITY", "cluster.local/ns/a/sa/b", id="gateway-without-spiffe"),
        pytest.param("CROSSFADE_GATEWAY_IDENTITY", "spiffe://cluster.local/ns/a/*", id="gateway-as-a-pattern"),
        pytest.param("CROSSFADE_IDENTITY_HEADER", "x-forwarded-email", id="identity-from-anybody"),
        pytest.param("CROSSFADE_IMPERSONATE", "1", id="impersonating-nobody"),
        pytest.param("CROSSFADE_SAMPLE_RATES", "10", id="name-unknown"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=name):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(
    "name",
    [
        "CROSSFADE_SERVICE_HOST",
        "CROSSFADE_SERVICE_PORT",
        "CROSSFADE_SERVICE_PORT_HTTP",
        "CROSSFADE_PORT",
        "CROSSFADE_PORT_80_TCP_ADDR",
        "CROSSFADE_PROBES_SERVICE_HOST",
        "CROSSFADE_PROBES_PORT_8081_TCP",
    ],
)
def test_variables_that_kubernetes_puts_beside_a_service_named_crossfade_are_left_alone(name: str) -> None:
    assert Settings.from_environment({name: "tcp://10.96.0.1:80"}) == Settings()


def test_help_lists_every_setting() -> None:
    text = Settings.describe()
    assert [each.name for each in fields(Settings) if f"CROSSFADE_{each.name.upper()} " not in text] == []


def test_the_readme_lists_every_setting() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text()
    assert [each.name for each in fields(Settings) if f"`CROSSFADE_{each.name.upper()}`" not in text] == []
