"""Credentials that are no longer accepted are read again at their source, whatever that is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import Configuration
from kubernetes.config import ConfigException

from webapp.cluster.access import RENEW_SECONDS, Access, load_access
from webapp.cluster.client import Client
from webapp.cluster.failures import BadCredentials
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

Write = Callable[[str], None]
Source = Callable[[KubeApi, Path], tuple[Access, Write]]


def kubeconfig(api: KubeApi, path: Path, user: dict[str, Any], *, current: str = "ours") -> str:
    """Write a kubeconfig with our context and another, which leads nowhere."""
    authority = base64.b64encode(api.ca_pem.encode()).decode()
    clusters = {
        "ours": {"server": api.url, "certificate-authority-data": authority},
        "other": {"server": "https://[::]"},
    }
    content = {
        "current-context": current,
        "clusters": [{"name": name, "cluster": cluster} for name, cluster in clusters.items()],
        "users": [{"name": "somebody", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "somebody"}} for name in clusters],
    }
    path.write_text(json.dumps(content))
    return str(path)


def in_the_file(api: KubeApi, folder: Path) -> tuple[Access, Write]:
    def write(token: str) -> None:
        kubeconfig(api, folder / "config", {"token": token})

    write("outdated")
    return load_access(Settings(kubeconfig=str(folder / "config")), environment={}), write


def in_another_file(api: KubeApi, folder: Path) -> tuple[Access, Write]:
    path = folder / "token"
    path.write_text("outdated")
    config = kubeconfig(api, folder / "config", {"tokenFile": str(path)})
    return load_access(Settings(kubeconfig=config), environment={}), lambda token: write_text(path, token)


def from_a_plugin(api: KubeApi, folder: Path) -> tuple[Access, Write]:
    """https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins"""
    version, path = "client.authentication.k8s.io/v1", folder / "answer.json"

    def write(token: str) -> None:
        path.write_text(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": {"token": token}}))

    write("outdated")
    plugin = {"apiVersion": version, "command": "cat", "args": [str(path)], "interactiveMode": "Never"}
    config = kubeconfig(api, folder / "config", {"exec": plugin})
    return load_access(Settings(kubeconfig=config), environment={}), write


def of_the_pod(api: KubeApi, folder: Path) -> tuple[Access, Write]:
    (folder / "ca.crt").write_text(api.ca_pem)
    (folder / "token").write_text("outdated")
    host, _, port = api.url.removeprefix("https://").partition(":")
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    access = load_access(Settings(), environment=environment, service_account=folder)
    return access, lambda token: write_text(folder / "token", token)


def write_text(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("source", [in_the_file, in_another_file, from_a_plugin, of_the_pod])
def test_a_new_token_is_found_and_nobody_notices(api: KubeApi, tmp_path: Path, source: Source) -> None:
    access, write = source(api, tmp_path)
    client = Client(access)
    write(api.token)
    assert client.json("GET", "/version")["major"] == "1"
    client.close()


@pytest.mark.parametrize("source", [in_the_file, in_another_file, from_a_plugin, of_the_pod])
def test_an_old_token_is_said_until_there_is_a_new_one(api: KubeApi, tmp_path: Path, source: Source) -> None:
    access, write = source(api, tmp_path)
    client, other = Client(access), Client(access)
    for each in (client, other):
        with pytest.raises(BadCredentials, match="does not accept this dashboard's credentials: Unauthorized"):
            each.json("GET", "/version")
    access._next_at = float("-inf")
    write(api.token)
    for each in (client, other):
        assert each.json("GET", "/version")["major"] == "1"
        each.close()


def test_another_current_context_leads_nobody_elsewhere(api: KubeApi, tmp_path: Path) -> None:
    access, _ = in_the_file(api, tmp_path)
    kubeconfig(api, tmp_path / "config", {"token": api.token}, current="other")
    client = Client(access)
    assert client.json("GET", "/version")["major"] == "1"
    assert client.host == api.url
    client.close()


class Identity:
    """Somebody who is asked who we are."""

    def __init__(self) -> None:
        self.token, self.asked, self.now = "a", 0, 0.0
        self.access = Access(
            name="here",
            in_cluster=False,
            namespace="default",
            configuration=self.read(),
            read=self.read,
            clock=lambda: self.now,
        )
        self.asked = 0

    def read(self) -> Configuration:
        self.asked += 1
        if not self.token:
            raise ConfigException("half written")
        configuration = Configuration()
        configuration.api_key["BearerToken"] = self.token
        return configuration


@pytest.fixture
def source() -> Identity:
    return Identity()


def test_the_source_is_asked_once_in_a_while(source: Identity) -> None:
    access, refused = source.access, source.access.configuration
    assert [access.renew(refused) for _ in range(10)] == [refused] * 10
    assert source.asked == 1
    source.now += RENEW_SECONDS
    assert access.renew(refused) is refused
    assert source.asked == 2


def test_who_was_refused_with_what_is_old_already_gets_the_newest(source: Identity) -> None:
    access, refused = source.access, source.access.configuration
    source.token = "b"
    renewed = access.renew(refused)
    assert renewed.api_key == {"BearerToken": "b"}
    assert [access.renew(refused) for _ in range(10)] == [renewed] * 10
    assert source.asked == 1


def test_a_source_that_can_not_be_read_changes_nothing(source: Identity) -> None:
    refused, source.token = source.access.configuration, ""
    assert source.access.renew(refused) is refused
    source.token, source.now = "b", RENEW_SECONDS
    assert source.access.renew(refused).api_key == {"BearerToken": "b"}
