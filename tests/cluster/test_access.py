"""Where the way to the API server is read from, and what is said where it can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from webapp.cluster.access import load_access
from webapp.settings import InvalidSetting, Settings

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: kind-demo
contexts:
- {name: kind-demo, context: {cluster: one, user: somebody}}
- {name: other, context: {cluster: two, user: somebody, namespace: shop}}
clusters:
- {name: one, cluster: {server: "https://192.0.2.1:6443"}}
- {name: two, cluster: {server: "https://192.0.2.2:6443"}}
users:
- {name: somebody, user: {token: secret}}
"""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    return str(path)


@pytest.fixture
def service_account(tmp_path: Path) -> Path:
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("of-the-pod")
    (folder / "ca.crt").write_text("-----BEGIN CERTIFICATE-----")
    return folder


IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def test_the_current_context_is_taken(kubeconfig: str) -> None:
    access = load_access(Settings(kubeconfig=kubeconfig), environment={})
    assert (access.name, access.in_cluster) == ("kind-demo", False)
    assert access.configuration.host == "https://192.0.2.1:6443"
    assert access.configuration.auth_settings()["BearerToken"]["value"] == "Bearer secret"


def test_a_named_context_is_taken(kubeconfig: str) -> None:
    access = load_access(Settings(kubeconfig=kubeconfig, context="other"), environment={})
    assert (access.name, access.configuration.host) == ("other", "https://192.0.2.2:6443")


@pytest.mark.parametrize(("context", "namespace"), [("", "default"), ("other", "shop")])
def test_the_contexts_namespace_is_known(kubeconfig: str, context: str, namespace: str) -> None:
    assert load_access(Settings(kubeconfig=kubeconfig, context=context), environment={}).namespace == namespace


def test_the_environment_names_the_kubeconfig(kubeconfig: str) -> None:
    assert load_access(Settings(), environment={"KUBECONFIG": kubeconfig}).name == "kind-demo"


def test_a_pod_uses_its_own_account(service_account: Path) -> None:
    access = load_access(Settings(), environment=IN_POD, service_account=service_account)
    assert (access.name, access.in_cluster) == ("in cluster", True)
    assert access.configuration.host == "https://10.96.0.1:443"
    assert access.configuration.auth_settings()["BearerToken"]["value"] == "bearer of-the-pod"


def test_a_pods_own_namespace_is_known(service_account: Path) -> None:
    assert load_access(Settings(), environment=IN_POD, service_account=service_account).namespace == "default"
    (service_account / "namespace").write_text("shop")
    assert load_access(Settings(), environment=IN_POD, service_account=service_account).namespace == "shop"


def test_a_kubeconfig_that_is_set_goes_before_the_pods_account(kubeconfig: str, service_account: Path) -> None:
    access = load_access(Settings(kubeconfig=kubeconfig), environment=IN_POD, service_account=service_account)
    assert not access.in_cluster


def test_nothing_is_retried_behind_our_back(kubeconfig: str) -> None:
    assert load_access(Settings(kubeconfig=kubeconfig), environment={}).configuration.retries is False


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "example.org")
    no_proxy = load_access(Settings(kubeconfig=kubeconfig), environment={}).configuration.no_proxy
    assert no_proxy == "example.org,localhost,127.0.0.0/8,::1"


@pytest.mark.parametrize(
    ("content", "context", "words"),
    [
        pytest.param(None, "", "there is no such file", id="no file"),
        pytest.param("", "", "file is empty", id="empty"),
        pytest.param("{", "", "expected", id="no YAML"),
        pytest.param("- 1", "", "can't be used", id="a list"),
        pytest.param("{}", "", "current-context", id="no context"),
        pytest.param(KUBECONFIG, "elsewhere", "elsewhere", id="unknown context"),
        pytest.param(KUBECONFIG.replace("name: one,", "name: uno,"), "", "one", id="unknown cluster"),
    ],
)
def test_a_bad_kubeconfig_is_named(tmp_path: Path, content: str | None, context: str, words: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidSetting) as raised:
        load_access(Settings(kubeconfig=str(path), context=context), environment={})
    assert str(raised.value).startswith(f"the kubeconfig {path} can't be used: ")
    assert words in str(raised.value)


def test_a_bad_service_account_is_named(service_account: Path) -> None:
    (service_account / "ca.crt").write_text("")
    with pytest.raises(InvalidSetting, match="the pod's service account can't be used: Cert file exists but empty"):
        load_access(Settings(), environment=IN_POD, service_account=service_account)
